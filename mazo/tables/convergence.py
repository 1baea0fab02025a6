"""The table of convergence: how many steps the reference method takes to where each other method ends up."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mazo.files import write_text
from mazo.tables.layout import latex_file, latex_table, markdown_table

Curves = Mapping[str, Sequence[pd.DataFrame]]
"""A method's label to one curve a seed (step, task, split, loss)."""


@dataclass(frozen=True)
class Convergence:
    """One method's lowest dev loss, and the reference's way there."""

    label: str
    lowest: float
    """Lowest dev loss, mean over tasks and then over seeds."""
    steps: float
    """Steps to it, mean over seeds."""
    reached: int
    """Seeds in which the reference comes as low."""
    seeds: int
    reference_steps: float | None
    """Steps that the reference takes to come as low, mean over the seeds in which it does."""

    @property
    def speed_up(self) -> float | None:
        """The method's steps over the reference's; none where the reference does not come as low in every seed."""
        if self.reference_steps is None or self.reached < self.seeds:
            return None
        return self.steps / self.reference_steps if self.reference_steps else math.inf


def dev_curve(frame: pd.DataFrame) -> pd.Series:
    """Return the dev loss by step, mean over tasks."""
    return frame[frame["split"] == "dev"].groupby("step")["loss"].mean()


def steps_to(curve: pd.Series, threshold: float) -> int | None:
    """Return the first measured step at which a loss is at most a threshold; none where it never is."""
    below = curve.index[curve <= threshold]
    return int(below[0]) if len(below) else None


def converge(curves: Curves, *, reference: str) -> list[Convergence]:
    """Compare every trained method with the reference, seed by seed.

    :param reference: Label of the reference method, which has curves of its own.
    """
    wanted = [dev_curve(frame) for frame in curves[reference]]
    return [_compare(label, [dev_curve(frame) for frame in own], wanted) for label, own in curves.items() if own]


def _compare(label: str, own: Sequence[pd.Series], reference: Sequence[pd.Series]) -> Convergence:
    found = [steps_to(other, curve.min()) for curve, other in zip(own, reference, strict=True)]
    reached = [steps for steps in found if steps is not None]
    return Convergence(
        label=label,
        lowest=statistics.fmean(float(curve.min()) for curve in own),
        steps=statistics.fmean(int(curve.idxmin()) for curve in own),
        reached=len(reached),
        seeds=len(own),
        reference_steps=statistics.fmean(reached) if reached else None,
    )


def _shown(row: Convergence) -> list[str]:
    steps = "" if row.reference_steps is None else f"{row.reference_steps:,.0f}"
    factor = "" if row.speed_up is None else f"{row.speed_up:.1f}"
    return [row.label, f"{row.lowest:.3f}", f"{row.steps:,.0f}", steps, f"{row.reached} of {row.seeds}", factor]


def write_convergence(sections: Mapping[str, Curves], out: Path, *, reference: str) -> None:
    """Write ``convergence.csv``, ``convergence.md`` and ``convergence.tex``.

    :param sections: Model and mix, as a title, to the methods' curves.
    :param reference: Label of the reference method; sections in which it trains nothing are left out.
    """
    head = ["Method", "Lowest dev loss", "Steps to it", f"Steps of {reference}", "Seeds that reach it", "Speed-up"]
    note = (
        "Dev loss as the mean over tasks, in nats, measured every so many steps; means over seeds. "
        f"Steps of {reference}: to a loss as low, in the same seed; speed-up: the method's steps over these."
    )
    lines, pages, tables = ["section,method,lowest,steps,reference_steps,reached,seeds,speed_up"], [], []
    for title, curves in sections.items():
        if not curves.get(reference):
            continue
        rows = converge(curves, reference=reference)
        pages.append(f"### {title}: convergence\n\n{markdown_table(head, [_shown(row) for row in rows])}\n\n{note}\n")
        model, _, mix = title.partition(", mix ")
        tables.append(latex_table(model, mix, "steps to the lowest dev loss", head, [_shown(row) for row in rows]))
        for row in rows:
            numbers = [row.lowest, row.steps, row.reference_steps, row.reached, row.seeds, row.speed_up]
            texts = ["" if number is None else f"{number:.6g}" for number in numbers]
            lines.append(",".join([f'"{title}"', f'"{row.label}"', *texts]))
    write_text(out / "convergence.csv", "\n".join(lines) + "\n")
    write_text(out / "convergence.md", "\n".join(pages))
    write_text(out / "convergence.tex", latex_file(tables))
