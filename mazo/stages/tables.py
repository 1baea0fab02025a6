"""Stage: the records of a suite to its tables of scores, ranks and costs."""

from pathlib import Path

from mazo.ablations import find_ablations
from mazo.config import Suite
from mazo.grid import is_adapted
from mazo.outcomes import read_outcomes
from mazo.tables.ablation import write_ablation
from mazo.tables.cost import write_cost
from mazo.tables.main import with_official_scores, write_main
from mazo.tables.overhead import write_overhead
from mazo.tables.ranks import write_ranks


def run(suite: Suite, *, results: Path) -> None:
    """Write ``tables/{main,ranks,cost}.{csv,md,tex}`` from the records below the suite's folder.

    In the form of ``main``, ``official`` has the scores with lm-eval's own prompts, and ``lora`` the methods that train
    an adapter; ``overhead`` and ``ablation`` are written where the suite has masks, or methods that differ in a number.
    """
    records, out = read_outcomes(suite, results), results / "tables"
    write_main(records, out)
    if official := [record for record in with_official_scores(records) if record.metrics]:
        write_main(official, out, name="official")
    if adapters := [record for record in records if is_adapted(record.run)]:
        write_main(adapters, out, name="lora")
    write_overhead(records, out)
    write_ablation(records, find_ablations(suite), out)
    write_ranks(records, out, level=suite.statistics.level)
    write_cost(records, out)
