"""The heat map of a transfer matrix."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mazo.plots.style import STYLE
from mazo.tables.layout import TITLES
from mazo.tables.transfer import SHARED, Transfer


def draw_transfers(transfers: Sequence[Transfer]) -> Figure:
    """Draw a panel a model, mix and method: a row a task trained on, a column a task tested on, scores in percent."""
    size = [max(3.2, 0.62 * len(transfer.columns) + 1.4) for transfer in transfers]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(sum(size) + 0.6, max(size)), layout="constrained")
        panels = figure.subplots(1, len(transfers), squeeze=False, gridspec_kw={"width_ratios": size})[0]
        for axes, transfer in zip(panels, transfers, strict=True):
            _draw_panel(axes, transfer)
    return figure


def _draw_panel(axes: Axes, transfer: Transfer) -> None:
    lines = {TITLES[task]: cells for task, cells in transfer.cells.items()} | {SHARED: transfer.shared}
    values = np.array([[cells[column].mean for column in transfer.columns] for cells in lines.values()])
    axes.imshow(values, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.ndindex(*values.shape):
        colour = "white" if values[row, column] > 60 else "black"
        axes.text(column, row, f"{values[row, column]:.1f}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(transfer.columns)), [TITLES[c] for c in transfer.columns], rotation=45, ha="right")
    axes.set_yticks(range(len(lines)), list(lines))
    axes.set_xlabel("tested on")
    axes.set_ylabel("trained on")
    axes.set_title(f"{transfer.row.label}: {transfer.row.model}, mix {transfer.row.mix}", fontsize=10)
