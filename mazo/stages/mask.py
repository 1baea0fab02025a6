"""Stage: a run's scores, or a rule that needs none, to its mask."""

from dataclasses import replace
from pathlib import Path

from mazo.adapters import add_adapter_
from mazo.config import Run
from mazo.controls import control_mask
from mazo.errors import ConfigError
from mazo.grid import is_scored, mask_settings
from mazo.maskable import maskable_weights
from mazo.masks import Mask, mask_from_scores, save_mask
from mazo.methods import ZerothOrder
from mazo.models import load_model
from mazo.records import measured
from mazo.scores import load_scores
from mazo.zeroth_order.replay import weights_checksum


def run(run: Run, *, scores: Path | None, out: Path) -> None:
    """Write the mask, and what it took as ``mask.json`` beside it.

    :param scores: The scores, for a rule that needs them and no other; raises :class:`mazo.errors.ConfigError`, and
        :class:`mazo.errors.DataError` for a file of scores that is damaged.
    """
    settings = mask_settings(run)
    if is_scored(run) != (scores is not None):
        wanted = "a file" if scores is None else "none"
        raise ConfigError(f"--scores: wanted {wanted} for mask.rule {settings.rule}; found {scores or 'none'}")
    with measured(out.with_name("mask.json")):
        save_mask(_unscored_mask(run) if scores is None else _scored_mask(run, scores), out)


def _scored_mask(run: Run, scores: Path) -> Mask:
    settings = mask_settings(run)
    made_by = settings.scores.model_dump(mode="json")
    if settings.rule == "wanda":
        made_by = {"calibration_examples": settings.scores.calibration_examples}
    found, model = load_scores(scores)
    made_by |= {"rule": settings.rule, "model": model}
    return mask_from_scores(found, density=settings.density, settings=made_by)


def _unscored_mask(run: Run) -> Mask:
    assert isinstance(run.method, ZerothOrder)
    model, _ = load_model(run.model)
    base = weights_checksum(model.named_parameters())
    if run.method.adapter is not None:
        add_adapter_(model, run.method.adapter, num_tasks=len(run.tasks), run_seed=run.seed)
    settings = mask_settings(run)
    mask = control_mask(
        maskable_weights(model), rule=settings.rule, density=settings.density, seed=run.seed, layer=settings.layer
    )
    return replace(mask, settings={**mask.settings, "model": base})
