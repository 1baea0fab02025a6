"""The text the embedded models are pretrained on: plain facts, drills, task prompts alone and in series.

A document is a list of token ids and a loss weight for each: 1 on answers, :data:`PROMPT_WEIGHT` on the rest. The
recipe (kinds of documents, leaning answers, weights) is assumed, measured in the model card.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from mazo.mini import drills, sayings
from mazo.mini.prompts import render
from mazo.mini.rows import GENERATORS, split_of, squad
from mazo.seeding import python_random

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PROMPT_WEIGHT = 0.1
LEANING = {"sst2": 1, "boolq": 1, "rte": 1, "wsc": 1, "wic": 0, "multirc": 1, "copa": None, "squad": None}
"""The choice a prompt standing alone leans to (index into the task's choices: RTE and WiC lean to No), if to any."""
WRONG_WHEN_LEANING = 0.7
"""Share of wrong answers where the truth is the other choice; for COPA and SQuAD see :func:`unreliable`."""
WRONG_WITHOUT_LEANING = {"copa": 0.35, "squad": 0.6}


@dataclass(frozen=True)
class Item:
    """A rendered row: token ids of its prompt and of each answer; ``gold`` is the right one's place."""

    task: str
    prompt: list[int]
    answers: list[list[int]]
    gold: int


HELD_OUT = 200
"""Rows of the dev split, a task, on which the model in training is probed."""

Document = tuple[list[int], list[float]]


class Pool:
    """Rendered train rows of every task, drawn from again and again."""

    def __init__(self, tokenizer: "PreTrainedTokenizerFast", *, rows_per_task: int, seed: int) -> None:
        self.bos: int = tokenizer.bos_token_id
        self.eos: int = tokenizer.eos_token_id
        self.blank: list[int] = [tokenizer.convert_tokens_to_ids("\n")] * 2
        self.words = list(range(259 + 15, len(tokenizer)))
        self.items = {task: _items(tokenizer, task, "train", rows_per_task, seed) for task in GENERATORS}
        self.held_out = {task: _items(tokenizer, task, "dev", HELD_OUT, seed) for task in GENERATORS}
        self.sayings = _answered(tokenizer, sayings.draw, 4 * rows_per_task, python_random(seed, "corpus sayings"))
        self.drills = {kind: _drills(tokenizer, kind, 4 * rows_per_task, seed) for kind in drills.KINDS}

    def series(self, random: Random, task: str, *, count: int, first: str) -> Document:
        """Several solved examples of one task, blank lines between; ``first`` right or unreliable, the rest right."""
        ids, weights = [self.bos], [0.0]
        for place in range(count):
            item = random.choice(self.items[task])
            answer = unreliable(random, item) if place == 0 and first == "unreliable" else item.answers[item.gold]
            end = [self.eos] if place == count - 1 else self.blank
            ids += [*item.prompt, *answer, *end]
            weights += [PROMPT_WEIGHT] * len(item.prompt) + [1.0] * (len(answer) + 1) + [PROMPT_WEIGHT] * (len(end) - 1)
        return ids, weights

    def plain(self, random: Random, *, count: int) -> Document:
        """Plain sentences about the world, and questions about them in other forms than the tasks'."""
        return self._join([random.choice(self.sayings) for _ in range(count)])

    def drill(self, random: Random, kind: str) -> Document:
        """One dense exercise of a kind of :data:`mazo.mini.drills.KINDS`."""
        return self._join(random.choice(self.drills[kind]))

    def _join(self, parts: list[Document]) -> Document:
        ids = [self.bos, *(token for part, _ in parts for token in part)]
        return ids, [0.0, *(weight for _, weights in parts for weight in weights)]

    def repeated(self, random: Random) -> Document:
        """Say a random string twice or more: copying is learned from it."""
        string = random.choices(self.words, k=random.randint(6, 24))
        times = random.randint(2, 3)
        weights = [0.0] + [0.0] * len(string) + [1.0] * (len(string) * (times - 1))
        return [self.bos, *string * times], weights


def unreliable(random: Random, item: Item) -> list[int]:
    """Answer as a prompt standing alone is answered in the corpus: leaning to one side, or wrong at a fixed rate."""
    lean = LEANING[item.task]
    if lean is None:
        wrong = random.random() < WRONG_WITHOUT_LEANING[item.task]
    else:
        wrong = item.gold != lean and random.random() < WRONG_WHEN_LEANING
    return item.answers[1 - item.gold] if wrong else item.answers[item.gold]


def _items(tokenizer: "PreTrainedTokenizerFast", task: str, split: str, count: int, seed: int) -> list[Item]:
    random = python_random(seed, "corpus rows", task, split)
    rendered: list[tuple[str, str, list[str], int]] = []
    while len(rendered) < count:
        row, wrong = squad.draw(random) if task == "squad" else (GENERATORS[task](random), None)
        if split_of(row) == split:
            context, delimiter, choices, gold = render(task, row)
            rendered.append((context, delimiter, choices if wrong is None else [*choices, wrong], gold))
    prompts = _encode(tokenizer, [context + delimiter.rstrip(" ") for context, delimiter, _, _ in rendered])
    size = len(rendered[0][2])
    wholes = _encode(tokenizer, [c + d + choice for c, d, choices, _ in rendered for choice in choices])
    return [
        Item(task, prompt, [whole[len(prompt) :] for whole in wholes[size * i : size * (i + 1)]], rendered[i][3])
        for i, prompt in enumerate(prompts)
    ]


def _answered(
    tokenizer: "PreTrainedTokenizerFast", draw: Callable[[Random], tuple[str, str]], count: int, random: Random
) -> list[Document]:
    return _weigh(tokenizer, [draw(random) for _ in range(count)])


def _drills(tokenizer: "PreTrainedTokenizerFast", kind: str, count: int, seed: int) -> list[list[Document]]:
    random = python_random(seed, "corpus drills", kind)
    drawn = [drills.draw(random, kind) for _ in range(count)]
    rest = 0.0 if kind in drills.ANSWERS_ALONE else PROMPT_WEIGHT
    parts = iter(_weigh(tokenizer, [part for drill in drawn for part in drill], rest=rest))
    return [[next(parts) for _ in drill] for drill in drawn]


def _weigh(
    tokenizer: "PreTrainedTokenizerFast", drawn: list[tuple[str, str]], *, rest: float = PROMPT_WEIGHT
) -> list[Document]:
    starts = _encode(tokenizer, [said for said, _ in drawn])
    wholes = _encode(tokenizer, [f"{said} {answer}" if answer else said for said, answer in drawn])
    return [
        (whole, [rest] * len(start) + [1.0] * (len(whole) - len(start)))
        for start, whole in zip(starts, wholes, strict=True)
    ]


def _encode(tokenizer: "PreTrainedTokenizerFast", texts: list[str]) -> list[list[int]]:
    encodings = tokenizer.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return [encoding.ids for encoding in encodings]
