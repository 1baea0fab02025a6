"""One training run, from rows to a list of numbers."""

import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn
from tqdm import tqdm

from mazo import __version__
from mazo.config import Run, num_steps
from mazo.curve import Curve
from mazo.data import rows_digest
from mazo.digests import code_digest, settings_digest
from mazo.errors import TrainingError
from mazo.files import sha256, write_json
from mazo.grid import stage_digest
from mazo.guards import Guard
from mazo.journal import Entry, Journal
from mazo.losses import measure_losses
from mazo.masks import Mask
from mazo.memory import peak_memory
from mazo.methods import FirstOrder, ZerothOrder
from mazo.models import context_length, load_model, tokenizer_digest
from mazo.reading import read_json
from mazo.restore import restore_first_order, restore_zeroth_order
from mazo.step_batches import StepBatches
from mazo.trainers import Trainer, make_trainer, read_mask
from mazo.weighting import TaskWeighting
from mazo.zeroth_order.replay import check_weights, weights_checksum

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def train(run: Run, *, data: Path, mask: Path | None, out: Path) -> None:
    """Train one run and write ``train.json``, ``curve.csv`` and ``steps.log`` (or ``weights.safetensors``).

    Runs of one seed see the same examples in the same order, whatever their method. A run that was killed in this
    folder goes on after its last step, and ends with the bytes it would have had.

    :param data: Folder of all tasks' rows.
    :param mask: The mask, for a masked method and no other.
    :param out: The run's folder.

    Raises :class:`mazo.errors.MazoError` for inputs at fault, and :class:`mazo.errors.DivergedError` or
    :class:`mazo.errors.StuckError` where the run's own numbers say that it has gone wrong.
    """
    start = time.perf_counter()
    steps, every, num_tasks = num_steps(run.method, run.training), run.training.dev_every, len(run.tasks)
    model, tokenizer = load_model(run.model)
    base = weights_checksum(model.named_parameters())
    seen = StepBatches(run, tokenizer, data=data, max_length=context_length(model))
    kept = read_mask(run, mask, base=base)
    about = identity(run, base=base, tokenizer=tokenizer, data=data, mask=kept)

    with (
        # The journal first: it refuses a second process, which must not touch what the trainer writes.
        closing(Journal(out / "train.part", about)) as journal,
        closing(make_trainer(model, run, mask=kept, base=base, identity=settings_digest(about), out=out)) as trainer,
        tqdm(total=steps, desc=run.method_name, unit="step") as bar,
    ):
        # What earlier sessions of this run have done
        guard = Guard(run, untrained=weights_checksum(model.named_parameters()))
        done = journal.keep(trainer.take_up(journal.entries))
        before, peak = (done[-1].seconds, done[-1].peak_memory) if done else (0.0, 0)
        guard.watch(done)
        bar.update(len(done))

        for step in range(len(done), steps):
            # Dev loss at the present weights
            dev = dev_losses(trainer, model, seen, num_tasks=num_tasks).tolist() if step % every == 0 else None

            # An equal share of every task in every batch; dev examples for a weighting that reads them
            batch, validation = seen.training(step), None
            if seen.reads_validation:
                validation = partial(measure_losses, model, seen.validation(step), num_tasks=num_tasks)

            # Losses, projected gradients, update
            began = time.perf_counter()
            numbers = trainer.step(batch, validation)
            now = time.perf_counter()

            # All that a killed run needs to go on from here
            entry = Entry(step, dev, numbers, now - began, before + now - start, max(peak, peak_memory()))
            journal.append(entry)
            trainer.checkpoint(journal.sync)
            guard.watch([entry])
            bar.update()
            bar.set_postfix(loss=f"{fmean(numbers.losses):.3f}", refresh=False)

        last = dev_losses(trainer, model, seen, num_tasks=num_tasks)
        checksum = weights_checksum(model.named_parameters())
        guard.watch_end(steps, last.tolist(), checksum=checksum)
        trainer.finish()
        curve_of(journal.entries, last=last, every=every, tasks=run.tasks).write(out / "curve.csv")
        about = summary(run, trainer, model, entries=journal.entries) | {
            "num_cut": seen.count_cut(),
            "base_checksum": base,
            "checksum": checksum,
            "curve_checksum": sha256(out / "curve.csv"),
            "seconds": round(before + time.perf_counter() - start, 3),
            "peak_memory": max(peak, peak_memory()),
        }
        write_json(out / "train.json", about)
        journal.remove()
        trainer.clean_up()


def dev_losses(
    trainer: Trainer, model: "PreTrainedModel", seen: StepBatches, *, num_tasks: int
) -> Float[Tensor, " tasks"]:
    """Measure each task's dev loss at the trained weights as they are now."""
    trainer.settle()
    return measure_losses(model, seen.dev, num_tasks=num_tasks)


def summary(run: Run, trainer: Trainer, model: nn.Module, *, entries: Sequence[Entry]) -> dict[str, object]:
    """Return what ``train.json`` says of the optimiser and its steps."""
    optimizer = trainer.optimizer
    return {
        "optimizer": optimizer.name,
        "num_steps": optimizer.steps_done,
        "idle_steps": optimizer.idle_steps,
        "forwards": optimizer.steps_done * optimizer.forwards_per_step,
        "task_weights": task_weights(optimizer.weighting, run.tasks),
        "mask": None if optimizer.mask is None else optimizer.mask.summary(),
        "trained_weights": optimizer.num_trained,
        "all_weights": sum(weight.numel() for weight in model.parameters()),
        "step_seconds": round(sum(entry.step_seconds for entry in entries), 3),
        "versions": versions(),
        "run": run.model_dump(mode="json"),
    }


def identity(
    run: Run, *, base: str, tokenizer: "PreTrainedTokenizerBase", data: Path, mask: Mask | None
) -> dict[str, object]:
    """Return what decides the numbers of a run's training: an unfinished run goes on where all of it is unchanged.

    :param base: Checksum of the untrained model's weights.
    """
    return {
        "settings": stage_digest(run, "train"),
        "model": base,
        "tokenizer": tokenizer_digest(tokenizer),
        "mask": None if mask is None else mask.hash(),
        "data": {f"{task}/{split}": rows_digest(data, task, split) for task in run.tasks for split in ("train", "dev")},
        "code": code_digest("mazo.train"),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of what computes a run's numbers."""
    return {"mazo": __version__} | {name: version(name) for name in ("torch", "transformers", "numpy")}


def curve_of(entries: Sequence[Entry], *, last: Float[Tensor, " tasks"], every: int, tasks: Sequence[str]) -> Curve:
    """Draw a run's curve from its steps.

    :param last: Each task's dev loss after the last step.
    :param every: Steps between dev losses; training losses are means over as many.
    """
    curve = Curve(tasks)
    for entry in entries:
        if entry.dev is not None:
            curve.report_dev(entry.step, torch.tensor(entry.dev))
        curve.add_train(torch.tensor(entry.numbers.losses))
        if (entry.step + 1) % every == 0 or entry.step + 1 == len(entries):
            curve.report_train(entry.step + 1)
    curve.report_dev(len(entries), last)
    return curve


def task_weights(weighting: TaskWeighting, tasks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Say what each task's loss weighed, on the mean of the steps and at most."""
    by_kind = weighting.summary()
    return {task: {kind: round(values[i], 6) for kind, values in by_kind.items()} for i, task in enumerate(tasks)}


def trained_model(run: Run, *, mask: Path | None, out: Path) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """Return a run's trained model: the base model, and where the method trains, its logged steps or kept weights.

    Raises :class:`mazo.errors.TrainingError` where these do not give the weights that training ended with.
    """
    model, tokenizer = load_model(run.model)
    if isinstance(run.method, ZerothOrder):
        restore_zeroth_order(model, run, mask=mask, log=out / "steps.log")
    elif isinstance(run.method, FirstOrder):
        restore_first_order(model, run, weights=out / "weights.safetensors")
    else:
        return model, tokenizer
    unread = "wanted the record of a finished training run; found none that can be read"
    wanted = read_json(out / "train.json", unread, shape=itemgetter("checksum"), error=TrainingError)
    check_weights(model.named_parameters(), wanted=wanted, what=str(out))
    return model, tokenizer
