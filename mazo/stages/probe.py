"""Stage: the tasks' gradients at the untrained model, inside and outside a run's mask."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mazo.batches import Batch, batch_indices, collate, encode_examples
from mazo.config import Run
from mazo.conflict import effective_rank
from mazo.errors import ConfigError, DataError
from mazo.examples import Example, build_examples
from mazo.files import write_json
from mazo.masks import load_mask
from mazo.methods import ZerothOrder
from mazo.models import context_length, load_model
from mazo.probe import describe_scope, first_order_rank, mask_scopes, scope_gradients, zeroth_order_gram
from mazo.tasks import load_tasks

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BATCHES = 8
"""Batches of every task, each as large as its part of a step's batch; fewer where the training rows do not suffice."""


def run(run: Run, *, data: Path, mask: Path | None, out: Path) -> None:
    """Write noise, conflict and rank of the tasks' gradients on training rows, as JSON."""
    if mask is None or not isinstance(run.method, ZerothOrder) or run.method.adapter is not None:
        raise ConfigError(f"methods.{run.method_name}: wanted a masked run over the model's own weights")
    model, tokenizer = load_model(run.model)
    batches = probe_batches(run, tokenizer, data=data, max_length=context_length(model))
    kept = load_mask(mask)
    scopes = mask_scopes(model, kept, seed=run.seed)
    gradients = scope_gradients(model, batches, scopes)
    gram = zeroth_order_gram(
        model,
        {task: own[0] for task, own in batches.items()},
        mask=kept,
        num_directions=run.method.num_directions,
        eps=run.method.eps,
        seed=run.seed,
    )
    write_json(
        out,
        {
            "tasks": list(batches),
            "batches": len(next(iter(batches.values()))),
            "examples_per_batch": run.training.batch_per_task,
            "scopes": {name: describe_scope(gradients[name], size=scope.size) for name, scope in scopes.items()},
            "rank": {
                "first_order": round(first_order_rank(gradients["all"]), 4),
                "zeroth_order": round(effective_rank(gram), 4),
                "directions": run.method.num_directions,
            },
        },
    )


def probe_batches(
    run: Run, tokenizer: "PreTrainedTokenizerBase", *, data: Path, max_length: int
) -> dict[str, list[list[Batch]]]:
    """Draw each task's batches from its training rows, no row twice, as many of every task.

    :raises DataError: a task without rows for two batches.
    """
    examples = {name: build_examples(task, name, split="train") for name, task in load_tasks(run.tasks, data).items()}
    batch = run.training.batch_per_task
    shortest = min(examples, key=lambda task: len(examples[task]))
    if len(examples[shortest]) < 2 * batch:
        raise DataError(
            f"{data / shortest}: wanted training rows for two batches of {batch}; found {len(examples[shortest])}"
        )
    count = min(BATCHES, len(examples[shortest]) // batch)
    return {
        task: [
            _collated([own[i] for i in places], tokenizer, run=run, max_length=max_length)
            for places in _places(len(own), task=task, batch=batch, count=count, seed=run.seed)
        ]
        for task, own in examples.items()
    }


def _collated(
    examples: Sequence[Example], tokenizer: "PreTrainedTokenizerBase", *, run: Run, max_length: int
) -> list[Batch]:
    encoded = encode_examples(tokenizer, examples, task_index=0, max_length=max_length)
    return collate(encoded, pad_id=tokenizer.pad_token_id, micro_batch=run.training.micro_batch)


def _places(rows: int, *, task: str, batch: int, count: int, seed: int) -> list[list[int]]:
    return [batch_indices(rows, batch=batch, step=step, seed=seed, task=task, purpose="probe") for step in range(count)]
