"""A mask as a picture: where in each matrix the kept weights lie."""

import math
import re

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from mazo.masks import Mask
from mazo.plots.style import STYLE

CELLS = 48
"""Most cells along one side of a matrix's panel."""
ACROSS = 7
"""Panels in a row: a Llama block has seven matrices."""


def kept_shares(mask: Mask, name: str, *, cells: int = CELLS) -> Float[np.ndarray, "down across"]:
    """Return the share of weights kept in each cell of a grid laid over a matrix, at most ``cells`` a side."""
    rows, columns = mask.shapes[name]
    kept = mask.kept[name].numpy()
    edges = [np.linspace(0, size, min(size, cells) + 1).round() for size in (rows, columns)]
    counts, _, _ = np.histogram2d(kept // columns, kept % columns, bins=edges)
    return counts / np.outer(np.diff(edges[0]), np.diff(edges[1]))


def draw_mask(mask: Mask) -> Figure:
    """Draw a panel a matrix, outputs down and inputs across; the darker a cell, the more of its weights are trained."""
    shares = {name: kept_shares(mask, name) for name in mask.shapes}
    across = min(ACROSS, len(shares))
    down = math.ceil(len(shares) / across)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.9 * across + 1, 2.1 * down), layout="constrained")
        panels = figure.subplots(down, across, squeeze=False)
        scale = ScalarMappable(Normalize(0, max(share.max() for share in shares.values())), cmap="Blues")
        for axes in panels.flat:
            axes.set_axis_off()
        for axes, (name, share) in zip(panels.flat, shares.items(), strict=False):
            axes.imshow(share, cmap=scale.cmap, norm=scale.norm, aspect="auto", interpolation="nearest")
            axes.set_title(_short(name), fontsize=6)
        figure.colorbar(scale, ax=panels, label="share of weights kept", fraction=0.02)
    return figure


def _short(name: str) -> str:
    """Drop what stands before the number of the block."""
    return re.sub(r"^\D*\.(?=\d)", "", name).removesuffix(".weight")
