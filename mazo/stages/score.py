"""Stage: the importance of every weight a mask may cover, from each task's calibration examples."""

from pathlib import Path

from mazo.batches import collate, encode_examples
from mazo.config import Run, ZerothOrder
from mazo.errors import ConfigError
from mazo.examples import build_examples
from mazo.files import write_bytes
from mazo.importance import score_tasks
from mazo.models import load_model
from mazo.records import measured
from mazo.tasks import load_tasks


def run(run: Run, *, data: Path, out: Path) -> None:
    """Write the summed scores, a matrix a weight, and what it took as ``score.json`` beside them."""
