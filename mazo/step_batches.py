"""A run's rows, encoded, and what each of its steps sees of them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mazo.batches import Batch, EncodedExample, batch_indices, collate, encode_examples
from mazo.config import Run
from mazo.examples import build_examples
from mazo.methods import FirstOrder, ZerothOrder
from mazo.objectives import ScoredRows
from mazo.tasks import load_tasks
from mazo.weighting import WEIGHTINGS

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask
    from transformers import PreTrainedTokenizerBase


class StepBatches:
    """What the steps of a run see; runs of one seed see the same examples in the same order, whatever their method.

    :param data: Folder of all tasks' rows.
    :param max_length: The model's context, in tokens.

    Raises :class:`mazo.errors.DataError` for rows that are absent or not the task's.
    """

    def __init__(self, run: Run, tokenizer: "PreTrainedTokenizerBase", *, data: Path, max_length: int) -> None:
        self._run, loaded = run, load_tasks(run.tasks, data)
        self._collate = partial(
            to_batches,
            pad_id=tokenizer.pad_token_id,
            micro_batch=run.training.micro_batch,
            device=run.model.device,
        )
        num_dev = None if self.reads_validation else run.training.dev_examples
        self._rows, self._to_step = training_rows(run, tokenizer, loaded, max_length=max_length)
        self._dev = encode_rows(tokenizer, loaded, split="dev", max_length=max_length, count=num_dev)
        self.dev = self._collate([row for rows in self._dev.values() for row in rows[: run.training.dev_examples]])
        """What the dev loss is measured on: the first dev rows of every task."""

    @property
    def reads_validation(self) -> bool:
        """Whether the run's task weighting reads dev rows in every step."""
        method = self._run.method
        return isinstance(method, ZerothOrder | FirstOrder) and WEIGHTINGS[method.weighting].reads_validation

    def training(self, step: int) -> Any:
        """Collate a step's training rows, as many of every task, for the run's objective."""
        return self._to_step(draw(self._rows, self._run, step=step))

    def validation(self, step: int) -> list[Batch]:
        """Collate the dev rows that a step's task weighting reads."""
        return self._collate(draw(self._dev, self._run, step=step, purpose="validation"))

    def count_cut(self) -> dict[str, int]:
        """Count each task's training rows that lost tokens to the model's context."""
        return {task: sum(example.num_cut > 0 for example in rows) for task, rows in self._rows.items()}


def draw(rows: Mapping[str, Sequence[Any]], run: Run, *, step: int, purpose: str = "batches") -> list[Any]:
    """Draw a step's examples, as many of each task; see :func:`mazo.batches.batch_indices`."""
    size, seed = run.training.batch_per_task, run.seed
    return [
        rows[task][index]
        for task in run.tasks
        for index in batch_indices(len(rows[task]), batch=size, step=step, seed=seed, task=task, purpose=purpose)
    ]


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
