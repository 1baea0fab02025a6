"""The run as a list of numbers: one small binary file from which the trained weights can be rebuilt.

Line 1 is the header, JSON, ended by a newline. Then one record a step, little-endian float32:

    projected_grad of direction 0: task 0, task 1, ...; of direction 1: ...; coefficient of direction 0, 1, ...

The step sizes follow from the header's settings and are not written. 20,000 steps of 8 tasks and one direction take
720 kB. Records are appended as they are made; a last record that a killed run left torn is not read. The header of a
finished run says in the end what came of it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mazo.errors import TrainingError
from mazo.files import write_bytes

FORMAT = "mazo-steps-1"


@dataclass(frozen=True)
class RunLog:
    """A run's log as read.

    :param header: Format, run seed, tasks, settings, hashes of the mask and of the base model; of a finished run its
        steps and the checksum of the weights it ended with.
    :param projected_grads: Slope of each task's loss along each direction, a step after the other.
    :param coefficients: What multiplied each direction in each step's gradient.
    """

    header: Mapping[str, Any]
    projected_grads: Float[Tensor, "steps directions tasks"]
    coefficients: Float[Tensor, "steps directions"]


class LogWriter:
    """Appends a run's steps to ``<path>.part``, which gets its own name when the run is complete.

    :param path: The log's final place.
    :param header: What a replay needs beside the numbers; must hold ``tasks`` and ``num_directions``.
    """

    def __init__(self, path: Path, header: Mapping[str, object]) -> None:
        self._path, self._part, self._header = path, path.with_name(path.name + ".part"), header
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file, self._checksum = self._part.open("wb"), 0
        self._file.write(_header_line(header))

    def append(
        self, projected_grads: Float[Tensor, "directions tasks"], coefficients: Float[Tensor, " directions"]
    ) -> None:
        """Write one step's numbers and hand them to the operating system, so that a killed run keeps them."""
        numbers = torch.cat([projected_grads.flatten(), coefficients])
        record = numbers.numpy().astype("<f4").tobytes()
        self._checksum = crc32(record, self._checksum)
        self._file.write(record)
        self._file.flush()

    def finish(self, outcome: Mapping[str, object]) -> None:
        """Give the complete log its own name, what came of the run added to its header.

        Raises :class:`mazo.errors.TrainingError` where the steps in the file are no longer those written to it.
        """
        self._file.close()
        _, _, numbers = self._part.read_bytes().partition(b"\n")
        if crc32(numbers) != self._checksum:
            raise TrainingError(f"{self._part}: wanted the steps of this run, found others: something else wrote to it")
        write_bytes(self._path, _header_line({**self._header, **outcome}) + numbers)
        self._part.unlink()

    def close(self) -> None:
        """Close the file; the steps of a run that failed stay beside the log's place."""
        self._file.close()


def read_log(path: Path) -> RunLog:
    """Read a log, complete or as a killed run left it.

    Raises :class:`mazo.errors.TrainingError` where the file is missing or is no such log.
    """
    try:
        header_line, _, numbers = path.read_bytes().partition(b"\n")
        header = json.loads(header_line)
    except (OSError, ValueError, RecursionError) as error:
        raise TrainingError(f"{path}: wanted a step log, found none that can be read ({error})") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise TrainingError(f"{path}: wanted a step log of format {FORMAT}, found {header_line[:80]!r}")
    tasks, num_directions = header.get("tasks"), header.get("num_directions")
    if not isinstance(tasks, list) or not isinstance(num_directions, int) or not tasks or num_directions < 1:
        raise TrainingError(f"{path}: wanted tasks and num_directions in the header, found {header_line[:80]!r}")
    return RunLog(header, *_split(numbers, tasks=tasks, num_directions=num_directions))


def _header_line(header: Mapping[str, object]) -> bytes:
    return json.dumps({"format": FORMAT, **header}, sort_keys=True).encode() + b"\n"


def _split(numbers: bytes, *, tasks: Sequence[str], num_directions: int) -> tuple[Tensor, Tensor]:
    width = num_directions * (len(tasks) + 1)
    whole = len(numbers) // (4 * width)
    records = np.frombuffer(numbers, dtype="<f4", count=whole * width).astype(np.float32).reshape(whole, width)
    slopes, coefficients = np.split(records, [num_directions * len(tasks)], axis=1)
    return (
        torch.from_numpy(slopes.reshape(whole, num_directions, len(tasks)).copy()),
        torch.from_numpy(coefficients.copy()),
    )
