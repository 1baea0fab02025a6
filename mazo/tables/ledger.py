"""The ledger's comparison as a table, and back from its file."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from pydantic import TypeAdapter

from mazo.errors import ConfigError
from mazo.files import write_text
from mazo.ledger import DEFAULT, Row
from mazo.tables.layout import markdown_table


def to_csv(rows: Sequence[Row]) -> str:
    """Write a line a row, numbers in full."""
    out = io.StringIO()
    table = csv.DictWriter(out, [field.name for field in fields(Row)], lineterminator="\n")
    table.writeheader()
    table.writerows(asdict(row) for row in rows)
    return out.getvalue()


def read_csv(path: Path) -> list[Row]:
    """Read the table back; raises :class:`mazo.errors.ConfigError` for a file that is no such table."""
    try:
        with path.open(newline="") as file:
            lines = [{name: text or None for name, text in line.items()} for line in csv.DictReader(file)]
        return TypeAdapter(list[Row]).validate_python(lines)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: wanted the ledger's table as CSV; found {error}") from error


def to_markdown(rows: Sequence[Row]) -> str:
    """Write a line a row, losses to three digits, and below it what was measured."""
    lines = []
    for row in rows:
        alternative = "" if row.choice == DEFAULT else f"`{row.value}`"
        lr = f"{row.lr:g}, kept" if row.rates == 1 else f"{row.lr:g}, best of {row.rates}"
        change = "" if row.choice == DEFAULT else show(row.difference, row.difference_error, sign="+")
        lines.append([f"`{row.choice}`", alternative, lr, show(row.dev_loss, row.error), change])
    table = markdown_table(["choice", "alternative", "lr", "dev loss", "difference to the default"], lines)
    return f"{table}\n\n{provenance(rows)}\n"


def show(mean: float, error: float | None, *, sign: str = "") -> str:
    """Show a mean and its standard error, to three digits."""
    return f"{mean:{sign}.3f}" if error is None else f"{mean:{sign}.3f} ± {error:.3f}"


def provenance(rows: Sequence[Row]) -> str:
    """Say in one paragraph what a ledger's numbers are."""
    first, default = rows[0], [row for row in rows if row.choice == DEFAULT]
    rates = max(row.rates for row in default)
    several = "" if rates == 1 else f", or the best of {rates} with the default's best of {rates}"
    return (
        f"Mean dev loss over tasks after {first.num_steps} steps of {first.batch_per_task} examples a task, on "
        f"{first.dev_examples} dev examples a task, and its standard error over {first.seeds} seeds; differences are "
        f"paired by seed, and below zero the alternative is better. An alternative keeps the default's lr{several}. "
        f"Untrained model: {first.model}. No test row was read."
    )


def write_ledger(rows: Sequence[Row], out: Path) -> None:
    """Write ``ledger.csv`` and ``ledger.md``."""
    write_text(out / "ledger.csv", to_csv(rows))
    write_text(out / "ledger.md", to_markdown(rows))
