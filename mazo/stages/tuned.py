"""Stage: the settings that a tuning chose into the suite's own file."""

from pathlib import Path

import yaml

from mazo.configfile import parse_suite
from mazo.files import write_text
from mazo.pages import with_block
from mazo.tables.tuning import BEGIN, END


def run(*, table: Path, out: Path) -> None:
    """Renew the settings between the two markers of ``out``, a suite's YAML file, by those of ``tuned.yaml``.

    Raises :class:`mazo.errors.ConfigError`, and leaves the file as it was, where it would no longer be a suite.
    """
    page = with_block(out.read_text(encoding="utf-8"), table.read_text(encoding="utf-8"), begin=BEGIN, end=END)
    parse_suite(yaml.safe_load(page), where=str(out))
    write_text(out, page)
