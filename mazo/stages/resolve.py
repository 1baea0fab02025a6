"""Stage: the suite as resolved, every default written out."""

import json
from pathlib import Path

from mazo.configfile import parse_suite
from mazo.files import write_json


def run(text: str, *, out: Path) -> None:
    """Check the suite given as JSON text and write it, every default included."""
    write_json(out, parse_suite(json.loads(text), where="--text").model_dump(mode="json"))
