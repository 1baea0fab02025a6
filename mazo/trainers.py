"""What a step of each kind of method does and leaves: one trainer a kind, the same calls for the loop."""

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from mazo.adapter_settings import factor_groups
from mazo.adapters import add_adapter_
from mazo.batches import Batch
from mazo.config import Run, num_steps
from mazo.errors import ConfigError, TrainingError
from mazo.files import write_bytes
from mazo.first_order import FirstOrderOptimizer
from mazo.grid import is_masked, mask_settings
from mazo.masks import Mask, load_mask
from mazo.methods import FirstOrder, ZerothOrder
from mazo.objectives import OBJECTIVES, ScoredBatch
from mazo.recompute import recomputed
from mazo.weighting import Closure
from mazo.zeroth_order import StepLog, ZerothOrderOptimizer, read_log, replay_log_

OPTIMIZER_KEYS = {
    *(
        "lr",
        "eps",
        "direction",
        "direction_rank",
        "direction_period",
        "num_directions",
        "sides",
        "normalization",
        "step",
        "momentum",
        "schedule",
        "weight_decay",
    ),
    *("weighting", "mask_mode", "precision"),
}


class ZerothOrderTrainer:
    """Zeroth-order steps, each appended to ``steps.log``."""

    def __init__(self, model: nn.Module, run: Run, *, mask: Mask | None, base: str, out: Path) -> None:
        assert isinstance(run.method, ZerothOrder)
        self._model, self._num_tasks = model, len(run.tasks)
        self._losses = OBJECTIVES[run.method.objective]
        self.optimizer = make_optimizer(model, run, mask=mask)
        # The base of an adapter's log is its factors as drawn, which the log's writer hashes itself.
        own = base if run.method.adapter is None else None
        about = log_about(run.method) | {"model": base, "dtype": run.model.dtype}
        self._log = StepLog(out / "steps.log", self.optimizer, tasks=run.tasks, base=own, about=about)

    def step(
        self, batches: Sequence[Batch] | ScoredBatch, validation: Closure | None = None
    ) -> Float[Tensor, " tasks"]:
        """Do one step and log its projected gradients."""
        closure = partial(self._losses, self._model, batches, num_tasks=self._num_tasks)
        record = self.optimizer.step(closure, validation)
        self._log.append(record)
        return record.losses

    def finish(self) -> None:
        """Give the log, now complete, its own name."""
        self._log.finish()

    def close(self) -> None:
        """Close the log."""
        self._log.close()


class FirstOrderTrainer:
    """AdamW steps; no list of numbers can repeat them, so the weights are kept."""

    def __init__(self, model: nn.Module, run: Run, *, out: Path) -> None:
        assert isinstance(run.method, FirstOrder)
        self._model, self._num_tasks, self._out = model, len(run.tasks), out
        self._activations = recomputed if run.method.gradient_checkpointing else nullcontext
        self._weights = trained_weights_(model, run)
        self.optimizer = FirstOrderOptimizer(
            self._weights.values(),
            lr=run.method.lr,
            schedule=run.method.schedule,
            num_steps=num_steps(run.method, run.training),
            weight_decay=run.method.weight_decay,
            weighting=run.method.weighting,
            weighting_options=weighting_options(run.method),
        )

    def step(self, batches: Sequence[Batch], validation: Closure | None = None) -> Float[Tensor, " tasks"]:
        """Do one step."""
        with self._activations(self._model):
            return self.optimizer.step(self._model, batches, num_tasks=self._num_tasks, validation=validation)

    def finish(self) -> None:
        """Write ``weights.safetensors``: the trained weights."""
        weights = {name: weight.detach().cpu().contiguous() for name, weight in self._weights.items()}
        write_bytes(self._out / "weights.safetensors", save(weights))

    def close(self) -> None:
        """Do nothing: no file is open."""


Trainer = ZerothOrderTrainer | FirstOrderTrainer


def make_trainer(model: nn.Module, run: Run, *, mask: Path | None, base: str, out: Path) -> Trainer:
    """Build the run's trainer; raises :class:`mazo.errors.ConfigError` for a method that trains nothing.

    :param base: Checksum of the untrained model's weights.
    """
    if isinstance(run.method, ZerothOrder):
        return ZerothOrderTrainer(model, run, mask=read_mask(run, mask), base=base, out=out)
    if isinstance(run.method, FirstOrder):
        return FirstOrderTrainer(model, run, out=out)
    raise ConfigError(f"methods.{run.method_name}.kind: wanted a kind that trains; found {run.method.kind}")


def trained_weights_(model: nn.Module, run: Run) -> dict[str, nn.Parameter]:
    """Return the weights a run trains, by name: all of the model's, or the factors of the adapter it puts into it."""
    assert isinstance(run.method, ZerothOrder | FirstOrder)
    if run.method.adapter is None:
        return dict(model.named_parameters())
    return add_adapter_(model, run.method.adapter, num_tasks=len(run.tasks), run_seed=run.seed)


def weighting_options(method: ZerothOrder | FirstOrder) -> dict[str, object]:
    """Return the settings of a method's own weighting; the others' play no part."""
    return {} if method.weighting == "uniform" else getattr(method, method.weighting).model_dump(mode="json")


def optimizer_settings(method: ZerothOrder) -> dict[str, Any]:
    """Return the settings that the zeroth-order optimiser takes, as its log states them."""
    own = {"weighting_options": weighting_options(method), "groups": factor_groups(method.adapter)}
    return method.model_dump(mode="json", include=OPTIMIZER_KEYS) | own


def make_optimizer(model: nn.Module, run: Run, *, mask: Mask | None) -> ZerothOrderOptimizer:
    """Build the zeroth-order optimiser that a run's settings name."""
    assert isinstance(run.method, ZerothOrder)
    return ZerothOrderOptimizer(
        trained_weights_(model, run).items(),
        **optimizer_settings(run.method),
        num_steps=num_steps(run.method, run.training),
        run_seed=run.seed,
        mask=mask,
    )


def read_mask(run: Run, path: Path | None) -> Mask | None:
    """Read a run's mask, and insist that there is one exactly where the method asks for it."""
    wanted = is_masked(run)
    if wanted != (path is not None):
        found = "none" if path is None else path
        raise ConfigError(f"--mask: wanted {'a file' if wanted else 'none'} for {run.method_name}; found {found}")
    mask = None if path is None else load_mask(path)
    if mask is not None and mask.settings.get("rule", rule := mask_settings(run).rule) != rule:
        raise ConfigError(f"{path}: wanted a mask of rule {rule}, found one of rule {mask.settings['rule']}")
    return mask


def log_about(method: ZerothOrder) -> dict[str, object]:
    """Return what a run's log says beside what its optimiser knows."""
    return method.model_dump(mode="json", include={"objective", "adapter"})


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
