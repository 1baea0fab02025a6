"""Stage: the runs of a ledger to its table."""

from pathlib import Path

from mazo.config import Suite
from mazo.ledger import read_ledger
from mazo.tables.ledger import write_ledger


def run(suite: Suite, *, results: Path) -> None:
    """Write ``tables/ledger.{csv,md}`` from the runs below the suite's folder."""
    write_ledger(read_ledger(suite, results), results / "tables")
