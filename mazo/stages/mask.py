"""Stage: a run's scores to its mask."""

from pathlib import Path

from safetensors.torch import load_file

from mazo.config import MaskSettings, Run, ZerothOrder
from mazo.errors import ConfigError
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


def mask_settings(run: Run) -> MaskSettings:
    """Return the run's mask settings, or say that it has none."""
    if isinstance(run.method, ZerothOrder) and run.method.mask is not None:
        return run.method.mask
    raise ConfigError(f"methods.{run.method_name}.mask: wanted settings of a mask; found none, so there is none to make")
