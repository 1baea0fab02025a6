"""The loss curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mazo.plots.style import COLOURS, DASHES, MOST_LABELS, STYLE, nth_of

SPLITS = ("train", "dev")


@dataclass(frozen=True)
class Curve:
    """A loss over steps: mean and standard error over seeds."""

    steps: Float[np.ndarray, " points"]
    mean: Float[np.ndarray, " points"]
    error: Float[np.ndarray, " points"]


def mean_curve(frames: Sequence[pd.DataFrame], *, split: str) -> Curve:
    """Average a loss over tasks, then over the runs of a method, a frame a seed (step, task, split, loss)."""
    runs = [frame[frame["split"] == split].groupby("step")["loss"].mean() for frame in frames]
    table = pd.concat(runs, axis=1)
    error = table.sem(axis=1).fillna(0.0)
    return Curve(table.index.to_numpy(dtype=float), table.mean(axis=1).to_numpy(), error.to_numpy())


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
                _draw_legend(row[-1], sum(map(bool, methods.values())))
    return figure


def _draw_legend(axes: Axes, num_labels: int) -> None:
    if num_labels <= MOST_LABELS:
        axes.legend(frameon=False)
    else:
        axes.legend(frameon=False, fontsize=7, labelspacing=0.3, loc="upper left", bbox_to_anchor=(1.02, 1.02))


def _draw_loss_panel(axes: Axes, methods: Mapping[str, Sequence[pd.DataFrame]], *, split: str) -> None:
    for index, (label, frames) in enumerate(methods.items()):
        if not frames:
            continue
        curve, colour, dashes = mean_curve(frames, split=split), COLOURS[index % len(COLOURS)], nth_of(DASHES, index)
        axes.plot(curve.steps, curve.mean, color=colour, linestyle=dashes, linewidth=1.8, label=label)
        low, high = curve.mean - curve.error, curve.mean + curve.error
        axes.fill_between(curve.steps, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.set_xlabel("step")
    axes.grid(color="0.9")
