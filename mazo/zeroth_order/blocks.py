"""Tensors worked through a block at a time, so that nothing of a tensor's size is held and the cache is hit."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.zeroth_order.coordinates import Coordinates
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.distributions import BLOCK
from mazo.zeroth_order.stream import Numbers

_local = threading.local()


@dataclass(frozen=True)
class Block:
    """Some consecutive numbers of a tensor: all of them where it cannot be split.

    :param name: The tensor's name.
    :param start: Place of the first in the tensor's share of a direction.
    :param part: What holds them.
    :param offset: Where in the drawing memory its numbers go.
    """

    name: str
    start: int
    part: Coordinates
    offset: int

    def draw(self, z: Direction, *, memory: int = 0) -> Numbers:
        """Draw its share of a direction; it may be overwritten, and is when the next group is drawn.

        :param memory: Which of the thread's drawing memories to draw to.
        """
        device, size = self.part.device, self.part.size
        fits = device.type == "cpu" and size <= BLOCK
        out = _memory(memory)[self.offset : self.offset + size] if fits else None
        return z.numbers(self.name, self.start, size, device, out=out)


def groups(coordinates: Mapping[str, Coordinates], z: Direction) -> Iterator[list[Block]]:
    """Go through all tensors' numbers in blocks that can be drawn alone, as many together as the memory holds.

    Drawn one after the other they find the table of numbers in the cache, from which the weights would drive it.
    """
    group: list[Block] = []
    taken = 0
    for name, tensor in coordinates.items():
        for start, part in tensor.parts if z.splits(name) else [(0, tensor)]:
            if group and taken + part.size > BLOCK:
                yield group
                group, taken = [], 0
            group.append(Block(name, start, part, taken))
            taken += part.size
    if group:
        yield group


def _memory(number: int) -> Float[Tensor, " block"]:
    if not hasattr(_local, "memories"):
        _local.memories = {}
    if number not in _local.memories:
        _local.memories[number] = torch.empty(BLOCK)
    return _local.memories[number]
