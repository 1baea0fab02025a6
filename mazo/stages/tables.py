"""Stage: the records of a suite to its tables of scores, ranks and costs."""

from pathlib import Path

from mazo.config import Suite
from mazo.outcomes import read_outcomes
from mazo.tables.cost import write_cost
from mazo.tables.main import with_official_scores, write_main
from mazo.tables.ranks import write_ranks


def run(suite: Suite, *, results: Path) -> None:
    """Write ``tables/{main,ranks,cost}.{csv,md,tex}`` from the records below the suite's folder.

    Where the suite has lm-eval's own prompts scored, ``official`` is a table of them in the form of ``main``.
    """
    records, out = read_outcomes(suite, results), results / "tables"
    write_main(records, out)
    if official := [record for record in with_official_scores(records) if record.metrics]:
        write_main(official, out, name="official")
    write_ranks(records, out, level=suite.statistics.level)
    write_cost(records, out)
