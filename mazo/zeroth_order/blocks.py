"""Tensors worked through a block at a time, so that nothing of a tensor's size is held and the cache is hit."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mazo.zeroth_order.coordinates import Coordinates
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.stream import Numbers


class Block(NamedTuple):
    """Some consecutive numbers of a tensor.

    :param name: The tensor's name.
    :param start: Place of the first in the tensor's share of a direction.
    :param part: What holds them.
    """

    name: str
    start: int
    part: Coordinates

    def numbers(self, z: Direction) -> Numbers:
        """Return its share of a direction, which may be overwritten."""
        return z.numbers(self.name, self.start, self.part.size, self.part.device)


def blocks(coordinates: Mapping[str, Coordinates]) -> Iterator[Block]:
    """Go through all tensors' numbers in blocks whose share of a direction can be made alone."""
    for name, tensor in coordinates.items():
        for start, part in tensor.parts:
            yield Block(name, start, part)
