"""Directions whose matrices are products of small factors, of which any stretch of numbers can be made alone."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Float32
from torch import Tensor


class Product(NamedTuple):
    """A matrix as scale times left times the transpose of right; both factors of one type and on one device."""

    left: Float[Tensor, "m r"]
    right: Float[Tensor, "n r"]
    scale: float

    def to(self, device: torch.device) -> "Product":
        """Return it with its factors on a device."""
        return Product(self.left.to(device), self.right.to(device), self.scale)


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
    def draw(self, name: str, *, run_seed: int, step: int, index: int) -> Product:
        """Draw a matrix's factors, on the CPU."""

    @staticmethod
    @abstractmethod
    def multiply(left: Float[Tensor, "m r"], right: Float[Tensor, "n r"]) -> Float[Tensor, "m n"]:
        """Return left times the transpose of right: the same bits on every machine, whichever rows are taken."""

    def numbers(self, matrix: Product, start: int, size: int) -> Float32[Tensor, " size"]:
        """Make ``size`` new numbers of a matrix, from number ``start`` on; they lie row after row."""
        left, right, scale = matrix
        (first, skip), end = divmod(start, len(right)), -(-(start + size) // len(right))
        if end == first + 1:
            skip, right = 0, right[skip : skip + size]
        return self.multiply(left[first:end], right).mul_(scale).float().flatten()[skip : skip + size]
