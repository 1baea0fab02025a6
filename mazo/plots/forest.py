"""The forest plot: every method minus the reference method, with intervals."""

from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mazo.comparison import Comparison
from mazo.config import Suite
from mazo.plots.style import COLOURS, STYLE
from mazo.tables.comparison import by_method, by_section
from mazo.tables.layout import TITLES


def draw_forest(found: Sequence[Comparison], suite: Suite) -> Figure:
    """Draw a row of panels a model and mix: the mean over tasks first, then each task; one line a method.

    A filled point differs from the reference after Holm's correction; an open one does not.
    """
    sections = by_section(found)
    widest = max((len(by_method(section)[0][1]) for section in sections), default=1)
    tallest = max((len(by_method(section)) for section in sections), default=1)
    with matplotlib.rc_context(STYLE):
        size = (2.4 + 1.5 * widest, len(sections or [1]) * (1.1 + 0.3 * tallest))
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(max(1, len(sections)), widest, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for panels, section in zip(grid, sections, strict=False):
            _draw_section(list(panels), section, level=suite.statistics.level)
        if sections:
            figure.supxlabel(f"difference from {found[0].reference.label}, percent points", fontsize=10)
    return figure


def _draw_section(panels: Sequence[Axes], section: Sequence[Comparison], *, level: float) -> None:
    methods = by_method(section)
    columns = sorted(methods[0][1], key=lambda column: column != "mean")
    for place, (axes, column) in enumerate(zip(panels, columns, strict=False)):
        axes.set_axis_on()
        axes.axvline(0, color="0.6", linewidth=1)
        for line, (_, found) in enumerate(methods):
            _draw_difference(axes, found[column], line=line, level=level)
        axes.set_ylim(len(methods) - 0.5, -0.5)
        axes.set_yticks(range(len(methods)), [label for label, _ in methods] if place == 0 else [])
        axes.tick_params(axis="x", labelsize=8)
        axes.set_title(TITLES[column], fontsize=10)
        axes.grid(axis="x", color="0.92")
        axes.set_axisbelow(True)
    names = section[0].row
    panels[0].set_ylabel(f"{names.model}, mix {names.mix}", fontsize=9)


def _draw_difference(axes: Axes, found: Comparison, *, line: int, level: float) -> None:
    low, value, high = (100 * x for x in (found.estimate.low, found.estimate.value, found.estimate.high))
    colour = COLOURS[0]
    axes.plot([low, high], [line, line], color=colour, linewidth=1.6)
    face = colour if found.p_holm < level else "white"
    axes.plot([value], [line], marker="o", markersize=5, color=colour, markerfacecolor=face)
