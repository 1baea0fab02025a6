"""One's own tasks, plain rows a task, as batches with an equal share of every task in every step."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.batches import Batch, EncodedExample, batch_indices, calibration_indices, collate, encode_examples
from mazo.errors import ConfigError, DataError
from mazo.examples import Example
from mazo.losses import task_losses
from mazo.models import context_length

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

OwnLoss = Callable[[Any, Sequence[Any]], Tensor | float]


class TaskMix:
    """Tasks trained together: what a step sees, and each task's loss on it.

    A row is a pair (prompt, answer), trained by the answer's mean negative log-probability per token (teacher forcing),
    or an :class:`mazo.examples.Example`, which may have answers to choose from. Prompts that are too long for the model
    lose tokens from the left. Every task is read in shuffled epochs; what a step sees follows from (seed, task, step).

    :param model: A Hugging Face causal language model; rows are encoded to fit it, and its device is the batches'.
    :param tasks: Each task's rows, by name. The order of the tasks is that of the losses.
    :param batch_per_task: Rows of every task in a step.
    :param micro_batch: Most sequences in one forward; the losses are the same whatever it is, up to rounding.
    :param delimiter: What stands between the prompt and the answer of a pair.
    :param own_losses: Tasks with a loss of their own, (model, the step's rows) to a number, which need not have a
        gradient. Their rows may be anything; they take no part in :meth:`calibration`.

    Raises :class:`mazo.errors.DataError` for a task without rows or a row of another form, and
    :class:`mazo.errors.ConfigError` for a loss of no task.
    """

    def __init__(
        self,
        model: "PreTrainedModel",
        tokenizer: "PreTrainedTokenizerBase",
        tasks: Mapping[str, Sequence[Any]],
        *,
        batch_per_task: int = 8,
        micro_batch: int = 64,
        seed: int = 0,
        delimiter: str = " ",
        own_losses: Mapping[str, OwnLoss] | None = None,
    ) -> None:
        self.tasks = list(tasks)
        self._rows, self._own, self._model = dict(tasks), dict(own_losses or {}), model
        if unknown := set(self._own) - set(tasks):
            raise ConfigError(f"own_losses: wanted names of tasks ({', '.join(tasks)}); found {', '.join(unknown)}")
        if empty := [name for name, rows in tasks.items() if not rows] or ([] if tasks else ["no task"]):
            raise DataError(f"tasks: wanted rows for every task; found none for {', '.join(empty)}")
        self._batch_per_task, self._micro_batch, self._seed = batch_per_task, micro_batch, seed
        self._pad_id = 0 if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        self._encoded = {
            name: encode_examples(
                tokenizer,
                [_example(row, name, place, delimiter) for place, row in enumerate(rows)],
                task_index=self.tasks.index(name),
                max_length=context_length(model),
            )
            for name, rows in tasks.items()
            if name not in self._own
        }
        self._step, self._batches = -1, list[Batch]()

    def batches(self, step: int) -> list[Batch]:
        """Collate a step's rows of every task but those with a loss of their own; the last step's are kept."""
        if step != self._step:
            chosen = [rows[i] for name, rows in self._encoded.items() for i in self._indices(name, step)]
            self._step, self._batches = step, self._collate(chosen)
        return self._batches

    def rows(self, step: int, task: str) -> list[Any]:
        """Return a step's rows of a task, as they were given."""
        return [self._rows[task][i] for i in self._indices(task, step)]

    def losses(self, step: int) -> Float[Tensor, " tasks"]:
        """Compute each task's mean loss on a step's rows at the model's present weights, as a closure does."""
        shared = task_losses(self._model, self.batches(step), num_tasks=len(self.tasks)) if self._encoded else ()
        losses = [
            self._own[name](self._model, self.rows(step, name)) if name in self._own else shared[index]
            for index, name in enumerate(self.tasks)
        ]
        return torch.stack([torch.as_tensor(loss, dtype=torch.float32, device=self._model.device) for loss in losses])

    def calibration(self, num_examples: int = 64) -> dict[str, list[Batch]]:
        """Draw and collate each task's calibration rows, for :func:`mazo.importance.score_tasks`.

        :param num_examples: Rows a task, or all where there are fewer.

        Raises :class:`mazo.errors.ConfigError` where every task has a loss of its own.
        """
        if not self._encoded:
            raise ConfigError("calibration: wanted a task without a loss of its own; found none")
        drawn = {
            name: calibration_indices(len(rows), num_examples=num_examples, seed=self._seed, task=name)
            for name, rows in self._encoded.items()
        }
        return {name: self._collate([self._encoded[name][i] for i in places]) for name, places in drawn.items()}

    def _indices(self, task: str, step: int) -> list[int]:
        return batch_indices(len(self._rows[task]), batch=self._batch_per_task, step=step, seed=self._seed, task=task)

    def _collate(self, examples: Sequence[EncodedExample]) -> list[Batch]:
        collated = collate(examples, pad_id=self._pad_id, micro_batch=self._micro_batch)
        return [batch.to(self._model.device) for batch in collated]


def _example(row: object, task: str, place: int, delimiter: str) -> Example:
    match row:
        case Example():
            return row
        case (str(prompt), str(answer)) if answer:
            return Example(task, "target", context=prompt, delimiter=delimiter, choices=(answer,), gold=0)
    raise DataError(f"{task}, row {place}: wanted a pair (prompt, answer) of texts or an Example; found {row!r:.80}")
