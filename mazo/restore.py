"""A finished run's weights, put back into its base model."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from mazo.config import Run, num_steps
from mazo.errors import TrainingError
from mazo.methods import ZerothOrder
from mazo.trainers import log_about, optimizer_settings, read_mask, trained_weights_
from mazo.zeroth_order import read_log, replay_log_


def restore_zeroth_order(model: nn.Module, run: Run, *, mask: Path | None, log: Path) -> None:
    """Give a base model the weights of a finished run by replaying its log.

    Raises :class:`mazo.errors.TrainingError` where the log is another run's, naming what differs.
    """
    assert isinstance(run.method, ZerothOrder)
    header = read_log(log).header
    own = {"run_seed": run.seed, "tasks": run.tasks, "num_steps": num_steps(run.method, run.training)}
    own |= {"settings": optimizer_settings(run.method), **log_about(run.method)}
    for key, wanted in own.items():
        if header.get(key) != wanted:
            raise TrainingError(f"{log}: {key}: wanted {wanted}, found {header.get(key)}: the log of another run")
    replay_log_(trained_weights_(model, run).items(), log, mask=read_mask(run, mask))


@torch.no_grad()
def restore_first_order(model: nn.Module, run: Run, *, weights: Path) -> None:
    """Give a base model the weights that a first-order run kept; raises :class:`mazo.errors.TrainingError`."""
    try:
        kept = load_file(weights)
    except (OSError, SafetensorError) as error:
        raise TrainingError(f"{weights}: wanted the run's weights, found none that can be read ({error})") from error
    own = trained_weights_(model, run)
    if {n: w.shape for n, w in own.items()} != {n: w.shape for n, w in kept.items()}:
        raise TrainingError(f"{weights}: wanted the {len(own)} weights the run trains, found those of another model")
    for name, weight in own.items():
        weight.copy_(kept[name])
