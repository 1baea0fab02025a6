"""How much memory a run has taken, on the GPUs where it uses them, else in its process; freed memory kept for reuse."""

import ctypes
import os
import re
import resource
import sys
from pathlib import Path

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""glibc's numbers of the two settings (``malloc.h``)."""
OWN_SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")
"""Variables by which a user has settled how memory is kept."""


def keep_freed_memory() -> bool:
    """Have glibc keep what this process frees, but for blocks above 32 MiB, and tell whether it does.

    Left alone it hands the memory of a forward's tensors back to the system and asks for it again in the next one, page
    by page: 6 to 12 % of a forward's time on models of 1 to 30 million weights [measured].
    """
    if any(name in os.environ for name in OWN_SETTINGS):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    # The most that each may be: the second is where arrays begin to have a mapping of their own.
    return bool(mallopt(TRIM_THRESHOLD, 2**31 - 1)) and bool(mallopt(MMAP_THRESHOLD, 32 * 2**20))


def peak_memory() -> int:
    """Return the most memory taken so far, in bytes: the GPUs' where torch has used any, else this process's."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return sum(torch.cuda.max_memory_allocated(device) for device in range(torch.cuda.device_count()))
    return resident_memory()


def resident_memory() -> int:
    """Return the largest resident memory of this process so far, in bytes."""
    status = Path("/proc/self/status")
    # getrusage's figure counts what the parent held when it started this process; the kernel's own does not.
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
