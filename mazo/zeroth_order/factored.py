"""Directions whose matrices are products of small factors, of which any stretch of numbers can be made alone."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor


class Factors(NamedTuple):
    """What a matrix is the product of, up to a scale."""

    left: Float[Tensor, "m r"]
    right: Float[Tensor, "n r"]
    scale: float


@dataclass(frozen=True)
class Factored(ABC):
    """A kind of such directions. Parameters that are no matrix take a normal direction.

    :param shapes: Shape of every tensor.
    :param rank: Rank of a matrix, r.
    :param period: Steps for which a part of the factors stays.
    """

    shapes: Mapping[str, tuple[int, ...]]
    rank: int
    period: int

    def covers(self, name: str) -> bool:
        """Tell whether a tensor is a matrix."""
        return len(self.shapes[name]) == 2

    @abstractmethod
    def factors(self, name: str, *, run_seed: int, step: int, index: int) -> Factors:
        """Draw a matrix's factors, on the CPU."""

    @staticmethod
    @abstractmethod
    def product(left: Float[Tensor, "m r"], right: Float[Tensor, "n r"]) -> Float[Tensor, "m n"]:
        """Multiply rows of the left factor with the right one: the same bits on every machine, row by row."""

    def numbers(self, factors: Factors, start: int, size: int) -> Float[Tensor, " size"]:
        """Return a stretch of a matrix's numbers, which lie row after row, where its factors are."""
        columns = len(factors.right)
        first, end = start // columns, -(-(start + size) // columns)
        rows = self.product(factors.left[first:end], factors.right).mul_(factors.scale).float()
        return rows.flatten()[start - first * columns :][:size]
