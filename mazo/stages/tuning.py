"""Stage: all methods' trials to the tuning report and the chosen settings."""

from pathlib import Path

from mazo.config import Suite
from mazo.tables.tuning import write_tuning_tables
from mazo.tuning import read_tunings


def run(suite: Suite, *, results: Path) -> None:
    """Write ``tables/tuning.{csv,md}`` and ``tables/tuned.yaml`` from the trials below the suite's folder."""
    write_tuning_tables(read_tunings(suite, results), results / "tables")
