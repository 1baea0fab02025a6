"""Stage: the table of keys inside ``config/README.md``."""

from pathlib import Path

from mazo.files import write_text
from mazo.reference import with_key_table


def run(out: Path) -> None:
    """Renew the table between the two markers of the file."""
    write_text(out, with_key_table(out.read_text()))
