"""A model's weights in huge pages of memory: far fewer addresses for the processor to look up."""

import ctypes
import math
import mmap
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SETTINGS = Path("/sys/kernel/mm/transparent_hugepage")
MAPPINGS = Path("/proc/self/maps")
LINE = 64
"""What a moved weight's address is a multiple of, in bytes: a line of the processor's caches."""
HELD_TWICE = 32 * 2**20
"""How many bytes of weights may be held twice while they move."""


def move_to_huge_pages_(weights: "Iterable[Tensor]") -> bool:
    """Move weights that the CPU holds into one stretch of memory in huge pages, and tell whether any moved.

    Values stay as they are. What a weight leaves is given back at once, be it a file's pages or memory, so that a model
    is never held twice. Weights that share memory stay where they are, and all do where Linux has no such pages.

    :param weights: Parameters as they were loaded, that no other tensor is a view of.
    """
    import torch

    weights = [w for w in weights if w.device.type == "cpu" and w.is_contiguous() and w.numel()]
    users = Counter(map(_storage, weights))
    weights = [weight for weight in weights if users[_storage(weight)] == 1]
    page, size = _huge_page(), sum(map(_room, weights))
    if page is None or size < page:
        return False
    try:
        memory = mmap.mmap(-1, size + page, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_HUGEPAGE)
    except OSError:
        return False
    libc, files, left = ctypes.CDLL(None), _mapped_files(), 0
    offset = -torch.frombuffer(memory, dtype=torch.uint8).data_ptr() % page
    for weight in weights:
        place = torch.frombuffer(memory, dtype=weight.dtype, count=weight.numel(), offset=offset).view(weight.shape)
        old, weight.data = weight.data, place.copy_(weight.data)
        _let_go_of_file(old, files, libc)
        del old
        offset, left = offset + _room(weight), left + _room(weight)
        if left > HELD_TWICE or weight is weights[-1]:
            libc.malloc_trim(0)
            left = 0
    return True


def _storage(weight: "Tensor") -> int:
    return weight.untyped_storage().data_ptr()


def _room(weight: "Tensor") -> int:
    return -(-weight.nbytes // LINE) * LINE


def _huge_page() -> int | None:
    """Return how many bytes a huge page has, where a process may ask for some."""
    try:
        allowed = "[never]" not in (SETTINGS / "enabled").read_text()
        return int((SETTINGS / "hpage_pmd_size").read_text()) if allowed else None
    except OSError:
        return None


def _mapped_files() -> list[tuple[int, int]]:
    """Return where files lie in this process's own memory, begin and end of each, ascending."""
    fields = [line.split(maxsplit=5) for line in MAPPINGS.read_text().splitlines()]
    spans = [span.split("-") for span, access, _, _, inode, *_ in fields if access.endswith("p") and inode != "0"]
    return [(int(begin, 16), int(end, 16)) for begin, end in spans]


def _let_go_of_file(weight: "Tensor", files: Sequence[tuple[int, int]], libc: ctypes.CDLL) -> None:
    """Give back the whole pages of a file that a weight lies in; they would be read again, were they asked for."""
    begin, end = weight.data_ptr(), weight.data_ptr() + weight.nbytes
    within = bisect(files, (begin, math.inf)) - 1
    if within >= 0 and end <= files[within][1]:
        begin, end = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE, end // mmap.PAGESIZE * mmap.PAGESIZE
        if begin < end:
            libc.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), mmap.MADV_DONTNEED)
