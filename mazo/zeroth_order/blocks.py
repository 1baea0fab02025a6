"""Tensors worked through a block at a time, so that nothing of a tensor's size is held and the cache is hit."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import torch

from mazo.zeroth_order.coordinates import Coordinates
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.stream import Numbers


@dataclass(frozen=True)
class Block:
    """Some consecutive numbers of a tensor: all of them where it cannot be split.

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


def blocks(coordinates: Mapping[str, Coordinates], z: Direction) -> Iterator[Block]:
    """Go through all tensors' numbers in blocks whose share of a direction can be made alone."""
    for name, tensor in coordinates.items():
        for start, part in tensor.parts if z.splits(name) else [(0, tensor)]:
            yield Block(name, start, part)


def for_each_block(work: Callable[[Block], None], coordinates: Mapping[str, Coordinates], z: Direction) -> None:
    """Do some work on every block, on as many threads as torch uses: the loops on a CPU hold no lock.

    The blocks share no memory, so their order does not matter.
    """
    threads = torch.get_num_threads()
    if threads == 1 or not all(z.splits(name) and tensor.device.type == "cpu" for name, tensor in coordinates.items()):
        for block in blocks(coordinates, z):
            work(block)
        return
    for _ in _pool(threads).map(work, blocks(coordinates, z)):
        pass


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="blocks")
