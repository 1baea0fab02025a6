"""One JSON record a run: what was run, with what, how well, and at what cost."""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from mazo import __version__
from mazo.config import Run
from mazo.digests import package_digest, settings_digest
from mazo.errors import DataError
from mazo.files import write_json
from mazo.memory import peak_memory
from mazo.reading import read_json

LIBRARIES = ("torch", "transformers", "tokenizers", "safetensors", "lm_eval", "datasets", "numpy", "pydantic")


class Part(BaseModel):
    """Base of a record's parts: frozen, strict, no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


P = TypeVar("P", bound=Part)
UNREAD = "wanted the record of a training run; found none that can be read"
"""Of a damaged ``train.json``."""


class PromptScore(Part):
    """How well a run did on one task's test rows, with one prompt."""

    score: float
    """The task's metric, in [0, 1]: accuracy by mean log-probability per token; SQuAD: F1."""
    stderr: float | None
    """Standard error of the score over the test rows."""
    n: int
    """Test rows scored."""
    num_cut: int
    """Rows longer than the model's context, cut from the left."""


class TaskScore(PromptScore):
    """How well a run did on one task's test rows, with MeZO's prompt."""

    official: PromptScore | None = None
    """The same with lm-eval's own prompt and rule (accuracy by the sum of the log-probabilities), where asked for."""


class StageCost(Part):
    """What a stage of a run took."""

    seconds: float
    peak_memory: int
    """The most memory the stage has taken, in bytes: of the GPUs where it uses them, else resident in its process."""


class Record(Part):
    """A run and its outcome."""

    run: Run
    settings_digest: str
    version: str
    code_digest: str
    libraries: dict[str, str]
    hardware: dict[str, str | int]
    optimizer: str
    """The optimiser that ran, as training itself reports it."""
    forwards: int
    """Forward passes of training batches, and of as large ones that a task weighting measures beside them."""
    trained_weights: int
    """Weights that training steps: all of the model's, those a mask keeps, or an adapter's factors; 0 for none."""
    task_weights: dict[str, dict[str, float]] = {}
    """What each task's loss weighed in training: ``mean`` over the steps, and ``largest``."""
    mask: dict[str, str | float | None] | None = None
    """Of the mask that training ran under: the rule that made it, its density as counted, and its hash."""
    base_checksum: str | None = None
    """Of the untrained model's weights; none in a record of before it was kept."""
    metrics: dict[str, TaskScore]
    stages: dict[str, StageCost]

    @property
    def mean(self) -> float:
        """The plain mean of the scores over the tasks."""
        return sum(task.score for task in self.metrics.values()) / len(self.metrics)


def write_record(record: Record, path: Path) -> None:
    """Write a record whole."""
    write_json(path, record.model_dump(mode="json"))


def read_record(path: Path) -> Record:
    """Read a record.

    :raises DataError: a file that is absent, or is not a record.
    """
    return _read(path, Record, what="a run's record")


def _read(path: Path, kind: type[P], *, what: str) -> P:
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: {what} cannot be read ({error.strerror})") from None
    except ValidationError as error:
        fault = error.errors()[0]
        raise DataError(f"{path}: not {what}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None


def read_training(path: Path) -> dict[str, Any]:
    """Read what training left in ``train.json``.

    :raises DataError: a file that is absent, or is not the record of a finished training run.
    """
    return read_json(path, UNREAD, shape=_training)


def training_cost(path: Path) -> StageCost:
    """Read what training took from its ``train.json``; raises as :func:`read_training`."""
    return read_json(path, UNREAD, shape=lambda a: StageCost(seconds=a["seconds"], peak_memory=a["peak_memory"]))


def _training(about: dict[str, Any]) -> dict[str, Any]:
    """Insist on what every such record holds, and return it."""
    for key in ("base_checksum", "checksum"):
        if not isinstance(about[key], str):
            raise TypeError(f"{key}: wanted text, found {about[key]!r:.60}")
    return about


def make_record(
    run: Run,
    *,
    metrics: dict,
    optimizer: str,
    forwards: int,
    trained_weights: int,
    stages: dict[str, StageCost],
    base_checksum: str | None = None,
    task_weights: dict[str, dict[str, float]] | None = None,
    mask: dict[str, str | float | None] | None = None,
) -> Record:
    """Put together the record of a run that ends now, on this machine."""
    return Record(
        run=run,
        settings_digest=settings_digest(run.model_dump(mode="json")),
        version=__version__,
        code_digest=package_digest(),
        libraries={"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        hardware=describe_hardware(run.model.device),
        optimizer=optimizer,
        forwards=forwards,
        trained_weights=trained_weights,
        task_weights=task_weights or {},
        mask=mask,
        base_checksum=base_checksum,
        metrics={task: TaskScore.model_validate(values) for task, values in metrics.items()},
        stages=stages,
    )


def describe_hardware(device: str) -> dict[str, str | int]:
    """Say what the run ran on: processor, cores and memory, and the accelerator when the run used one."""
    hardware: dict[str, str | int] = {
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "device": device,
    }
    if device.startswith("cuda"):
        import torch

        hardware["accelerator"] = torch.cuda.get_device_name(device)
    return hardware


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


@contextmanager
def measured(path: Path) -> Iterator[None]:
    """Write the seconds and the peak memory of the block to a file, as :class:`StageCost`."""
    start = time.perf_counter()
    yield
    write_json(path, stage_cost(start).model_dump())


def stage_cost(start: float) -> StageCost:
    """Return what the process took since ``start`` (of ``time.perf_counter``)."""
    return StageCost(seconds=round(time.perf_counter() - start, 3), peak_memory=peak_memory())


def read_cost(path: Path) -> StageCost:
    """Read what :func:`measured` wrote; raises :class:`mazo.errors.DataError` for a file that is absent or damaged."""
    return _read(path, StageCost, what="what a stage took")
