"""What an individual estimator is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from individose.inference.fit import Fit
from individose.inference.problem import Problem


class AbstractIndividualEstimator(ABC):
    """From levels to one patient's effects."""

    @abstractmethod
    def fit(self, problem: Problem) -> Fit:
        """The estimate of one patient; hard data give a status, never an exception."""

    @abstractmethod
    def fit_ward(self, problems: Sequence[Problem]) -> list[Fit]:
        """The same for many problems whose data have equal shapes and one likelihood."""
