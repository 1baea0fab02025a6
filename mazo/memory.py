"""How much memory a run has taken: on the GPUs where it uses them, else in its process."""

import re
import resource
import sys
from pathlib import Path


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
