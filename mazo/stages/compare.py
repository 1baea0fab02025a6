"""Stage: the samples of a suite's runs to the comparison with its reference method, as table and forest plot."""

from pathlib import Path

from mazo.comparison import compare
from mazo.config import Suite
from mazo.plots.forest import draw_forest
from mazo.plots.style import write_figure
from mazo.suite_items import SuiteItems
from mazo.tables.comparison import write_comparison


def run(suite: Suite, *, results: Path, items: SuiteItems | None = None) -> None:
    """Write ``tables/comparison.{csv,md,tex}`` and ``figures/forest.{svg,png}``.

    :param items: Those below ``results``, where another stage reads them too.
    """
    found = compare(suite, items or SuiteItems(results))
    write_comparison(found, suite, results / "tables")
    write_figure(draw_forest(found, suite), results / "figures" / "forest")
