"""Stage: what a suite's runs left behind to a verdict on each of the paper's claims, as table and figure."""

from pathlib import Path

from mazo.claims import Claims, Judged, judge, load_claims
from mazo.config import Suite
from mazo.evidence import Evidence
from mazo.grid import masked_method
from mazo.measurements import MEASUREMENTS
from mazo.plots.claims import draw_claims
from mazo.plots.style import write_figure
from mazo.suite_items import SuiteItems
from mazo.tables.claims import write_claims


def run(suite: Suite, *, results: Path, claims: Path, items: SuiteItems | None = None) -> None:
    """Write ``tables/claims.{csv,md}`` and ``figures/claims.{svg,png}``.

    :param items: Those below ``results``, where another stage reads them too.
    """
    judged = judge_suite(suite, load_claims(claims), results=results, items=items or SuiteItems(results))
    write_claims(judged, results / "tables")
    write_figure(draw_claims(judged), results / "figures" / "claims")


def judge_suite(suite: Suite, claims: Claims, *, results: Path, items: SuiteItems) -> list[Judged]:
    """Decide every claim on every model and mix of a suite; none where the suite has no run that they are about."""
    method = masked_method(suite)
    if method is None:
        return []
    places = [
        Evidence(suite, results, items, model=model, mix=mix, method=method)
        for model in suite.models
        for mix in suite.mixes
    ]
    return [
        judge(
            claim,
            MEASUREMENTS[claim.measure](place, claim),
            model=place.model,
            mix=place.mix,
            min_seeds=claims.min_seeds,
        )
        for place in places
        for claim in claims.claims
    ]
