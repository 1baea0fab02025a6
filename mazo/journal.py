"""What a run in training has measured so far: a killed run goes on from it, and ends as if it had never stopped.

One line of JSON that says which run it is, then one a step, each after its checksum, in ``<out>/train.part``; the file
is gone when the run is complete. A line is handed to the operating system with its step, so a killed process loses no
step that it finished; it is forced to the disk every 30 seconds, so a machine that loses power loses no more than
those. A line that is torn or damaged is dropped, and so are all after it.
"""

import fcntl
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any
from zlib import crc32

from pydantic import TypeAdapter, ValidationError

from mazo.errors import TrainingError
from mazo.weighting import Told

FORMAT = "mazo-journal-1"
SECONDS_BETWEEN_SYNCS = 30.0


@dataclass(frozen=True)
class StepNumbers:
    """What a step did, as lists of numbers.

    :param losses: Each task's loss.
    :param told: What the step told the task weighting.
    :param projected_grads: By direction and task; none for a first-order step.
    :param coefficients: By direction; none for a first-order step.
    """

    losses: list[float]
    told: Told
    projected_grads: list[list[float]] = field(default_factory=list)
    coefficients: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Entry:
    """A step of the run.

    :param step: Its number, from 0.
    :param dev: Each task's dev loss before it, where that was measured.
    :param step_seconds: What the step itself took.
    :param seconds: What the run has taken up to its end, all its sessions together.
    :param peak_memory: The most that any session has taken, in bytes.
    """

    step: int
    dev: list[float] | None
    numbers: StepNumbers
    step_seconds: float
    seconds: float
    peak_memory: int


class Journal:
    """The steps of a run, those of earlier sessions first.

    :param path: The file; one of another run is overwritten, and standard output says what was different.
    :param about: What the run is: anything that decides the numbers.

    Raises :class:`mazo.errors.TrainingError` where another process trains the same run.
    """

    def __init__(self, path: Path, about: Mapping[str, object]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered, so that a write that fails is not tried again when the file is closed.
        self._path, self._file = path, path.open("a+b", buffering=0)
        _lock(self._file, path)
        header = {"format": FORMAT, **about}
        self._file.seek(0)
        found, *lines = self._file.read().split(b"\n")[:-1] or [b""]
        self._entries, self._ends = list[Entry](), [len(found) + 1]
        if found and (reason := _difference(found, header)) is None:
            self._read(lines)
        else:
            if found:
                print(f"{path}: left by another run ({reason}): training begins anew")
            self._file.truncate(0)
            self._ends = [self._write(header)]
        self._synced = time.monotonic()

    @property
    def entries(self) -> Sequence[Entry]:
        """The steps so far."""
        return self._entries

    def keep(self, count: int) -> Sequence[Entry]:
        """Drop the steps after the first ``count``, and with them a line that is torn; return those kept."""
        self._file.truncate(self._ends[count])
        del self._entries[count:], self._ends[count + 1 :]
        return self._entries

    def append(self, entry: Entry) -> None:
        """Write a step."""
        self._entries.append(entry)
        self._ends.append(self._ends[-1] + self._write(asdict(entry)))
        if time.monotonic() - self._synced > SECONDS_BETWEEN_SYNCS:
            self.sync()

    def sync(self) -> None:
        """Wait until the steps so far are on the disk."""
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def remove(self) -> None:
        """Remove the file of a run that is complete."""
        self._path.unlink()

    def close(self) -> None:
        """Close the file; the steps of a run that is not complete stay in it."""
        self._file.close()

    def _write(self, content: object) -> int:
        line = rest = _line(content)
        while rest:
            rest = rest[self._file.write(rest) :]
        return len(line)

    def _read(self, lines: Sequence[bytes]) -> None:
        adapter = TypeAdapter(Entry)
        for line in lines:
            try:
                entry = adapter.validate_python(_content(line))
            except (ValueError, ValidationError):
                return
            if entry.step != len(self._entries):
                return
            self._entries.append(entry)
            self._ends.append(self._ends[-1] + len(line) + 1)


def _line(content: object) -> bytes:
    """Write a line of the file: the CRC-32 of the JSON, so that a damaged number is noticed, and the JSON."""
    text = json.dumps(content, sort_keys=True).encode()
    return b"%08x %s\n" % (crc32(text), text)


def _content(line: bytes) -> Any:
    """Read a line; raises ValueError for one that is damaged."""
    checksum, _, text = line.partition(b" ")
    if int(checksum, 16) != crc32(text):
        raise ValueError("its checksum is another")
    return json.loads(text)


def _lock(file: FileIO, path: Path) -> None:
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise TrainingError(f"{path}: wanted one process that trains this run; found another at work") from error
    except OSError:
        """A file system without locks: there, two jobs of one run are the user's to avoid."""


def _difference(line: bytes, header: Mapping[str, object]) -> str | None:
    """Say in which key the header of a file differs from a run's; ``None`` where it is the run's."""
    try:
        found = dict(_content(line))
    except (ValueError, TypeError):
        return "its first line cannot be read"
    differing = [key for key in header if found.get(key) != header[key]]
    return f"{', '.join(differing)} changed since" if differing else None
