"""How long a task's inputs are for a model, and how many of them do not fit its context."""

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from mazo.batches import encode_examples
from mazo.data import SPLITS
from mazo.encoding import encode_prompt
from mazo.examples import build_examples
from mazo.generation import prompt_room
from mazo.tasks import load_tasks

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask
    from transformers import PreTrainedTokenizerBase


class Input(NamedTuple):
    """One row as a model reads it."""

    tokens: int
    """Tokens of its longest sequence before any cut; of a prompt that the model continues, the prompt's alone."""
    read: int
    """Tokens of all its sequences after the cut: what one forward of it reads, padding apart."""
    num_cut: int
    """Tokens cut from the left of its prompt."""


def measure_lengths(
    tokenizer: "PreTrainedTokenizerBase",
    task: str,
    *,
    data: Path,
    max_length: int,
    max_new_tokens: int,
) -> dict[str, dict[str, int | float]]:
    """Measure every split of a task: rows, rows cut, tokens cut, and the tokens of a row.

    Train and dev rows are measured with their answers, as training reads them; test rows as the evaluation does.

    :param data: Folder of all tasks, as ``mazo prepare`` wrote it.
    :param max_length: The model's context, in tokens.
    :param max_new_tokens: Room that a written answer needs, in tokens.
    """
    loaded = load_tasks([task], data, evaluated="test")[task]
    room = prompt_room(max_length, max_new_tokens=max_new_tokens) if _is_written(loaded) else max_length
    return {
        split: _summary(
            _prompts(tokenizer, loaded, task, room=room)
            if split == "test" and _is_written(loaded)
            else _examples(tokenizer, loaded, task, split=split, max_length=max_length)
        )
        for split in SPLITS
    }


def _is_written(task: "ConfigurableTask") -> bool:
    return task.config.output_type == "generate_until"


def _examples(
    tokenizer: "PreTrainedTokenizerBase", task: "ConfigurableTask", name: str, *, split: str, max_length: int
) -> list[Input]:
    examples = build_examples(task, name, split=split)
    encoded = encode_examples(tokenizer, examples, task_index=0, max_length=max_length)
    return [Input(e.length + e.num_cut, sum(map(len, e.sequences)), e.num_cut) for e in encoded]


def _prompts(tokenizer: "PreTrainedTokenizerBase", task: "ConfigurableTask", name: str, *, room: int) -> list[Input]:
    contexts = [example.context for example in build_examples(task, name, split="test")]
    encoded = [encode_prompt(tokenizer, context, max_length=room) for context in contexts]
    return [Input(len(ids) + num_cut, len(ids), num_cut) for ids, num_cut in encoded]


def _summary(inputs: list[Input]) -> dict[str, int | float]:
    return {
        "rows": len(inputs),
        "cut": sum(row.num_cut > 0 for row in inputs),
        "tokens_cut": sum(row.num_cut for row in inputs),
        "mean_tokens": round(fmean(row.tokens for row in inputs), 3),
        "most_tokens": max(row.tokens for row in inputs),
        "mean_read": round(fmean(row.read for row in inputs), 3),
    }
