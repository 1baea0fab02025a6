"""Stage: the records and loss curves of a suite to its figures."""

from pathlib import Path

import pandas as pd

from mazo.config import Suite
from mazo.grid import is_trained, run_folder, runs
from mazo.plots import draw_losses, draw_radar, read_curve, write_figure
from mazo.records import read_record
from mazo.tables.main import make_sections


def run(suite: Suite, *, results: Path) -> None:
    """Write ``figures/radar.{svg,png}`` and ``figures/loss.{svg,png}`` from what lies below the suite's folder."""
    records = [read_record(results / run_folder(cell) / "record.json") for cell in runs(suite)]
    write_figure(draw_radar(make_sections(records)), results / "figures" / "radar")
    write_figure(draw_losses(loss_panels(suite, results=results)), results / "figures" / "loss")


def loss_panels(suite: Suite, *, results: Path) -> dict[str, dict[str, list[pd.DataFrame]]]:
    """Read the loss curves: title to method's label to one curve a seed, none where nothing is trained."""
    panels: dict[str, dict[str, list[pd.DataFrame]]] = {}
    for cell in runs(suite):
        methods = panels.setdefault(f"{cell.model_name}, mix {cell.mix}", {})
        curves = methods.setdefault(cell.method.label or cell.method_name, [])
        if is_trained(cell):
            curves.append(read_curve(results / run_folder(cell) / "curve.csv"))
    return panels
