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
from individose.drugs.library import Summary, card, card_ids, summaries, target
from individose.drugs.references import ordered
from individose.drugs.registers import Covariate, ParameterMeaning, covariate, covariates, parameters
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
    "Expr",
    "Group",
    "Operations",
    "Parameter",
    "ParameterMeaning",
    "Range",
    "Residual",
    "Source",
    "Summary",
    "Target",
    "Transform",
    "card",
    "card_ids",
    "codes",
    "covariate",
    "covariates",
    "elaborate",
    "evaluate",
    "names",
    "ordered",
    "parameters",
    "parse",
    "summaries",
    "target",
    "typical",
]
