"""What every figure shares: colours, markers, fonts, and files without date or version."""

import io
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from mazo.errors import ConfigError
from mazo.files import write_bytes

# Okabe and Ito's palette, told apart by every kind of colour vision; markers and dashes repeat the distinction.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
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
