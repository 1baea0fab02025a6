"""Stage: the effects that ledgers measured to the page of assumed choices."""

from collections.abc import Sequence
from pathlib import Path

from mazo.assumptions import with_effects
from mazo.files import write_text
from mazo.tables.ledger import read_csv


def run(*, table: Sequence[Path], out: Path) -> None:
    """Renew the column of effects in ``out``, a page with the two markers."""
    page = out.read_text(encoding="utf-8")
    write_text(out, with_effects(page, [read_csv(path) for path in table]))
