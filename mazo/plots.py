"""Records to figures: the radar over tasks and the loss curves; the same bytes from the same records."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mazo.files import write_bytes
from mazo.tables import TITLES, Section

# Okabe and Ito's palette, told apart by every kind of colour vision; markers and dashes repeat the distinction.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
STYLE = {
    "svg.hashsalt": "mazo",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@dataclass(frozen=True)
class Curve:
    """A loss over steps: mean and standard error over seeds."""

    steps: Float[np.ndarray, " points"]
    mean: Float[np.ndarray, " points"]
    error: Float[np.ndarray, " points"]


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure as SVG and PNG beside each other, with neither date nor version inside."""
    for suffix, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
        buffer = io.BytesIO()
        with matplotlib.rc_context(STYLE):
            figure.savefig(buffer, format=suffix, dpi=160, metadata=metadata, bbox_inches="tight")
        write_bytes(path.with_suffix(f".{suffix}"), buffer.getvalue())


def draw_radar(sections: Sequence[Section]) -> Figure:
    """Draw a polygon a method over one axis a task, in percent (as the paper's Figure 1); one panel a model and mix."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4 * len(sections), 6.2))
        panels = figure.subplots(1, len(sections), subplot_kw={"projection": "polar"}, squeeze=False)[0]
        for axes, section in zip(panels, sections, strict=True):
            _draw_radar_panel(axes, section)
    return figure


def _draw_radar_panel(axes: Axes, section: Section) -> None:
    tasks = [column for column in section.columns if column != "mean"]
    angles = [2 * math.pi * index / len(tasks) for index in range(len(tasks))]
    axes.set_theta_offset(math.pi / 2)
    axes.set_theta_direction(-1)
    for index, row in enumerate(section.rows):
        values = [row.cells[task].mean for task in tasks]
        style = {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)]}
        label = f"{row.label} ({row.cells['mean'].mean:.1f})"
        axes.plot([*angles, angles[0]], [*values, values[0]], **style, linewidth=2, markersize=5, label=label)
        axes.fill(angles, values, color=style["color"], alpha=0.08)
    _label_radar(axes, angles=angles, names=[TITLES[task] for task in tasks])
    axes.set_title(f"{section.model}, mix {section.mix}", pad=26, fontsize=12)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.09), ncols=min(3, len(section.rows)), frameon=False)


def _label_radar(axes: Axes, *, angles: Sequence[float], names: Sequence[str]) -> None:
    axes.set_xticks(angles, names, fontsize=11)
    axes.tick_params(axis="x", pad=10)
    axes.set_ylim(0, 100)
    axes.set_yticks([20, 40, 60, 80, 100], ["20", "40", "60", "80", "100 %"], color="0.4", fontsize=8)
    axes.set_rlabel_position(180 / len(names))
    axes.grid(color="0.85")
    axes.spines["polar"].set_color("0.7")


def draw_losses(panels: Mapping[str, Mapping[str, Mapping[str, Curve]]]) -> Figure:
    """Draw training and dev loss over steps: a panel a model and mix and kind of loss, a line a method.

    :param panels: title to kind of loss to method's label to curve.
    """
    kinds = ("train", "dev")
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.2 * len(kinds), 3.9 * len(panels)), layout="constrained")
        grid = figure.subplots(len(panels), len(kinds), squeeze=False, sharex="row", sharey="row")
        for row, (title, losses) in zip(grid, panels.items(), strict=True):
            for axes, kind in zip(row, kinds, strict=True):
                _draw_loss_panel(axes, losses[kind])
                axes.set_title(f"{title}: {kind} loss", fontsize=11, loc="left")
            row[0].set_ylabel("mean loss over tasks (nats)")
            row[-1].legend(frameon=False)
    return figure


def _draw_loss_panel(axes: Axes, curves: Mapping[str, Curve]) -> None:
    for index, (label, curve) in enumerate(curves.items()):
        colour = COLOURS[(index + 1) % len(COLOURS)]
        axes.plot(
            curve.steps, curve.mean, color=colour, linestyle=DASHES[index % len(DASHES)], linewidth=1.8, label=label
        )
        axes.fill_between(
            curve.steps, curve.mean - curve.error, curve.mean + curve.error, color=colour, alpha=0.18, linewidth=0
        )
    axes.set_xlabel("step")
    axes.grid(color="0.9")
