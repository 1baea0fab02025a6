"""Stage: the reports of the rows to the table of the data."""

from pathlib import Path

from mazo.config import Suite
from mazo.tables.sizes import read_sizes, write_sizes


def run(suite: Suite, *, results: Path) -> None:
    """Write ``tables/data.{csv,md,tex}``."""
    write_sizes(read_sizes(results / "data", models=list(suite.models), tasks=suite.tasks), results / "tables")
