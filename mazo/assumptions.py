"""The page of assumed choices, its column of effects filled from the ledger's table."""

import re
from collections.abc import Sequence

from mazo.errors import ConfigError
from mazo.ledger import DEFAULT, Row
from mazo.ledger_tables import provenance, show

BEGIN = "<!-- ledger: begin (written by `mazo effects`) -->"
END = "<!-- ledger: end -->"
MEASURED = "dev loss: "
NOT_MEASURED = "not yet measured"
KEY = re.compile(r"`methods\.\*\.([\w.]+)`")


def with_effects(page: str, rows: Sequence[Row]) -> str:
    """Return the page with each choice's measured effect in its last column, and their source below the table.

    A choice is found by its key, ``methods.*.<choice>``. An effect that an earlier ledger alone measured is taken out.

    Raises :class:`mazo.errors.ConfigError` for a page without the two markers, or without the row of a measured choice.
    """
    if BEGIN not in page or END not in page:
        raise ConfigError(f"wanted a page with the lines {BEGIN!r} and {END!r}; found none")
    effects = _effects(rows)
    lines = [_with_effect(line, effects) for line in page.splitlines()]
    known = {key for line in lines for key in KEY.findall(line)}
    if unknown := set(effects) - known:
        raise ConfigError(f"wanted a row with the key methods.*.{min(unknown)}; found none")
    filled = "\n".join(lines) + "\n"
    return f"{filled.partition(BEGIN)[0]}{BEGIN}\n{provenance(rows)}\n{END}{filled.partition(END)[2]}"


def _effects(rows: Sequence[Row]) -> dict[str, str]:
    shown: dict[str, list[str]] = {}
    for row in rows:
        if row.choice != DEFAULT:
            change = show(row.difference, row.difference_error, sign="+")
            shown.setdefault(row.choice, []).append(f"`{row.value}` {change}")
    return {choice: MEASURED + ", ".join(parts) for choice, parts in shown.items()}


def _with_effect(line: str, effects: dict[str, str]) -> str:
    cells = line.removesuffix(" |").split(" | ")
    if not line.startswith("| ") or len(cells) < 2:
        return line
    [*found] = KEY.findall(cells[1])
    if found and found[0] in effects:
        cells[-1] = effects[found[0]]
    elif cells[-1].startswith(MEASURED):
        cells[-1] = NOT_MEASURED
    return " | ".join(cells) + " |"
