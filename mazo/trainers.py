"""What a step of each kind of method does and leaves: one trainer a kind, the same calls for the loop."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn
from tqdm import tqdm

from mazo.adapter_settings import factor_groups
from mazo.adapters import add_adapter_
from mazo.batches import Batch
from mazo.checkpoint import load_checkpoint_, save_checkpoint
from mazo.config import Run, num_steps
from mazo.errors import ConfigError, MaskError
from mazo.files import write_bytes
from mazo.first_order import FirstOrderOptimizer
from mazo.grid import is_masked, mask_settings
from mazo.journal import Entry, StepNumbers
from mazo.masks import Mask, load_mask
from mazo.methods import FirstOrder, ZerothOrder
from mazo.objectives import OBJECTIVES, ScoredBatch
from mazo.recompute import recomputed
from mazo.weighting import Closure
from mazo.zeroth_order import StepLog, StepRecord, ZerothOrderOptimizer

SECONDS_BETWEEN_CHECKPOINTS = 600.0
LEAST_REST = 20.0
"""Seconds between checkpoints, for each second that writing one takes."""

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

    def take_up(self, entries: Sequence[Entry]) -> int:
        """Do an earlier session's steps again, without a forward; return how many: all of them."""
        for entry in tqdm(entries, desc="taking up", unit="step", disable=not entries):
            numbers = entry.numbers
            weights = self.optimizer.weighting.repeat(numbers.told, num_tasks=self._num_tasks)
            record = StepRecord(
                step=entry.step,
                lr=self.optimizer.lr,
                losses=torch.tensor(numbers.losses),
                projected_grads=torch.tensor(numbers.projected_grads),
                weights=weights.float(),
                coefficients=torch.tensor(numbers.coefficients),
            )
            self.optimizer.repeat_(record.coefficients, settle=False)
            self.optimizer.idle_steps += not record.projected_grads.any()
            self._log.append(record)
        return len(entries)

    def settle(self) -> None:
        """Write the trained weights to the model, where a step has left them elsewhere."""
        self.optimizer.settle_()

    def step(self, batches: list[Batch] | ScoredBatch, validation: Closure | None = None) -> StepNumbers:
        """Do one step and log its projected gradients; nothing but a step may follow before :meth:`settle`."""
        closure = partial(self._losses, self._model, batches, num_tasks=self._num_tasks)
        record = self.optimizer.step(closure, validation, settle=False)
        self._log.append(record)
        return StepNumbers(
            losses=record.losses.tolist(),
            told=self.optimizer.weighting.told,
            projected_grads=record.projected_grads.tolist(),
            coefficients=record.coefficients.tolist(),
        )

    def checkpoint(self, sync: Callable[[], None]) -> None:
        """Do nothing: the steps' numbers are enough to go on from."""

    def finish(self) -> None:
        """Give the log, now complete, its own name."""
        self._log.finish()

    def clean_up(self) -> None:
        """Do nothing: the finished log took the unfinished one's place."""

    def close(self) -> None:
        """Close the log."""
        self._log.close()


class FirstOrderTrainer:
    """AdamW steps; no list of numbers can repeat them, so the weights are kept, and every few minutes a checkpoint."""

    def __init__(self, model: nn.Module, run: Run, *, identity: str, out: Path) -> None:
        assert isinstance(run.method, FirstOrder)
        self._model, self._num_tasks, self._out = model, len(run.tasks), out
        self._checkpoint, self._identity = out / "checkpoint.part", identity
        self._due = time.monotonic() + SECONDS_BETWEEN_CHECKPOINTS
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

    def take_up(self, entries: Sequence[Entry]) -> int:
        """Go to an earlier session's last checkpoint; return how many of the steps it stands after."""
        weights, adamw = self._weights, self.optimizer.adamw
        done = load_checkpoint_(self._checkpoint, weights, adamw, steps=len(entries), run=self._identity)
        for entry in entries[:done]:
            self.optimizer.weighting.repeat(entry.numbers.told, num_tasks=self._num_tasks)
        self.optimizer.steps_done = done
        return done

    def settle(self) -> None:
        """Do nothing: the model's weights are the trained ones."""

    def step(self, batches: Sequence[Batch], validation: Closure | None = None) -> StepNumbers:
        """Do one step."""
        with self._activations(self._model):
            losses = self.optimizer.step(self._model, batches, num_tasks=self._num_tasks, validation=validation)
        return StepNumbers(losses=losses.tolist(), told=self.optimizer.weighting.told)

    def checkpoint(self, sync: Callable[[], None]) -> None:
        """Keep weights and moments where it is time to; what writes them takes a twentieth of the time at most.

        :param sync: Brings the steps so far to the disk, which a checkpoint must not be ahead of.
        """
        if (began := time.monotonic()) < self._due:
            return
        sync()
        step, adamw = self.optimizer.steps_done, self.optimizer.adamw
        save_checkpoint(self._checkpoint, self._weights, adamw, step=step, run=self._identity)
        now = time.monotonic()
        self._due = now + max(SECONDS_BETWEEN_CHECKPOINTS, LEAST_REST * (now - began))

    def finish(self) -> None:
        """Write ``weights.safetensors``: the trained weights."""
        weights = {name: weight.detach().cpu().contiguous() for name, weight in self._weights.items()}
        write_bytes(self._out / "weights.safetensors", save(weights))

    def clean_up(self) -> None:
        """Remove the checkpoint of a run that is complete."""
        self._checkpoint.unlink(missing_ok=True)

    def close(self) -> None:
        """Do nothing: no file is open."""


Trainer = ZerothOrderTrainer | FirstOrderTrainer


def make_trainer(model: nn.Module, run: Run, *, mask: Mask | None, base: str, identity: str, out: Path) -> Trainer:
    """Build the run's trainer; raises :class:`mazo.errors.ConfigError` for a method that trains nothing.

    :param base: Checksum of the untrained model's weights.
    :param identity: What tells this run from any other, for what is left of it when it is killed.
    """
    if isinstance(run.method, ZerothOrder):
        return ZerothOrderTrainer(model, run, mask=mask, base=base, out=out)
    if isinstance(run.method, FirstOrder):
        return FirstOrderTrainer(model, run, identity=identity, out=out)
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


def read_mask(run: Run, path: Path | None, *, base: str | None = None) -> Mask | None:
    """Read a run's mask, and insist that there is one exactly where the method asks for it.

    :param base: Checksum of the untrained model's weights, which those that the mask was made for must have.
    """
    wanted = is_masked(run)
    if wanted != (path is not None):
        found = "none" if path is None else path
        raise ConfigError(f"--mask: wanted {'a file' if wanted else 'none'} for {run.method_name}; found {found}")
    mask = None if path is None else load_mask(path)
    if mask is not None and mask.settings.get("rule", rule := mask_settings(run).rule) != rule:
        raise ConfigError(f"{path}: wanted a mask of rule {rule}, found one of rule {mask.settings['rule']}")
    if mask is not None and base is not None and (made_for := mask.settings.get("model", base)) != base:
        raise MaskError(f"{path}: wanted a mask made for this model, weights {base}; found one for weights {made_for}")
    return mask


def log_about(method: ZerothOrder) -> dict[str, object]:
    """Return what a run's log says beside what its optimiser knows."""
    return method.model_dump(mode="json", include={"objective", "adapter"})
