"""Examples to padded micro-batches, and the seeded order in which a run sees them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mazo.encoding import EncodedPair, encode_pairs
from mazo.examples import Example
from mazo.seeding import numpy_generator

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FORWARD_COST = 256
"""Tokens that cost a small model about as much as one more forward; padding below it is not worth a split."""


@dataclass(frozen=True)
class EncodedChoice:
    """An answer's tokens and where in which sequence they are predicted."""

    sequence: int
    start: int
    """Position whose output predicts the first token."""
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class EncodedExample:
    """An example as token sequences; answers that are read off one sequence share it."""

    task: int
    is_choice: bool
    """Whether the loss compares the answers, or is the right answer's alone."""
    sequences: tuple[tuple[int, ...], ...]
    choices: tuple[EncodedChoice, ...]
    gold: int
    num_cut: int = 0
    """Most tokens cut from the left of any answer's context."""

    @property
    def length(self) -> int:
        """Tokens of the longest sequence."""
        return max(map(len, self.sequences))


@dataclass(frozen=True)
class Batch:
    """A right-padded micro-batch of examples of any tasks, as the tensors the losses need."""

    input_ids: Int[Tensor, "rows length"]
    row_task: Int[Tensor, " rows"]
    places: Int[Tensor, " places"]
    """Positions, in the flattened rows, that predict some answer's token; each once."""
    token_place: Int[Tensor, "choices tokens"]
    token_id: Int[Tensor, "choices tokens"]
    token_weight: Float[Tensor, "choices tokens"]
    """One over the answer's number of tokens, 0 for padding."""
    example_choices: Int[Tensor, "examples slots"]
    is_slot: Bool[Tensor, "examples slots"]
    gold: Int[Tensor, " examples"]
    task: Int[Tensor, " examples"]
    is_choice: Bool[Tensor, " examples"]

    def to(self, device: torch.device | str) -> "Batch":
        """Return the batch on a device."""
        return Batch(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


def encode_examples(
    tokenizer: "PreTrainedTokenizerBase", examples: Sequence[Example], *, task_index: int, max_length: int
) -> list[EncodedExample]:
    """Encode examples of one task as evaluation would encode them.

    :param task_index: The task's place in the vector of losses.
    :param max_length: Most tokens of a prompt and its answer; prompts are cut from the left to fit.
    """
    used = [_used_choices(example) for example in examples]
    pairs = [(e.context, e.delimiter + choice) for e, choices in zip(examples, used, strict=True) for choice in choices]
    encoded = iter(encode_pairs(tokenizer, pairs, max_length=max_length))
    return [
        encode_example(
            [next(encoded) for _ in choices],
            task=task_index,
            is_choice=example.loss == "choices",
            gold=example.gold if example.loss == "choices" else 0,
        )
        for example, choices in zip(examples, used, strict=True)
    ]


def _used_choices(example: Example) -> tuple[str, ...]:
    return example.choices if example.loss == "choices" else (example.choices[example.gold],)


def encode_example(pairs: Sequence[EncodedPair], *, task: int, is_choice: bool, gold: int) -> EncodedExample:
    """Lay an example's answers out in as few sequences as they need.

    An answer's last token is predicted and never read, so answers of one token share their prompt.
    """
    inputs = [tuple(pair.context + pair.continuation[:-1]) for pair in pairs]
    sequences: list[tuple[int, ...]] = []
    for ids in sorted(inputs, key=len, reverse=True):
        if not any(sequence[: len(ids)] == ids for sequence in sequences):
            sequences.append(ids)
    choices = [
        EncodedChoice(
            sequence=next(i for i, sequence in enumerate(sequences) if sequence[: len(ids)] == ids),
            start=len(pair.context) - 1,
            tokens=tuple(pair.continuation),
        )
        for pair, ids in zip(pairs, inputs, strict=True)
    ]
    return EncodedExample(task, is_choice, tuple(sequences), tuple(choices), gold, max(pair.num_cut for pair in pairs))


def collate(examples: Sequence[EncodedExample], *, pad_id: int, micro_batch: int) -> list[Batch]:
    """Sort examples by length and pad them into micro-batches.

    :param pad_id: Any token; padding stands to the right and is never read.
    :param micro_batch: Most sequences in a micro-batch, unless one example has more.
    """
    ordered = sorted(examples, key=lambda example: example.length)
    groups = [part for group in _at_most(ordered, micro_batch) for part in _split_where_it_pays(group)]
    return [_pad(group, pad_id=pad_id) for group in groups]


def _at_most(ordered: Sequence[EncodedExample], rows: int) -> list[list[EncodedExample]]:
    groups: list[list[EncodedExample]] = []
    room = 0
    for example in ordered:
        if not groups or room < len(example.sequences):
            groups.append([])
            room = rows
        groups[-1].append(example)
        room -= len(example.sequences)
    return groups


def _split_where_it_pays(group: list[EncodedExample]) -> list[list[EncodedExample]]:
    """Split a sorted group in two, and those again, while the padding saved is worth another forward."""
    longest, rows, best, place = group[-1].length, 0, FORWARD_COST, 0
    for i, example in enumerate(group[:-1], start=1):
        rows += len(example.sequences)
        saved = rows * (longest - example.length)
        if saved > best:
            best, place = saved, i
    if place == 0:
        return [group]
    return _split_where_it_pays(group[:place]) + _split_where_it_pays(group[place:])


def _pad(group: list[EncodedExample], *, pad_id: int) -> Batch:
    rows = [sequence for example in group for sequence in example.sequences]
    choices = [choice for example in group for choice in example.choices]
    length = max(map(len, rows))
    first_row = np.cumsum([0] + [len(example.sequences) for example in group])
    starts = [
        (first_row[i] + choice.sequence) * length + choice.start
        for i, example in enumerate(group)
        for choice in example.choices
    ]
    counts = np.array([len(choice.tokens) for choice in choices])
    offsets = np.arange(counts.max())[None, :]
    is_token = offsets < counts[:, None]
    # Padding repeats an answer's first place, which is needed anyway, at weight 0.
    token_place = np.array(starts)[:, None] + np.where(is_token, offsets, 0)
    places, token_place_index = np.unique(token_place, return_inverse=True)
    slots = np.array([len(example.choices) for example in group])
    is_slot = np.arange(slots.max())[None, :] < slots[:, None]
    example_choices = np.where(is_slot, np.arange(slots.max())[None, :] + (np.cumsum(slots) - slots)[:, None], 0)
    return Batch(
        input_ids=torch.from_numpy(_rectangle(rows, pad_id)),
        row_task=torch.tensor([example.task for example in group for _ in example.sequences]),
        places=torch.from_numpy(places),
        token_place=torch.from_numpy(token_place_index.reshape(token_place.shape)),
        token_id=torch.from_numpy(_rectangle([choice.tokens for choice in choices], 0)),
        token_weight=torch.from_numpy((is_token / counts[:, None]).astype(np.float32)),
        example_choices=torch.from_numpy(example_choices),
        is_slot=torch.from_numpy(is_slot),
        gold=torch.tensor([example.gold for example in group]),
        task=torch.tensor([example.task for example in group]),
        is_choice=torch.tensor([example.is_choice for example in group]),
    )


def _rectangle(rows: Sequence[tuple[int, ...]], fill: int) -> np.ndarray:
    length = max(map(len, rows))
    return np.array([row + (fill,) * (length - len(row)) for row in rows], dtype=np.int64)


def batch_indices(num_rows: int, *, batch: int, step: int, seed: int, task: str, purpose: str = "batches") -> list[int]:
    """Tell which training rows of a task a step sees: epochs without repetition, each shuffled anew.

    The order depends on (seed, task, step) alone, so runs of different methods with one seed are paired, and a run can
    be taken up at any step.

    :param num_rows: Training rows of the task.
    :param batch: Rows of the task in a step.
    :param step: Number of the step, from 0.
    :param purpose: What the rows are for; another purpose has an order of its own.
    """
    places = range(step * batch, (step + 1) * batch)
    return [int(_epoch_order(num_rows, place // num_rows, seed, (purpose, task))[place % num_rows]) for place in places]


def calibration_indices(num_rows: int, *, num_examples: int, seed: int, task: str) -> list[int]:
    """Draw a task's calibration rows, in the rows' order; all of them where there are no more than ``num_examples``."""
    return sorted(numpy_generator(seed, "calibration", task).permutation(num_rows)[:num_examples].tolist())


@lru_cache(maxsize=64)
def _epoch_order(num_rows: int, epoch: int, seed: int, purpose: tuple[str, str]) -> np.ndarray:
    return numpy_generator(seed, *purpose, epoch).permutation(num_rows)
