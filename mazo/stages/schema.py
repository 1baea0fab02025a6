"""Stage: the JSON schema of a suite, for editors that complete and check."""

from pathlib import Path

from mazo.files import write_text
from mazo.reference import schema_text


def run(out: Path) -> None:
    """Write the schema as YAML."""
    write_text(out, schema_text())
