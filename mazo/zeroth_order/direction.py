"""The random direction of a step: a key, from which any tensor's numbers are drawn again whenever they are needed."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, UInt64
from torch import Tensor

from mazo.seeding import stream_key
from mazo.zeroth_order.distributions import BLOCK, DEVICE_BLOCK, Fill, draw_, fill_gaussian_, fill_rademacher_
from mazo.zeroth_order.factored import Factored, Product
from mazo.zeroth_order.low_rank import LowRank
from mazo.zeroth_order.stream import Numbers, Stream
from mazo.zeroth_order.subspace import Subspace
from mazo.zeroth_order.write import in_memory, makes_numbers

DISTRIBUTIONS: dict[str, Fill] = {
    "gaussian": fill_gaussian_,
    "rademacher": fill_rademacher_,
    "sphere": fill_gaussian_,
    "low_rank": fill_gaussian_,
    "subspace": fill_gaussian_,
}

FACTORED: dict[str, type[Factored]] = {"low_rank": LowRank, "subspace": Subspace}
"""Directions whose matrices are products of small factors."""


@dataclass(frozen=True)
class Direction:
    """One random direction z over all trained coordinates; little more of it is stored than its key.

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
        return in_memory(self.numbers(name, 0, self.sizes[name], torch.device(device)))

    def numbers(self, name: str, start: int, size: int, device: torch.device) -> Numbers:
        """Return ``size`` numbers of one tensor: not drawn yet where kernels make them.

        :param start: The first, a multiple of 256.
        """
        if (factored := self._factored(name)) is not None:
            # Not every other device has float64.
            where = device if device.type in ("cpu", "cuda") else torch.device("cpu")
            return factored.numbers(self._matrix(factored, name, where), start, size).to(device)
        key, scale = self._key(name), self.scale(device)
        if makes_numbers(device):
            return Stream(self.signs, key, start, size, device, scale)
        numbers = draw_(torch.empty(size), DISTRIBUTIONS[self.distribution], key, start=start).to(device)
        return numbers if scale == 1 else numbers.mul_(scale)

    def streams(self, name: str, device: torch.device) -> bool:
        """Tell whether a tensor's numbers are made where they are used: all but products of factors."""
        return makes_numbers(device) and self._factored(name) is None

    def _factored(self, name: str) -> Factored | None:
        """Return what draws a tensor as a product of factors, if anything does."""
        return self.factored if self.factored is not None and self.factored.covers(name) else None

    def _matrix(self, factored: Factored, name: str, device: torch.device) -> Product:
        """Return a matrix's factors on a device; those of the last one are held, as its stretches come in turn."""
        if (name, device) not in self._last:
            drawn = factored.draw(name, run_seed=self.run_seed, step=self.step, index=self.index)
            self._last.clear()
            self._last[name, device] = drawn.to(device)
        return self._last[name, device]

    @cached_property
    def _last(self) -> dict[tuple[str, torch.device], Product]:
        return {}

    @property
    def signs(self) -> bool:
        """Whether the numbers are signs; normal numbers otherwise, or made of these."""
        return DISTRIBUTIONS[self.distribution] is fill_rademacher_

    def keys(self, names: tuple[str, ...]) -> UInt64[np.ndarray, "names 2"]:
        """Return the 128-bit keys of some tensors' numbers, the low half of each first."""
        if names not in self._arrays:
            both = b"".join(self._key(name).to_bytes(16, "little") for name in names)
            self._arrays[names] = np.frombuffer(both, np.uint64).reshape(-1, 2)
        return self._arrays[names]

    @cached_property
    def _arrays(self) -> dict[tuple[str, ...], np.ndarray]:
        return {}

    def _key(self, name: str) -> int:
        if name not in self._keys:
            self._keys[name] = stream_key(self.run_seed, "direction", self.step, self.index, name)
        return self._keys[name]

    @cached_property
    def _keys(self) -> dict[str, int]:
        return {}

    def scale(self, device: torch.device) -> float:
        """Return what the numbers are multiplied by on a device."""
        if self.distribution != "sphere":
            return 1.0
        if device not in self._scales:
            self._scales[device] = math.sqrt(sum(self.sizes.values()) / self._square(device))
        return self._scales[device]

    @cached_property
    def _scales(self) -> dict[torch.device, float]:
        return {}

    def _square(self, device: torch.device) -> float:
        """Return the sum of all numbers' squares before they are scaled, and wait for it."""
        z, block = replace(self, distribution="gaussian"), BLOCK if device.type == "cpu" else DEVICE_BLOCK
        stretches = (
            in_memory(z.numbers(name, start, min(block, size - start), device))
            for name, size in self.sizes.items()
            for start in range(0, size, block)
        )
        # float64 sums: the float32 product then has the same bits wherever the sum's last digits differ.
        return float(sum(torch.sum(numbers.double().square()) for numbers in stretches))
