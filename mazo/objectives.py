"""What a zeroth-order step minimises: the tasks' losses, or one minus the metrics that evaluation reports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.adapters import row_tasks
from mazo.batches import Batch, EncodedExample, collate, encode_examples
from mazo.encoding import encode_prompt
from mazo.examples import build_examples
from mazo.generation import generate, newline_ids, prompt_room
from mazo.losses import example_choice_scores, mean_by_task, task_losses

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class WrittenExample:
    """A prompt whose answer the model writes itself."""

    task: int
    prompt: tuple[int, ...]
    score: Callable[[str], float]
    """What an answer scores, from 0 to 1, by the function that evaluation calls."""
    num_cut: int
    """Tokens cut from the prompt's left."""


@dataclass(frozen=True)
class ScoredBatch:
    """The examples of a step, in micro-batches: those answered by a choice, and those answered in writing."""

    choices: Sequence[Batch]
    written: Sequence[Sequence[WrittenExample]]
    write: Callable[..., list[str]]
    """(model, prompts) to answers."""


class ScoredRows:
    """Training rows for ``objective: metric``, encoded as evaluation would encode them.

    :param max_length: The model's context, in tokens.
    :param max_new_tokens: Longest written answer, in tokens.
    :param micro_batch: Most sequences in one forward.

    Raises :class:`mazo.errors.ConfigError` for answers that leave a prompt no room.
    """

    def __init__(
        self,
        tokenizer: "PreTrainedTokenizerBase",
        *,
        max_length: int,
        max_new_tokens: int,
        micro_batch: int,
        device: str,
    ) -> None:
        self._tokenizer, self._max_length, self._micro_batch, self._device = tokenizer, max_length, micro_batch, device
        self._room = prompt_room(max_length, max_new_tokens=max_new_tokens)
        self._write = partial(generate, tokenizer=tokenizer, max_new_tokens=max_new_tokens, stop=newline_ids(tokenizer))

    def encode(self, tasks: "Mapping[str, ConfigurableTask]") -> dict[str, list[EncodedExample | WrittenExample]]:
        """Encode every task's training rows; the task's place in ``tasks`` is its place in the losses."""
        return {name: self._encode(task, name, task_index=index) for index, (name, task) in enumerate(tasks.items())}

    def _encode(self, task: "ConfigurableTask", name: str, *, task_index: int) -> list[EncodedExample | WrittenExample]:
        if task.OUTPUT_TYPE == "generate_until":
            return [self._written(task, doc, task_index=task_index) for doc in task.dataset["train"]]
        # All the choices, whatever the task's loss: COPA is trained by its right answer and scored by both.
        examples = [replace(example, loss="choices") for example in build_examples(task, name, split="train")]
        return [*encode_examples(self._tokenizer, examples, task_index=task_index, max_length=self._max_length)]

    def _written(self, task: "ConfigurableTask", doc: dict, *, task_index: int) -> WrittenExample:
        ids, num_cut = encode_prompt(self._tokenizer, task.doc_to_text(doc), max_length=self._room)
        return WrittenExample(task_index, tuple(ids), lambda text: task.process_results(doc, [text])["score"], num_cut)

    def batch(self, examples: Sequence[EncodedExample | WrittenExample]) -> ScoredBatch:
        """Put a step's examples into micro-batches."""
        chosen = [example for example in examples if isinstance(example, EncodedExample)]
        written = [example for example in examples if isinstance(example, WrittenExample)]
        written.sort(key=lambda example: len(example.prompt))
        batches = collate(chosen, pad_id=self._tokenizer.pad_token_id, micro_batch=self._micro_batch)
        return ScoredBatch(
            choices=[batch.to(self._device) for batch in batches],
            written=[written[i : i + self._micro_batch] for i in range(0, len(written), self._micro_batch)],
            write=self._write,
        )


def metric_losses(model: "PreTrainedModel", batch: ScoredBatch, *, num_tasks: int) -> Float[Tensor, " tasks"]:
    r"""Compute one minus each task's mean score: accuracy of choices, F1 of written answers (MeZO).

    A choice is right where its mean log-probability per token is the highest, the first of equals, as in evaluation.
    The values go in steps: with n examples a task's accuracy is a multiple of 1 / n, so its projected gradient is 0,
    which it is exactly where no answer changes between the two points, or at least :math:`1 / (2 n \epsilon)` in size.
    """
    errors, task = [], []
    for micro_batch in batch.choices:
        chosen = example_choice_scores(model, micro_batch).argmax(1)
        errors += (chosen != micro_batch.gold).float().tolist()
        task += micro_batch.task.tolist()
    for group in batch.written:
        tasks = torch.tensor([example.task for example in group], device=model.device)
        with row_tasks(tasks):
            answers = batch.write(model, prompts=[list(example.prompt) for example in group])
        errors += [1.0 - example.score(answer) for example, answer in zip(group, answers, strict=True)]
        task += [example.task for example in group]
    return mean_by_task(torch.tensor(errors), torch.tensor(task), num_tasks=num_tasks)


OBJECTIVES: dict[str, Callable[..., Float[Tensor, " tasks"]]] = {"loss": task_losses, "metric": metric_losses}
