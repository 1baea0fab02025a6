"""Stage: a run's scores to its mask."""

from pathlib import Path

from safetensors.torch import load_file

from mazo.config import Run
from mazo.grid import mask_settings
from mazo.masks import mask_from_scores, save_mask
from mazo.records import measured


def run(run: Run, *, scores: Path, out: Path) -> None:
    """Write the mask, and what it took as ``mask.json`` beside it."""
    settings = mask_settings(run)
    with measured(out.with_name("mask.json")):
        mask = mask_from_scores(
            load_file(scores), density=settings.density, settings=settings.scores.model_dump(mode="json")
        )
        save_mask(mask, out)
