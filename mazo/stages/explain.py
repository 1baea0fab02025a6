"""Stage: where cells of the main table come from, told on the terminal."""

from collections.abc import Sequence
from pathlib import Path

from mazo.config import Suite
from mazo.pack import records_below
from mazo.provenance import explain_cell


def run(suite: Suite, *, results: Path, cells: Sequence[str]) -> None:
    """Print each cell's records, settings, code, model, mask and rows; see :func:`mazo.provenance.explain_cell`.

    :param results: The suite's folder, or that of a reference with a pack of its records.
    """
    with records_below(results) as records:
        print("\n\n".join(explain_cell(suite, results, cell=cell, records=records) for cell in cells))
