"""All trained tensors of a model together: passes over them that kernels do in one call, and what these leave."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from jaxtyping import Float32

from mazo.zeroth_order.blocks import blocks
from mazo.zeroth_order.coordinates import Coordinates
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.targets import Factors, Stretch
from mazo.zeroth_order.write import kernels


class Kernels(Protocol):
    """A pass laid out for a device's kernels, as :class:`mazo.zeroth_order.cpu_kernels.Pass`."""

    def write_(self, keys: np.ndarray, alphas: np.ndarray, factors: Factors) -> None:
        """Write numbers of all its tensors."""


class Pass(NamedTuple):
    """Tensors that kernels write in one call.

    :param names: The tensors, whose keys and factors a call takes.
    :param device: Where they are.
    :param factors: What a move of each is multiplied by.
    :param moves: Which tensors' moves begin where the last one ended.
    """

    names: tuple[str, ...]
    device: torch.device
    kernels: Kernels
    factors: np.ndarray
    moves: np.ndarray


class _Divided(NamedTuple):
    """Passes, which are good for as long as the weights stay where they are, and the tensors in none of them."""

    addresses: list[int]
    passes: list[Pass]
    rest: dict[str, Coordinates]


class Trained(Mapping[str, Coordinates]):
    """The trained tensors of a model by name, which are moved and stepped along directions together.

    :param coordinates: Each tensor.
    """

    def __init__(self, coordinates: Mapping[str, Coordinates]) -> None:
        self._coordinates = dict(coordinates)
        self._divided: dict[tuple[str, str], _Divided] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickle takes: not the passes, which hold the addresses of these very tensors."""
        return self.__dict__ | {"_divided": {}}

    def __getitem__(self, name: str) -> Coordinates:
        """Return a tensor."""
        return self._coordinates[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._coordinates)

    def __len__(self) -> int:
        """Return how many tensors there are."""
        return len(self._coordinates)

    @property
    def is_in_place(self) -> bool:
        """Whether a move changes theta itself, so that it begins where the last one ended."""
        return any(tensor.draws(0.0) for tensor in self.values())

    def move_(self, z: Direction, *, start: float, end: float) -> None:
        """Move every tensor's weights from theta + start z to theta + end z."""
        passes, rest = self._divide("move_target", z) if end != 0 or self.is_in_place else ([], self)
        for each in passes:
            distances = end * each.factors - np.where(each.moves, start * each.factors, 0.0)
            _write_(each, z, distances.astype(np.float32), Factors(rounded=True))
        for block in blocks(rest):
            block.part.move_(block.numbers(z) if block.part.draws(end) else None, start=start, end=end)

    def step_(
        self, z: Direction, *, coefficient: float, lr: float, weight_decay: float, start: float
    ) -> Mapping[str, Coordinates]:
        """Step tensors along coefficient z, as many as kernels can, and return the others, at theta.

        :param lr: Not 0.
        :param start: Where the weights are, theta + start z; 0 unless :attr:`is_in_place`.
        """
        passes, rest = self._divide("step_target", z)
        if start != 0 and rest:
            self.move_(z, start=start, end=0.0)
            start = 0.0
        for each in passes:
            alphas = np.full(len(each.names), -lr, np.float32)
            _write_(each, z, alphas, Factors(coefficient=coefficient, decay=weight_decay, back=-start))
        return rest

    def _divide(self, target: str, z: Direction) -> tuple[list[Pass], dict[str, Coordinates]]:
        """Divide the tensors into those that kernels write, by device, and others: alike for directions of a kind."""
        key, addresses = (target, z.distribution), [tensor.address for tensor in self.values()]
        if key not in self._divided or self._divided[key].addresses != addresses:
            grouped: dict[tuple[ModuleType, torch.device], dict[str, list[Stretch]]] = defaultdict(dict)
            rest = {}
            for name, tensor in self.items():
                parts = [(start, part.size, getattr(part, target)) for start, part in _parts(tensor)]
                module = kernels(parts[0][2]) if parts[0][2] and z.streams(name, tensor.device) else None
                if module is None:
                    rest[name] = tensor
                else:
                    group = grouped[module, tensor.device]
                    group[name] = [Stretch(len(group), *part) for part in parts]
            passes = [_pass(module, device, group, signs=z.signs) for (module, device), group in grouped.items()]
            self._divided[key] = _Divided(addresses, passes, rest)
        return self._divided[key].passes, self._divided[key].rest


def _parts(tensor: Coordinates) -> list[tuple[int, Coordinates]]:
    """Return a tensor's blocks where threads share them; a GPU shares the whole out itself."""
    return tensor.parts if tensor.device.type == "cpu" else [(0, tensor)]


def _pass(module: ModuleType, device: torch.device, group: Mapping[str, list[Stretch]], *, signs: bool) -> Pass:
    firsts = [stretches[0].target for stretches in group.values()]
    laid_out = module.Pass([stretch for stretches in group.values() for stretch in stretches], signs=signs)
    factors = np.array([first.factor for first in firsts])
    return Pass(tuple(group), device, laid_out, factors, np.array([first.moves for first in firsts]))


def _write_(each: Pass, z: Direction, alphas: Float32[np.ndarray, " tensors"], factors: Factors) -> None:
    each.kernels.write_(z.keys(each.names), alphas, factors._replace(scale=z.scale(each.device)))
