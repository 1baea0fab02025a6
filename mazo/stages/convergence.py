"""Stage: the loss curves of a suite to the table of convergence."""

from pathlib import Path

from mazo.config import Suite
from mazo.stages.figures import loss_panels
from mazo.tables.convergence import write_convergence


def run(suite: Suite, *, results: Path) -> None:
    """Write ``tables/convergence.{csv,md,tex}`` from the curves below the suite's folder."""
    reference = suite.methods[suite.reference_method].label or suite.reference_method
    write_convergence(loss_panels(suite, results=results), results / "tables", reference=reference)
