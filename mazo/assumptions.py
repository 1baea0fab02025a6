"""The page of assumed choices, its column of effects filled from the ledgers' tables."""

import re
from collections.abc import Sequence

from mazo.errors import ConfigError
from mazo.ledger import DEFAULT, Row
from mazo.pages import with_block
from mazo.tables.ledger import provenance, show

BEGIN = "<!-- ledger: begin (written by `mazo effects`) -->"
END = "<!-- ledger: end -->"
MEASURED = "dev loss: "
NOT_MEASURED = "not yet measured"
KEY = re.compile(r"`methods\.\*\.([\w.]+)`")


def with_effects(page: str, ledgers: Sequence[Sequence[Row]]) -> str:
    """Return the page with each choice's measured effect in its last column, and their source below the table.

    A choice is found by its key, ``methods.*.<choice>``. An effect that earlier ledgers alone measured is taken out.

    Raises :class:`mazo.errors.ConfigError` for a page without the two markers, or without the row of a measured choice.
    """
    sources = dict.fromkeys(provenance(rows) for rows in ledgers)
    renewed = with_block(page, "\n\n".join(sources) + "\n", begin=BEGIN, end=END)
    effects = _effects([row for rows in ledgers for row in rows])
    lines = renewed.splitlines()
    if unknown := set(effects) - {key for line in lines for key in _keys(line)}:
        raise ConfigError(f"wanted a row with the key methods.*.{min(unknown)}; found none")
    return "\n".join(_with_effect(line, effects) for line in lines) + "\n"


def _effects(rows: Sequence[Row]) -> dict[str, str]:
    shown: dict[str, list[str]] = {}
    for row in rows:
        if row.choice != DEFAULT:
            change = show(row.difference, row.difference_error, sign="+")
            shown.setdefault(row.choice, []).append(f"`{row.value}` {change}")
    return {choice: ", ".join(parts) for choice, parts in shown.items()}


def _keys(line: str) -> list[str]:
    """List the keys in a row's second cell; none where the line is no row."""
    cells = line.split(" | ")
    return KEY.findall(cells[1]) if line.startswith("| ") and len(cells) > 2 else []


def _with_effect(line: str, effects: dict[str, str]) -> str:
    row, _, effect = line.removesuffix(" |").rpartition(" | ")
    if found := [effects[key] for key in _keys(line) if key in effects]:
        return f"{row} | {MEASURED}{', '.join(found)} |"
    return f"{row} | {NOT_MEASURED} |" if row and effect.startswith(MEASURED) else line
