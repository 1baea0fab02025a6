"""Stage: the effects that a ledger measured to the page of assumed choices."""

from pathlib import Path

from mazo.assumptions import with_effects
from mazo.files import write_text
from mazo.tables.ledger import read_csv


def run(*, table: Path, out: Path) -> None:
    """Renew the column of effects in ``out``, a page with the two markers."""
    write_text(out, with_effects(out.read_text(encoding="utf-8"), read_csv(table)))
