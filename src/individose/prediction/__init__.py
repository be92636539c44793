"""From a patient and a card to levels: binds what the literature says to what happened."""

from individose.prediction.bind import Bound, at, bind, relation
from individose.prediction.relation import Data, Relation
from individose.prediction.timeline import Sizes, larger

__all__ = ["Bound", "Data", "Relation", "Sizes", "at", "bind", "larger", "relation"]
