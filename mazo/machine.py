"""What the machine may refuse a stage (disk, memory, a folder), as one line that says what to do."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from mazo.errors import MachineError

TO_LOWER = {
    "train": "training.micro_batch, or for first-order rows set gradient_checkpointing: true",
    "score": "scoring.micro_batch or scoring.layers_at_once",
    "tune": "training.micro_batch",
    "conflict": "training.micro_batch",
    "evaluate": "evaluation.batch_size",
}
"""The settings that decide how much memory a stage takes."""
OUT_OF_MEMORY = re.compile("out of memory|can't allocate memory|cannot allocate memory", re.IGNORECASE)
RUST_ERRNO = re.compile(r"os error (\d+)")
"""How safetensors tells the system's error number."""


@contextmanager
def machine_faults_told(command: str) -> Iterator[None]:
    """Turn what the machine refuses in the block into :class:`mazo.errors.MachineError`; other errors pass.

    :param command: The stage, a key of :data:`TO_LOWER` where settings decide its memory.
    """
    try:
        yield
    except Exception as error:
        if (reason := _reason(error, command)) is None:
            raise
        raise MachineError(reason) from error


def killed(command: str) -> str:
    """Say what may be the matter with a job that something killed: most often the system, for want of memory."""
    return f"{command}: killed from outside: if for want of memory, {_remedy(command)}"


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether an error, Python's or torch's, says that there was too little memory."""
    if isinstance(error, RuntimeError):
        return OUT_OF_MEMORY.search(str(error)) is not None
    return isinstance(error, MemoryError)


def _remedy(command: str) -> str:
    return f"lower {TO_LOWER[command]}" if command in TO_LOWER else "take a machine with more memory"


def _reason(error: Exception, command: str) -> str | None:
    first_line = next(iter(str(error).splitlines()), type(error).__name__)
    if is_out_of_memory(error):
        return f"{command}: out of memory: {_remedy(command)}; found {first_line[:200]}"
    place = getattr(error, "filename", None) or command
    match _errno(error):
        case errno.ENOSPC | errno.EDQUOT:
            return f"{place}: the disk is full: free some space and start again; what was finished is kept"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{place}: wanted to be allowed to write or read it; found {first_line}"
    return f"{place}: {error.strerror}" if isinstance(error, OSError) and error.filename and error.strerror else None


def _errno(error: Exception) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    told = RUST_ERRNO.search(str(error))
    return int(told[1]) if told else None
