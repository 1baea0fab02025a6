"""A run's losses over its steps, and their file."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from mazo.errors import DataError
from mazo.files import sha256, write_text
from mazo.reading import read_json, reading


class Curve:
    """Losses of each task by step and split, for ``curve.csv``: ``step,task,split,loss``.

    A training loss is the mean over the steps since the last one reported; a dev loss is measured before the step.

    :param tasks: Names of the tasks, in the order of the losses.
    """

    def __init__(self, tasks: Sequence[str]) -> None:
        self._tasks = list(tasks)
        self._rows: list[str] = []
        self._window: list[Tensor] = []

    def add_train(self, losses: Float[Tensor, " tasks"]) -> None:
        """Take in one step's losses."""
        self._window.append(losses)

    def report_train(self, step: int) -> None:
        """Close the window of training losses after ``step`` steps."""
        self._report(step, "train", torch.stack(self._window).mean(0))
        self._window.clear()

    def report_dev(self, step: int, losses: Float[Tensor, " tasks"]) -> None:
        """Report the dev losses after ``step`` steps."""
        self._report(step, "dev", losses)

    def _report(self, step: int, split: str, losses: Tensor) -> None:
        self._rows += [
            f"{step},{task},{split},{loss:.6f}" for task, loss in zip(self._tasks, losses.tolist(), strict=True)
        ]

    def write(self, path: Path) -> None:
        """Write the curve as CSV."""
        write_text(path, "\n".join(["step,task,split,loss", *self._rows]) + "\n")


def read_curve(path: Path) -> pd.DataFrame:
    """Read a run's ``curve.csv``.

    :raises DataError: a file that is absent or has other columns, or that is not the one of the ``train.json`` beside.
    """
    wanted = ["step", "task", "split", "loss"]
    with reading(path, "a run's loss curve cannot be read"):
        frame = pd.read_csv(path, dtype={"step": "int64", "loss": "float64"}, na_filter=False)
    if list(frame.columns) != wanted:
        raise DataError(f"{path}: wanted columns {', '.join(wanted)}; found {', '.join(frame.columns)}")
    _check_unchanged(path, path.with_name("train.json"))
    return frame


def _check_unchanged(path: Path, training: Path) -> None:
    """Compare the file's hash with that which training left, where there is one: earlier versions left none."""
    told = "wanted the record of the training run whose curve lies beside it; found none that can be read"
    wanted = read_json(training, told, shape=lambda about: about.get("curve_checksum")) if training.exists() else None
    if wanted not in (None, found := sha256(path)):
        raise DataError(f"{path}: wanted the curve as training left it, hash {wanted}; found {found}: train again")
