"""From a patient and a card to levels: binds what the literature says to what happened."""

from individose.prediction.bind import Bound, at, bind, relation
from individose.prediction.plans import Body, Start, bind_plan, personal, published
from individose.prediction.relation import Data, Relation
from individose.prediction.timeline import Sizes, larger

__all__ = [
    "Body",
    "Bound",
    "Data",
    "Relation",
    "Sizes",
    "Start",
    "at",
    "bind",
    "bind_plan",
    "larger",
    "personal",
    "published",
    "relation",
]
