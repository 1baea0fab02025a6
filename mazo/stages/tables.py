"""Stage: the records of a suite to its tables."""

from pathlib import Path

from mazo.config import Suite
from mazo.outcomes import read_outcomes
from mazo.tables.main import write_main


def run(suite: Suite, *, results: Path) -> None:
    """Write ``tables/main.{csv,md,tex}`` from the records below the suite's folder."""
    write_main(read_outcomes(suite, results), results / "tables")
