"""Stage: the model card of the embedded model, from the measurements of its suite."""

import csv
import json
from pathlib import Path

from mazo.files import write_text
from mazo.mini.card import write_card
from mazo.mini.pretraining import PROBED
from mazo.models import EMBEDDED
from mazo.tables.layout import TITLES


def run(*, table: Path, conflict: Path, out: Path) -> None:
    """Write the card as Markdown; to ship it, copy it to the model's folder as ``README.md``."""
    card = write_card(
        table=_lines(table),
        log=_lines(EMBEDDED / "llama" / "pretraining.csv"),
        conflict=json.loads(conflict.read_text()),
        titles=TITLES,
        probed=PROBED,
    )
    write_text(out, card)


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
