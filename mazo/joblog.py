"""A job's log file: everything the job says goes there, and a progress line now and then to the terminal."""

import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, runtime_checkable

from mazo.errors import MazoError

SECONDS_BETWEEN_LINES = 10.0


@runtime_checkable
class Writable(Protocol):
    """A stream that takes text."""

    def write(self, text: str, /) -> int:
        """Take in text."""

    def flush(self) -> None:
        """Hand on what was taken in."""


class JobLog:
    """A text stream that keeps whole lines in a file, and shows a progress bar as a line every few seconds.

    A bar redraws itself after a carriage return. Several jobs that redraw at once make a terminal unreadable, so
    each redraw is held back until its time has come and then printed as a line of its own, with the job's name.
    """

    encoding = "utf-8"

    def __init__(self, file: Writable, terminal: Writable, *, name: str) -> None:
        self._file = file
        self._terminal = terminal
        self._name = name
        self._line = ""
        self._shown = time.monotonic()

    def write(self, text: str) -> int:
        """Take in text; lines that are complete go to the file."""
        self._line += text
        *complete, self._line = self._line.split("\n")
        for line in complete:
            self._file.write(_last_drawn(line) + "\n")
        bar = _last_drawn(self._line)
        if "\r" in text and bar.strip() and time.monotonic() - self._shown > SECONDS_BETWEEN_LINES:
            self._terminal.write(f"{self._name}: {bar.strip()}\n")
            self._terminal.flush()
            self._shown = time.monotonic()
        return len(text)

    def flush(self) -> None:
        """Bring the file up to date."""
        self._file.flush()

    def isatty(self) -> bool:
        """Say no: nothing here moves a cursor."""
        return False

    def end_line(self) -> None:
        """Write what is left of an incomplete line."""
        self.write("\n" if self._line else "")

    def tell(self, outcome: str) -> None:
        """Tell the terminal how the job ended."""
        self._terminal.write(f"{self._name}: {outcome}\n")


def one_line_each(error: MazoError) -> str:
    """Write an error as the command line shows it: a line a fault."""
    return "\n".join(f"mazo: {line}" for line in str(error).splitlines())


def _last_drawn(line: str) -> str:
    return line.rstrip("\r").rsplit("\r", 1)[-1]


@contextmanager
def job_log(path: Path, *, name: str) -> Iterator[None]:
    """Send standard output and standard error to a log file, and progress lines to the terminal.

    Where the block fails and the log cannot be written either, what the block raised goes on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    out, err = sys.stdout, sys.stderr
    start, file = time.monotonic(), path.open("w", encoding="utf-8", buffering=1)
    sys.stdout = sys.stderr = log = JobLog(file, err, name=name)
    try:
        yield
        log.end_line()
        file.close()
        log.tell(f"done in {time.monotonic() - start:.0f} s")
    except BaseException as error:
        log.tell("failed")
        with suppress(OSError):
            log.end_line()
            if isinstance(error, MazoError):
                print(one_line_each(error))
            elif isinstance(error, Exception):
                traceback.print_exc()
        raise
    finally:
        sys.stdout, sys.stderr = out, err
        with suppress(OSError):
            file.close()
