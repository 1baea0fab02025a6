"""Stage: a run's training."""

from pathlib import Path

import mazo.train
from mazo.config import Run


def run(run: Run, *, data: Path, mask: Path | None, out: Path) -> None:
    """Write the run's step log, its loss curve and ``train.json``."""
    mazo.train.train(run, data=data, mask=mask, out=out)
