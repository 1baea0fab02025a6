"""A model's weights in huge pages of memory: far fewer addresses for the processor to look up."""

import ctypes
import math
import mmap
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

SETTINGS = Path("/sys/kernel/mm/transparent_hugepage")
MAPPINGS = Path("/proc/self/maps")
LINE = 64
"""What a moved weight's address is a multiple of, in bytes: a line of the processor's caches."""
AT_ONCE = 32 * 2**20
"""How many bytes of weights are copied before what they leave is given back."""


def move_to_huge_pages_(model: "nn.Module") -> bool:
    """Move a model's weights on the CPU into one stretch of memory in huge pages, and tell whether they moved.

    Values stay as they are. What weights leave is given back as they move, a file's pages or memory, so that a model is
    never held twice: no more than 32 MiB of it, or than its largest weight where that is in no file. Weights that share
    memory stay where they are, and all do where Linux has no such pages.

    Weights that were a file's pages are then the process's own, no longer shared with others that read the file; and
    the memory is given back when the last of them is gone.

    :param model: A model as it was loaded: nothing outside it holds its weights.
    """
    import torch

    weights, page = _movable(model), _huge_page()
    size = sum(map(_room, weights))
    if page is None or size < page:
        return False
    try:
        files, libc = _mapped_files(), ctypes.CDLL(None)
        drop, trim = libc.madvise, libc.malloc_trim
        memory = mmap.mmap(-1, size + page, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_HUGEPAGE)
    except (OSError, AttributeError):
        return False
    offset, left = -torch.frombuffer(memory, dtype=torch.uint8).data_ptr() % page, 0
    for weight in weights:
        place = torch.frombuffer(memory, dtype=weight.dtype, count=weight.numel(), offset=offset)
        each = AT_ONCE // weight.element_size()
        for old, new in zip(weight.data.view(-1).split(each), place.split(each), strict=True):
            new.copy_(old)
            for begin, length in _file_pages(old, files):
                drop(ctypes.c_void_p(begin), ctypes.c_size_t(length), mmap.MADV_DONTNEED)
        del old
        weight.data = place.view(weight.shape)
        offset, left = offset + _room(weight), left + _room(weight)
        if left > AT_ONCE or weight is weights[-1]:
            trim(0)
            left = 0
    return True


def _movable(model: "nn.Module") -> "list[Tensor]":
    """Return the plain floating-point weights on the CPU that are alone in their memory."""
    import torch

    held = [
        tensor
        for tensor in (*model.parameters(), *model.buffers())
        if type(tensor.data) is torch.Tensor and tensor.layout is torch.strided and tensor.is_floating_point()
    ]
    users = Counter(tensor.untyped_storage().data_ptr() for tensor in held)
    return [
        weight
        for weight in held
        if isinstance(weight, torch.nn.Parameter)
        and weight.device.type == "cpu"
        and users[weight.untyped_storage().data_ptr()] == 1
        and weight.is_contiguous()
        and weight.numel() > 0
    ]


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
    fields = [line.split(maxsplit=5) for line in MAPPINGS.read_bytes().split(b"\n") if line]
    spans = [span.split(b"-") for span, access, _, _, inode, *_ in fields if access.endswith(b"p") and inode != b"0"]
    return [(int(begin, 16), int(end, 16)) for begin, end in spans]


def _file_pages(weight: "Tensor", files: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Tell which whole pages of a file a weight fills, begin and length: dropped, they would be read again."""
    begin, end = weight.data_ptr(), weight.data_ptr() + weight.nbytes
    file = bisect(files, (begin, math.inf)) - 1
    if file >= 0 and end <= files[file][1]:
        begin, end = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE, end // mmap.PAGESIZE * mmap.PAGESIZE
        if begin < end:
            yield begin, end - begin
