"""Stage: the records of a suite to its tables of scores, ranks and costs."""

from pathlib import Path

from mazo.config import Suite
from mazo.outcomes import read_outcomes
from mazo.tables.cost import write_cost
from mazo.tables.main import write_main
from mazo.tables.ranks import write_ranks


def run(suite: Suite, *, results: Path) -> None:
    """Write ``tables/{main,ranks,cost}.{csv,md,tex}`` from the records below the suite's folder."""
    records, out = read_outcomes(suite, results), results / "tables"
    write_main(records, out)
    write_ranks(records, out, level=suite.statistics.level)
    write_cost(records, out)
