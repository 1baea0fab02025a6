"""A fresh run's main table against a reference's: which cells moved, and by how much against their standard errors."""

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mazo.errors import DataError

KEYS = ["model", "mix", "method", "task"]
BEYOND = 2.0
"""Standard errors of a difference, beyond which a cell that moved is a fault [field]."""


@dataclass(frozen=True)
class Move:
    """A cell that is not what it was.

    :param cell: ``model/mix/method/task``.
    :param before: In the reference, in percent.
    :param after: In the fresh run.
    :param error: Standard error of the difference: over seeds, or over test rows where there is one seed.
    """

    cell: str
    before: float
    after: float
    error: float

    @property
    def errors(self) -> float:
        """The difference in standard errors."""
        return abs(self.after - self.before) / self.error if self.error else math.inf

    def __str__(self) -> str:
        times = "with no error to measure it by" if math.isinf(self.errors) else f"{self.errors:.2f} standard errors"
        return f"{self.cell}: {self.before:.4f} -> {self.after:.4f} ({self.after - self.before:+.4f}, {times})"


def compare_tables(reference: Path, fresh: Path) -> tuple[list[Move], int]:
    """Compare two ``main.csv`` cell by cell; return the cells that moved, and the number of all cells.

    Raises :class:`mazo.errors.DataError` for a table that cannot be read, and for tables of different cells.
    """
    before, after = _read(reference), _read(fresh)
    for one, other, name in ((before, after, fresh), (after, before, reference)):
        if missing := [key for key in one.index if key not in other.index]:
            raise DataError(
                f"{name}: wanted the cells of the other table; it lacks {', '.join(map('/'.join, missing))}"
            )
    moves = []
    for key, old in before.iterrows():
        new = after.loc[key]
        if old["mean"] != new["mean"]:
            error = math.hypot(_error(old), _error(new))
            moves.append(Move("/".join(key), float(old["mean"]), float(new["mean"]), error))
    return moves, len(before)


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path).set_index(KEYS)
        table[["mean", "standard_error", "test_rows"]].astype(float)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: wanted a suite's main table; found {error}") from error
    return table


def _error(cell: pd.Series) -> float:
    """Return a cell's standard error, in percent; of one seed the binomial one, and none for a mean over tasks."""
    if not math.isnan(cell["standard_error"]):
        return float(cell["standard_error"])
    share = cell["mean"] / 100
    return 0.0 if math.isnan(cell["test_rows"]) else 100 * math.sqrt(share * (1 - share) / cell["test_rows"])
