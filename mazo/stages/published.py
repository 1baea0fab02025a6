"""Stage: a suite's scores beside published figures."""

from pathlib import Path

from mazo.config import Suite
from mazo.outcomes import read_outcomes
from mazo.tables.published import read_published, write_published


def run(suite: Suite, *, results: Path, published: Path) -> None:
    """Write ``tables/published.{csv,md,tex}``."""
    write_published(read_outcomes(suite, results), read_published(published), results / "tables")
