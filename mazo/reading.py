"""What an earlier stage left, read back: a file that is absent, damaged or of another shape is told in one line."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from mazo.errors import DataError, MazoError

FAULTS = (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""All that a file's bytes can make its reader raise."""
T = TypeVar("T")


@contextmanager
def reading(path: Path, told: str, *, error: type[MazoError] = DataError) -> Iterator[None]:
    """Turn what goes wrong in a block that reads a file into one line: the file, what was wanted of it, the reason.

    :param told: What was wanted, for example ``a run's samples cannot be read``.
    :param error: Raised in place of any of :data:`FAULTS`; the package's own errors pass as they are.
    """
    try:
        yield
    except FAULTS as fault:
        raise error(f"{path}: {told} ({_reason(fault)})") from fault


def read_json(
    path: Path, told: str, *, shape: Callable[[Any], T] = lambda content: content, error: type[MazoError] = DataError
) -> T:
    """Read a JSON file.

    :param told: As in :func:`reading`.
    :param shape: Takes what is wanted out of the content, and fails where that has another shape.

    Raises ``error`` for a file that is absent, is not JSON, or has another shape.
    """
    with reading(path, told, error=error):
        return shape(json.loads(path.read_text(encoding="utf-8")))


def _reason(fault: Exception) -> str:
    match fault:
        case ValidationError():
            first = fault.errors()[0]
            return ": ".join([*filter(None, [".".join(map(str, first["loc"]))]), first["msg"]])
        case OSError(strerror=str()):
            return str(fault.strerror)
        case KeyError():
            return f"no {fault}"
        case _:
            return " ".join(str(fault).split())
