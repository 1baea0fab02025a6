"""A run's tables against a reference's: which cells moved and by how much, or whether files are the same bytes."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mazo.errors import DataError
from mazo.reading import reading

KEYS = ["model", "mix", "method", "task"]
BEYOND = 2.0
"""Standard errors of a difference, beyond which a cell that moved is a fault [field]."""


@dataclass(frozen=True)
class Move:
    """A cell that is not what it was.

    :param cell: ``model/mix/method/task``.
    :param before: In the reference.
    :param after: In the fresh run.
    :param error: Standard error of the difference; 0 where there is none to measure it by.
    """

    cell: str
    before: float
    after: float
    error: float

    @property
    def errors(self) -> float:
        """The difference in standard errors; infinite where there is none, or no number."""
        errors = abs(self.after - self.before) / self.error if self.error else math.inf
        return math.inf if math.isnan(errors) else errors

    def __str__(self) -> str:
        times = "with no error to measure it by" if math.isinf(self.errors) else f"{self.errors:.2f} standard errors"
        return f"{self.cell}: {self.before:.4f} -> {self.after:.4f} ({self.after - self.before:+.4f}, {times})"


def _main_error(cell: pd.Series) -> float:
    """Return a mean's standard error, in percent; of one seed the binomial one, and none for a mean over tasks."""
    if not math.isnan(cell["standard_error"]):
        return float(cell["standard_error"])
    share, rows = cell["mean"] / 100, cell["test_rows"]
    if math.isnan(rows):
        return 0.0
    return 100 * math.sqrt(share * (1 - share) / rows) if rows > 0 and 0 <= share <= 1 else math.nan


def _interval_error(cell: pd.Series) -> float:
    """Take half of a difference's interval for as many standard errors as are a fault."""
    return float(cell["high"] - cell["low"]) / 2 / BEYOND


@dataclass(frozen=True)
class Compared:
    """How a table's cells are compared."""

    value: str
    """Column of the number that may move."""
    others: Sequence[str]
    """Columns that tell its error."""
    error: Callable[[pd.Series], float]


TABLES: Mapping[str, Compared] = {
    "main": Compared("mean", ("standard_error", "test_rows"), _main_error),
    "comparison": Compared("difference", ("low", "high"), _interval_error),
    "ranks": Compared("rank", (), lambda cell: 0.0),
}
"""The tables that tell no time and no memory, by name."""


def compare_tables(reference: Path, fresh: Path, *, table: str) -> tuple[list[Move], int]:
    """Compare a table of two folders cell by cell; return the cells that moved, and the number of all cells.

    :param table: A name of :data:`TABLES`.

    Raises :class:`mazo.errors.DataError` for a table that cannot be read, and for tables of different cells.
    """
    how, files = TABLES[table], [folder / f"{table}.csv" for folder in (reference, fresh)]
    before, after = (read_table(file, table=table) for file in files)
    for one, other, name in ((before, after, files[1]), (after, before, files[0])):
        if missing := [key for key in one.index if key not in other.index]:
            raise DataError(
                f"{name}: wanted the cells of the other table; it lacks {', '.join(map('/'.join, missing))}"
            )
    moves = []
    for key, old in before.iterrows():
        new = after.loc[key]
        values = float(old[how.value]), float(new[how.value])
        if values[0] != values[1] and not all(map(math.isnan, values)):
            moves.append(Move("/".join(key), *values, error=math.hypot(how.error(old), how.error(new))))
    return moves, len(before)


def read_table(path: Path, *, table: str) -> pd.DataFrame:
    """Read a table's numbers by :data:`KEYS`, which are names even where they look like numbers or like none at all.

    :param table: A name of :data:`TABLES`.

    Raises :class:`mazo.errors.DataError` for a file that is absent or is no such table.
    """
    how = TABLES[table]
    with reading(path, f"wanted a suite's {table} table; found none that can be read"):
        found = pd.read_csv(path, dtype=str, keep_default_na=False).set_index(KEYS)
        if not found.index.is_unique:
            raise ValueError("a cell stands twice")
        return found[[how.value, *how.others]].replace("", "nan").astype(float)


def compare_files(reference: Path, fresh: Path) -> dict[str, str]:
    """Compare a folder's files with another's byte for byte: by name, how one differs, or nothing where it is equal.

    Raises :class:`mazo.errors.DataError` for a reference without files.
    """
    names = sorted(file.name for file in reference.glob("*.*"))
    if not names:
        raise DataError(f"{reference}: wanted a reference's tables; found none")
    return {name: _difference(reference / name, fresh / name) for name in names}


def _difference(wanted: Path, found: Path) -> str:
    if not found.exists():
        return "absent"
    lines = [path.read_bytes().splitlines(keepends=True) for path in (wanted, found)]
    if lines[0] == lines[1]:
        return ""
    same = (own == other for own, other in zip(*lines, strict=False))
    number = next((n for n, is_same in enumerate(same, start=1) if not is_same), min(map(len, lines)) + 1)
    return f"differs in line {number}"
