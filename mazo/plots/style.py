"""What every figure shares: colours, markers, fonts, and files without date or version."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from mazo.errors import ConfigError
from mazo.files import write_bytes

# Okabe and Ito's palette, told apart by every kind of colour vision; markers and dashes repeat the distinction.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
MOST_LABELS = 8
"""Labels of a legend inside the axes; more stand beside them."""
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


def nth_of(looks: Sequence[str], index: int) -> str:
    """Return a line's marker or dash; with its colour, ``COLOURS[index % len(COLOURS)]``, it repeats after 32 lines."""
    return looks[(index + index // len(COLOURS)) % len(looks)]


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, and as PNG in the same layout, beside each other."""
    write_picture(figure, path.with_suffix(".svg"))
    # Laid out once: where every artist goes takes longer than to draw it.
    figure.set_layout_engine("none")
    with matplotlib.rc_context(STYLE):
        bounds = figure.get_tightbbox().padded(matplotlib.rcParams["savefig.pad_inches"])
    write_picture(figure, path.with_suffix(".png"), bounds=bounds)


def write_picture(figure: Figure, path: Path, *, bounds: Bbox | None = None) -> None:
    """Write a figure in the format that the file's name ends with, with neither date nor version inside.

    :param bounds: What of it is shown, in inches: all that is drawn, where absent.

    :raises ConfigError: a name that ends neither in .svg nor in .png.
    """
    if path.suffix not in METADATA:
        raise ConfigError(f"{path}: wanted a name that ends in {' or '.join(METADATA)}; found {path.suffix!r}")
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        metadata = METADATA[path.suffix]
        figure.savefig(buffer, format=path.suffix[1:], dpi=160, metadata=metadata, bbox_inches=bounds or "tight")
    write_bytes(path, buffer.getvalue())
