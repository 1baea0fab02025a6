"""Stage: the samples of a suite's runs to the comparison with its reference method."""

from pathlib import Path

from mazo.comparison import compare
from mazo.config import Suite
from mazo.tables.comparison import write_comparison


def run(suite: Suite, *, results: Path) -> None:
    """Write ``tables/comparison.{csv,md,tex}``."""
    write_comparison(compare(suite, results), suite, results / "tables")
