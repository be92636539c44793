"""Model cards: what the literature says of a drug, as data. Imports no numerical library; listing cards is instant."""

from individose.drugs.card import (
    Card,
    CardGrade,
    Carry,
    Check,
    Constant,
    CovariateUse,
    Dosing,
    Effect,
    Group,
    Parameter,
    Product,
    Range,
    Residual,
    Source,
    Target,
    Transform,
)
from individose.drugs.dimensions import elaborate
from individose.drugs.evaluate import PLAIN, Operations, evaluate
from individose.drugs.expression import Expr, names
from individose.drugs.grammar import parse
from individose.drugs.library import Summary, card, card_ids, product_cards, summaries, target
from individose.drugs.references import ordered
from individose.drugs.registers import Covariate, ParameterMeaning, covariate, covariates, parameters
from individose.drugs.together import Endogenous, at_published, endogenous, for_person, start, together
from individose.drugs.typical import codes, typical

__all__ = [
    "PLAIN",
    "Card",
    "CardGrade",
    "Carry",
    "Check",
    "Constant",
    "Covariate",
    "CovariateUse",
    "Dosing",
    "Effect",
    "Endogenous",
    "Expr",
    "Group",
    "Operations",
    "Parameter",
    "ParameterMeaning",
    "Product",
    "Range",
    "Residual",
    "Source",
    "Summary",
    "Target",
    "Transform",
    "at_published",
    "card",
    "card_ids",
    "codes",
    "covariate",
    "covariates",
    "elaborate",
    "endogenous",
    "evaluate",
    "for_person",
    "names",
    "ordered",
    "parameters",
    "parse",
    "product_cards",
    "start",
    "summaries",
    "target",
    "together",
    "typical",
]
