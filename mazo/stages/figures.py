"""Stage: the records and loss curves of a suite to its figures."""

from pathlib import Path

import pandas as pd

from mazo.config import Suite
from mazo.curve import read_curve
from mazo.grid import Row, is_trained, rows, run_folder
from mazo.outcomes import read_outcomes
from mazo.plots.loss import draw_losses
from mazo.plots.radar import draw_radar
from mazo.plots.ranks import draw_ranks
from mazo.plots.style import write_figure
from mazo.tables.main import make_sections
from mazo.tables.ranks import rank_section


def run(suite: Suite, *, results: Path) -> None:
    """Write ``figures/{radar,loss,ranks}.{svg,png}`` from what lies below the suite's folder."""
    sections, out = make_sections(read_outcomes(suite, results)), results / "figures"
    write_figure(draw_radar(sections), out / "radar")
    write_figure(draw_losses(loss_panels(suite, results=results)), out / "loss")
    write_figure(draw_ranks([rank_section(s, level=suite.statistics.level) for s in sections]), out / "ranks")


def loss_panels(suite: Suite, *, results: Path) -> dict[str, dict[str, list[pd.DataFrame]]]:
    """Read the loss curves: title to row's label to one curve a seed, none where nothing of its own is trained."""
    panels: dict[str, dict[str, list[pd.DataFrame]]] = {}
    for row in rows(suite):
        panels.setdefault(f"{row.model}, mix {row.mix}", {})[row.label] = _curves(row, results=results)
    return panels


def _curves(row: Row, *, results: Path) -> list[pd.DataFrame]:
    """Read a curve a seed; that of a single-task method holds each task's own run."""
    if row.is_shared or not is_trained(next(iter(row.runs.values()))[0]):
        return []
    return [pd.concat([read_curve(results / run_folder(run) / "curve.csv") for run in g]) for g in row.runs.values()]
