"""Tensors worked through a block at a time, so that nothing of a tensor's size is held and the cache is hit."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import NamedTuple

import torch

from mazo.zeroth_order.coordinates import Coordinates
from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.stream import Numbers, Stream


class Block(NamedTuple):
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

    def by_loops(self, numbers: Numbers | None) -> bool:
        """Tell whether the CPU's loops do all of a move along some numbers."""
        return self.part.by_loops and isinstance(numbers, Stream)


def blocks(coordinates: Mapping[str, Coordinates], z: Direction) -> Iterator[Block]:
    """Go through all tensors' numbers in blocks whose share of a direction can be made alone."""
    for name, tensor in coordinates.items():
        for start, part in tensor.parts if z.splits(name) else [(0, tensor)]:
            yield Block(name, start, part)


def do_all(works: Iterable[tuple[Callable[[], None], bool]]) -> None:
    """Do some works that share no memory, on as many threads as torch uses those that may have one.

    :param works: Each with whether it may: where the CPU's loops do all of it, which hold no lock. torch has threads of
        its own for anything else.
    """
    threads, begun = torch.get_num_threads(), []
    try:
        for work, may_have_a_thread in works:
            if may_have_a_thread and threads > 1:
                begun.append(_pool(threads).submit(work))
            else:
                work()
        for future in begun:
            future.result()
    finally:
        for future in begun:
            future.cancel()
        wait(begun)  # nothing may write any more once this has ended, however it ends


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="blocks")
