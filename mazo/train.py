"""One training run, from rows to a list of numbers."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from tqdm import tqdm

from mazo.batches import Batch, EncodedExample, batch_indices, collate, encode_examples
from mazo.config import Run, num_steps
from mazo.curve import Curve
from mazo.errors import TrainingError
from mazo.examples import build_examples
from mazo.files import write_json
from mazo.losses import task_losses
from mazo.memory import peak_memory
from mazo.methods import FirstOrder, ZerothOrder
from mazo.models import context_length, load_model
from mazo.objectives import ScoredRows
from mazo.tasks import load_tasks
from mazo.trainers import make_trainer, restore_first_order, restore_zeroth_order
from mazo.weighting import WEIGHTINGS, TaskWeighting
from mazo.zeroth_order.replay import check_weights, weights_checksum

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def train(run: Run, *, data: Path, mask: Path | None, out: Path) -> None:
    """Train one run and write ``train.json``, ``curve.csv`` and ``steps.log`` (or ``weights.safetensors``).

    Runs of one seed see the same examples in the same order, whatever their method.

    :param data: Folder of all tasks' rows.
    :param mask: The mask, for a masked method and no other.
    :param out: The run's folder.

    Raises :class:`mazo.errors.MazoError` for inputs at fault, and where the loss stops being finite.
    """
    start = time.perf_counter()
    training, tasks, steps = run.training, run.tasks, num_steps(run.method, run.training)

    # Model and examples
    model, tokenizer = load_model(run.model)
    base = weights_checksum(model.named_parameters())
    loaded, max_length = load_tasks(tasks, data), context_length(model)
    reads_dev = isinstance(run.method, ZerothOrder | FirstOrder) and WEIGHTINGS[run.method.weighting].reads_validation
    num_dev = None if reads_dev else training.dev_examples
    dev_rows = encode_rows(tokenizer, loaded, split="dev", max_length=max_length, count=num_dev)
    shape = {"pad_id": tokenizer.pad_token_id, "micro_batch": training.micro_batch, "device": run.model.device}
    rows, to_step = training_rows(run, tokenizer, loaded, max_length=max_length)
    dev_batches = to_batches([row for own in dev_rows.values() for row in own[: training.dev_examples]], **shape)

    curve, spent = Curve(tasks), 0.0
    with (
        closing(make_trainer(model, run, mask=mask, base=base, out=out)) as trainer,
        tqdm(total=steps, desc=run.method_name, unit="step") as bar,
    ):
        for step in range(steps):
            # Dev loss at the present weights
            if step % training.dev_every == 0:
                curve.report_dev(step, dev_losses(model, dev_batches, num_tasks=len(tasks)))

            # An equal share of every task in every batch; dev examples for a weighting that reads them
            batch = draw(rows, run, step=step)
            validation = None
            if reads_dev:
                dev_batch = to_batches(draw(dev_rows, run, step=step, purpose="validation"), **shape)
                validation = partial(dev_losses, model, dev_batch, num_tasks=len(tasks))

            # Losses, projected gradients, update, log
            began = time.perf_counter()
            losses = trainer.step(to_step(batch), validation)
            spent += time.perf_counter() - began
            curve.add_train(losses)
            bar.update()
            bar.set_postfix(loss=f"{losses.mean().item():.3f}", refresh=False)
            if (step + 1) % training.dev_every == 0 or step + 1 == steps:
                curve.report_train(step + 1)

        curve.report_dev(steps, dev_losses(model, dev_batches, num_tasks=len(tasks)))
        trainer.finish()

    curve.write(out / "curve.csv")
    write_json(
        out / "train.json",
        {
            "optimizer": trainer.optimizer.name,
            "num_steps": trainer.optimizer.steps_done,
            "idle_steps": trainer.optimizer.idle_steps,
            "forwards": trainer.optimizer.steps_done * trainer.optimizer.forwards_per_step,
            "task_weights": task_weights(trainer.optimizer.weighting, tasks),
            "mask": None if trainer.optimizer.mask is None else trainer.optimizer.mask.summary(),
            "trained_weights": trainer.optimizer.num_trained,
            "all_weights": sum(weight.numel() for weight in model.parameters()),
            "num_cut": {task: sum(example.num_cut > 0 for example in rows[task]) for task in tasks},
            "base_checksum": base,
            "checksum": weights_checksum(model.named_parameters()),
            "step_seconds": round(spent, 3),
            "seconds": round(time.perf_counter() - start, 3),
            "peak_memory": peak_memory(),
            "versions": {name: version(name) for name in ("mazo", "torch", "transformers", "numpy")},
            "run": run.model_dump(mode="json"),
        },
    )


def draw(rows: Mapping[str, Sequence[Any]], run: Run, *, step: int, purpose: str = "batches") -> list[Any]:
    """Draw a step's examples, as many of each task; see :func:`mazo.batches.batch_indices`."""
    size, seed = run.training.batch_per_task, run.seed
    return [
        rows[task][index]
        for task in run.tasks
        for index in batch_indices(len(rows[task]), batch=size, step=step, seed=seed, task=task, purpose=purpose)
    ]


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
    check_weights(model.named_parameters(), wanted=_recorded_checksum(out / "train.json"), what=str(out))
    return model, tokenizer


def _recorded_checksum(path: Path) -> str:
    try:
        return json.loads(path.read_text())["checksum"]
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{path}: wanted the record of a finished training run, found {error!r}") from error


def training_rows(
    run: Run, tokenizer: "PreTrainedTokenizerBase", tasks: "Mapping[str, ConfigurableTask]", *, max_length: int
) -> tuple[dict[str, list[Any]], Callable[[list[Any]], Any]]:
    """Encode every task's training rows as the run's objective wants them, with what makes a step's batch of some."""
    micro_batch, device = run.training.micro_batch, run.model.device
    if isinstance(run.method, ZerothOrder) and run.method.objective == "metric":
        scored = ScoredRows(
            tokenizer,
            max_length=max_length,
            max_new_tokens=run.evaluation.max_new_tokens,
            micro_batch=micro_batch,
            device=device,
        )
        return scored.encode(tasks), scored.batch
    rows = encode_rows(tokenizer, tasks, split="train", max_length=max_length)
    return rows, partial(to_batches, pad_id=tokenizer.pad_token_id, micro_batch=micro_batch, device=device)


def encode_rows(
    tokenizer: "PreTrainedTokenizerBase",
    tasks: "Mapping[str, ConfigurableTask]",
    *,
    split: str,
    max_length: int,
    count: int | None = None,
) -> dict[str, list[EncodedExample]]:
    """Encode a split of every task; the task's place in ``tasks`` is its place in the losses.

    :param count: The first so many rows of every task; all of them when ``None``.
    """
    encoded = {}
    for index, (name, task) in enumerate(tasks.items()):
        examples = build_examples(task, name, split=split)[:count]
        encoded[name] = encode_examples(tokenizer, examples, task_index=index, max_length=max_length)
    return encoded


def to_batches(examples: Sequence[EncodedExample], *, pad_id: int, micro_batch: int, device: str) -> list[Batch]:
    """Collate examples into micro-batches on a device."""
    return [batch.to(device) for batch in collate(examples, pad_id=pad_id, micro_batch=micro_batch)]


@torch.no_grad()
def dev_losses(model: nn.Module, batches: Sequence[Batch], *, num_tasks: int) -> torch.Tensor:
    """Measure the tasks' losses without a gradient."""
    return task_losses(model, batches, num_tasks=num_tasks).float().cpu()
