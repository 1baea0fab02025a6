"""The rank plot: average ranks over tasks, with Nemenyi's critical difference."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mazo.plots.style import COLOURS, STYLE
from mazo.tables.ranks import Ranking


def draw_ranks(rankings: Sequence[Ranking]) -> Figure:
    """Draw a panel a model and mix: a point a method, best on top, on a bar one critical difference long.

    Two methods differ at the test's level exactly where their bars do not touch.
    """
    heights = [0.9 + 0.3 * len(ranking.section.rows) for ranking in rankings]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, sum(heights)), layout="constrained")
        panels = figure.subplots(len(rankings), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
        for axes, ranking in zip(panels, rankings, strict=True):
            _draw_panel(axes, ranking)
    return figure


def _draw_panel(axes: Axes, ranking: Ranking) -> None:
    order = np.argsort(ranking.averages, kind="stable")
    averages = ranking.averages[order]
    lines = np.arange(len(order))
    if ranking.critical is not None:
        axes.hlines(lines, averages - ranking.critical / 2, averages + ranking.critical / 2, color="0.75", linewidth=4)
    axes.plot(averages, lines, marker="o", linestyle="none", color=COLOURS[0])
    axes.set_yticks(lines, [ranking.section.rows[i].label for i in order])
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_xlabel(f"average rank over {len(ranking.tasks)} tasks, 1 the best")
    axes.set_title(f"{ranking.section.model}, mix {ranking.section.mix}", fontsize=11, loc="left")
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)
