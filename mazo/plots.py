"""Records to figures: the radar over tasks and the loss curves; the same bytes from the same records."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from mazo.errors import ConfigError, DataError
from mazo.files import write_bytes
from mazo.tables.layout import TITLES
from mazo.tables.main import Section

# Okabe and Ito's palette, told apart by every kind of colour vision; markers and dashes repeat the distinction.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
SPLITS = ("train", "dev")
METADATA = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}
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
    """Write a figure as SVG and PNG beside each other."""
    for suffix in METADATA:
        write_picture(figure, path.with_suffix(suffix))


def write_picture(figure: Figure, path: Path) -> None:
    """Write a figure in the format that the file's name ends with, with neither date nor version inside.

    :raises ConfigError: a name that ends neither in .svg nor in .png.
    """
    if path.suffix not in METADATA:
        raise ConfigError(f"{path}: wanted a name that ends in {' or '.join(METADATA)}; found {path.suffix!r}")
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        metadata = METADATA[path.suffix]
        figure.savefig(buffer, format=path.suffix[1:], dpi=160, metadata=metadata, bbox_inches="tight")
    write_bytes(path, buffer.getvalue())


def draw_radar(sections: Sequence[Section]) -> Figure:
    """Draw a polygon a method over one axis a task, in percent (as the paper's Figure 1); one panel a model and mix."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4 * len(sections), 6.2))
        panels = figure.subplots(1, len(sections), subplot_kw={"projection": "polar"}, squeeze=False)[0]
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
        style: dict[str, Any] = {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)]}
        label = f"{row.label} ({row.cells['mean'].mean:.1f})"
        axes.plot([*angles, angles[0]], [*values, values[0]], **style, linewidth=2, markersize=5, label=label)
        axes.fill(angles, values, color=style["color"], alpha=0.08)
    _label_radar(axes, angles=angles, names=[TITLES[task] for task in tasks])
    axes.set_title(f"{section.model}, mix {section.mix}", pad=26, fontsize=12)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.09), ncols=min(3, len(section.rows)), frameon=False)


def _label_radar(axes: PolarAxes, *, angles: Sequence[float], names: Sequence[str]) -> None:
    axes.set_xticks(angles, names, fontsize=11)
    axes.tick_params(axis="x", pad=10)
    axes.set_ylim(0, 100)
    axes.set_yticks([20, 40, 60, 80, 100], ["20", "40", "60", "80", "100 %"], color="0.4", fontsize=8)
    axes.set_rlabel_position(180 / len(names))
    axes.grid(color="0.85")
    axes.spines["polar"].set_color("0.7")


def mean_curve(frames: Sequence[pd.DataFrame], *, split: str) -> Curve:
    """Average a loss over tasks, then over the runs of a method, a frame a seed (step, task, split, loss)."""
    runs = [frame[frame["split"] == split].groupby("step")["loss"].mean() for frame in frames]
    table = pd.concat(runs, axis=1)
    error = table.sem(axis=1).fillna(0.0)
    return Curve(table.index.to_numpy(dtype=float), table.mean(axis=1).to_numpy(), error.to_numpy())


def read_curve(path: Path) -> pd.DataFrame:
    """Read a run's ``curve.csv``.

    :raises DataError: a file that is absent or has other columns.
    """
    wanted = ["step", "task", "split", "loss"]
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: a run's loss curve cannot be read ({error})") from error
    if list(frame.columns) != wanted:
        raise DataError(f"{path}: wanted columns {', '.join(wanted)}; found {', '.join(frame.columns)}")
    return frame


def draw_losses(panels: Mapping[str, Mapping[str, Sequence[pd.DataFrame]]]) -> Figure:
    """Draw training and dev loss over steps: a row of panels a model and mix, a line a method with its standard error.

    :param panels: title to method's label to one curve a seed; a method that is not trained has none, and keeps its
        place so that a method has one colour in every figure.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.2 * len(SPLITS), 3.9 * len(panels)), layout="constrained")
        grid = figure.subplots(len(panels), len(SPLITS), squeeze=False, sharex="row", sharey="row")
        for row, (title, methods) in zip(grid, panels.items(), strict=True):
            for axes, split in zip(row, SPLITS, strict=True):
                _draw_loss_panel(axes, methods, split=split)
                axes.set_title(f"{title}: {split} loss", fontsize=11, loc="left")
            row[0].set_ylabel("mean loss over tasks (nats)")
            if any(methods.values()):
                row[-1].legend(frameon=False)
    return figure


def _draw_loss_panel(axes: Axes, methods: Mapping[str, Sequence[pd.DataFrame]], *, split: str) -> None:
    for index, (label, frames) in enumerate(methods.items()):
        if not frames:
            continue
        curve, colour, dashes = mean_curve(frames, split=split), COLOURS[index % len(COLOURS)], DASHES[index % 4]
        axes.plot(curve.steps, curve.mean, color=colour, linestyle=dashes, linewidth=1.8, label=label)
        low, high = curve.mean - curve.error, curve.mean + curve.error
        axes.fill_between(curve.steps, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.set_xlabel("step")
    axes.grid(color="0.9")
