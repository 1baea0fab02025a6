"""Stage: an embedded model, rebuilt from nothing."""

import os
from pathlib import Path

import torch

from mazo.mini.pretrain import pretrain


def run(*, architecture: str, out: Path) -> None:
    """Write the model, its tokenizer and ``pretraining.csv``; a run that was stopped goes on from its checkpoint."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    pretrain(out, architecture=architecture)
