"""The random direction of a step: a key, from which any tensor's numbers are drawn again whenever they are needed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.seeding import stream_key
from mazo.zeroth_order.distributions import Fill, drawn, fill_gaussian_, fill_rademacher_
from mazo.zeroth_order.low_rank import LowRank
from mazo.zeroth_order.subspace import Subspace

DISTRIBUTIONS: dict[str, Fill] = {
    "gaussian": fill_gaussian_,
    "rademacher": fill_rademacher_,
    "sphere": fill_gaussian_,
    "low_rank": fill_gaussian_,
    "subspace": fill_gaussian_,
}

Factored = LowRank | Subspace
FACTORED: dict[str, type[Factored]] = {"low_rank": LowRank, "subspace": Subspace}
"""Directions whose matrices are products of small factors."""


@dataclass(frozen=True)
class Direction:
    """One random direction z over all trained coordinates; nothing of it is stored but its key.

    :param run_seed: The run's seed.
    :param step: Step of the run, from 0.
    :param index: Which of the step's directions, from 0.
    :param distribution: ``gaussian``: z ~ N(0, I) [paper]; ``rademacher``: signs; ``sphere``: a normal direction scaled
        to the norm sqrt(d); ``low_rank`` and ``subspace``: matrices of low rank. All have E[z z'] = I, so a step size
        means the same for each.
    :param sizes: How many coordinates each tensor has; the tensors' names are part of the key.
    :param factored: What draws the matrices, for a direction in :data:`FACTORED`.
    """

    run_seed: int
    step: int
    index: int
    distribution: str
    sizes: Mapping[str, int]
    factored: Factored | None = None

    def draw(self, name: str, device: torch.device | str = "cpu") -> Float[Tensor, " numbers"]:
        """Draw the numbers of one tensor, as often as wanted and always the same.

        :param device: Where they are wanted; the integers and the table are the same everywhere.
        """
        numbers = self._draw(name).to(device)
        return numbers.mul_(self._scale) if self.distribution == "sphere" else numbers

    def splits(self, name: str) -> bool:
        """Tell whether a tensor's numbers can be drawn a block at a time; a product of factors comes whole."""
        return self.factored is None or not self.factored.covers(name)

    def draw_block(self, name: str, start: int, out: Float[Tensor, " numbers"]) -> Float[Tensor, " numbers"]:
        """Draw the numbers from ``start``, a multiple of 256, into a CPU tensor, and return it."""
        DISTRIBUTIONS[self.distribution](out, self._key(name), start)
        return out.mul_(self._scale) if self.distribution == "sphere" else out

    def _draw(self, name: str) -> Float[Tensor, " numbers"]:
        if self.factored is not None and self.factored.covers(name):
            return self.factored.draw(name, run_seed=self.run_seed, step=self.step, index=self.index)
        return drawn(DISTRIBUTIONS[self.distribution], self._key(name), self.sizes[name])

    def _key(self, name: str) -> int:
        if name not in self._keys:
            self._keys[name] = stream_key(self.run_seed, "direction", self.step, self.index, name)
        return self._keys[name]

    @cached_property
    def _keys(self) -> dict[str, int]:
        return {}

    @cached_property
    def _scale(self) -> float:
        # float64 sums: the float32 product then has the same bits wherever the sum's last digits differ.
        squares = sum(torch.sum(self._draw(name).double().square()).item() for name in self.sizes)
        return math.sqrt(sum(self.sizes.values()) / squares)
