"""The figure behind the verdicts: a panel a claim, its effects with their intervals beside the threshold."""

from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from mazo.claims import NOT_SUPPORTED, SUPPORTED, UNDECIDED, Judged, Unit, Verdict
from mazo.plots.style import COLOURS, STYLE
from mazo.tables.layout import TIMES

LOOKS: dict[Verdict, dict] = {
    SUPPORTED: {"color": COLOURS[2], "marker": "o", "markerfacecolor": COLOURS[2]},
    NOT_SUPPORTED: {"color": COLOURS[1], "marker": "s", "markerfacecolor": COLOURS[1]},
    UNDECIDED: {"color": "0.45", "marker": "o", "markerfacecolor": "white"},
}
AXES: dict[Unit, str] = {"ratio": "ratio", "points": "percent points", "percent": "percent", "number": "difference"}


def draw_claims(judged: Sequence[Judged]) -> Figure:
    """Draw a panel a claim, a line a model, mix and row held against; claims without a measurement are left out.

    A filled circle supports the claim, a filled square does not, an open circle leaves it undecided.
    """
    panels: dict[str, list[Judged]] = {}
    for own in judged:
        if own.findings:
            panels.setdefault(own.claim.id, []).append(own)
    heights = [0.9 + 0.26 * sum(len(own.findings) for own in group) for group in panels.values()]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, sum(heights) or 1), layout="constrained")
        if panels:
            grid = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
            several = len({(own.model, own.mix) for own in judged}) > 1
            for axes, group in zip(grid, panels.values(), strict=True):
                _draw_panel(axes, group, several=several)
    return figure


def _draw_panel(axes: Axes, group: Sequence[Judged], *, several: bool) -> None:
    claim = group[0].claim
    labels: list[str] = []
    axes.axvline(claim.threshold, color="0.35", linewidth=1, linestyle="--")
    for own in group:
        for finding, verdict in own.findings:
            height, found = len(labels), finding.estimate
            axes.plot([found.low, found.high], [height, height], color=LOOKS[verdict]["color"], linewidth=1.8)
            axes.plot([found.value], [height], linestyle="none", markersize=6, **LOOKS[verdict])
            place = f"{own.model}, {own.mix}" if several else ""
            labels.append(", ".join(part for part in (finding.against, place) if part) or "MaZO")
    if claim.unit == "ratio":
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{TIMES}{value:g}"))
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.margins(x=0.12)
    axes.set_title(claim.title, fontsize=10, loc="left", fontweight="bold")
    axes.set_xlabel(AXES[claim.unit], fontsize=8, labelpad=1)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)
