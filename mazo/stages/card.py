"""Stage: the model card of an embedded model, from the measurements of its suite."""

import csv
import json
from pathlib import Path

from mazo.config import Suite, check_name
from mazo.errors import ConfigError
from mazo.files import write_text
from mazo.mini.card import write_card
from mazo.mini.pretraining import PROBED
from mazo.model_files import EMBEDDED
from mazo.tables.layout import TITLES

PREFIX = "embedded:"


def run(suite: Suite, *, model: str, table: Path, conflict: Path, out: Path) -> None:
    """Write the card as Markdown; to ship it, copy it to the model's folder as ``README.md``."""
    check_name("models", model, suite.models)
    path = suite.models[model].path
    if not path.startswith(PREFIX):
        raise ConfigError(f"models.{model}.path: wanted an embedded model, as {PREFIX}llama; found {path}")
    folder = EMBEDDED / path.removeprefix(PREFIX)
    card = write_card(
        model,
        config=json.loads((folder / "config.json").read_text()),
        table=[line for line in _lines(table) if line["model"] == model],
        log=_lines(folder / "pretraining.csv"),
        conflict=json.loads(conflict.read_text()),
        titles=TITLES,
        probed=PROBED,
    )
    write_text(out, card)


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
