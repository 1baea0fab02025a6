"""The radar over tasks."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from mazo.plots.style import COLOURS, MARKERS, MOST_LABELS, STYLE, nth_of
from mazo.tables.layout import TITLES
from mazo.tables.main import Section


def draw_radar(sections: Sequence[Section]) -> Figure:
    """Draw a polygon a method over one axis a task, in percent (as the paper's Figure 1); one panel a model and mix."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4 * len(sections), 6.2))
        panels = figure.subplots(
            1, len(sections), subplot_kw={"projection": "polar"}, gridspec_kw={"wspace": 0.35}, squeeze=False
        )[0]
        for axes, section in zip(panels, sections, strict=True):
            _draw_radar_panel(axes, section)
    return figure


def _draw_radar_panel(axes: PolarAxes, section: Section) -> None:
    tasks = [column for column in section.columns if column != "mean"]
    angles = [2 * math.pi * index / len(tasks) for index in range(len(tasks))]
    axes.set_theta_offset(math.pi / 2)
    axes.set_theta_direction(-1)
    for index, row in enumerate(section.rows):
        values = [row.cells[task].mean for task in tasks]
        style: dict[str, Any] = {"color": COLOURS[index % len(COLOURS)], "marker": nth_of(MARKERS, index)}
        label = f"{row.label} ({row.cells['mean'].mean:.1f})"
        axes.plot([*angles, angles[0]], [*values, values[0]], **style, linewidth=2, markersize=5, label=label)
        if len(section.rows) <= MOST_LABELS:
            axes.fill(angles, values, color=style["color"], alpha=0.08)
    _label_radar(axes, angles=angles, names=[TITLES[task] for task in tasks])
    axes.set_title(f"{section.model}, mix {section.mix}", pad=26, fontsize=12)
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.09),
        ncols=min(3, len(section.rows)),
        frameon=False,
        fontsize=None if len(section.rows) <= MOST_LABELS else 7,
    )


def _label_radar(axes: PolarAxes, *, angles: Sequence[float], names: Sequence[str]) -> None:
    axes.set_xticks(angles, names, fontsize=11)
    axes.tick_params(axis="x", pad=10)
    axes.set_ylim(0, 100)
    axes.set_yticks([20, 40, 60, 80, 100], ["20", "40", "60", "80", "100 %"], color="0.4", fontsize=8)
    axes.set_rlabel_position(180 / len(names))
    axes.grid(color="0.85")
    axes.spines["polar"].set_color("0.7")
