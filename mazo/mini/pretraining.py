"""Pretrain an embedded model from nothing on the mini world's text.

The stages: dense exercises; with them, prompts with right answers only; then the mixture that makes the model able
inside and unreliable when asked (single prompts answered leaning to one side, series of examples answered right).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mazo.mini.corpus import Document, Pool
from mazo.mini.rows import GENERATORS

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

TASKS = tuple(GENERATORS)
PROBED = 64
"""Dev rows a task on which the model in training is probed."""


@dataclass(frozen=True)
class Stage:
    """A stretch of training: documents of each kind in one step."""

    steps: int
    clean: int
    """Single prompts a task with the right answer."""
    leaning: int
    """Single prompts a task with an unreliable answer."""
    series: int
    """Series of solved examples a task; the first unreliable where the stage has leaning prompts."""
    plain: int
    repeated: int
    drilled: int
    """Dense exercises in other forms than the tasks'."""
    lookups: int = 0
    """Dense exercises of finding alone."""
    asked: int = 0
    """Dense exercises in the tasks' own forms."""
    nearer: int = 0
    """The same, half of them with the answer nearer to what it depends on."""
    verified: int = 0
    """Dense exercises of verifying a proposed answer."""


def draw_step(pool: Pool, random: Random, stage: Stage) -> list[Document]:
    """Draw the documents of one step."""
    first = "unreliable" if stage.leaning else "right"
    documents = [pool.plain(random, count=4) for _ in range(stage.plain)]
    documents += [pool.repeated(random) for _ in range(stage.repeated)]
    documents += [pool.drill(random, "any") for _ in range(stage.drilled)]
    documents += [pool.drill(random, "lookup") for _ in range(stage.lookups)]
    documents += [pool.drill(random, "asked") for _ in range(stage.asked)]
    documents += [pool.drill(random, "nearer") for _ in range(stage.nearer)]
    documents += [pool.drill(random, "verified") for _ in range(stage.verified)]
    for task in TASKS:
        documents += [pool.series(random, task, count=1, first="right") for _ in range(stage.clean)]
        documents += [pool.series(random, task, count=1, first="unreliable") for _ in range(stage.leaning)]
        documents += [pool.series(random, task, count=5, first=first) for _ in range(stage.series)]
    return documents


def pad(documents: list[Document], *, tokens: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Sort documents by length and pad them into groups of at most ``tokens`` positions: ids and loss weights."""
    ordered = sorted(documents, key=lambda document: len(document[0]))
    group: list[Document] = []
    for document in ordered:
        if group and (len(group) + 1) * len(document[0]) > tokens:
            yield _stack(group)
            group = []
        group.append(document)
    yield _stack(group)


def _stack(group: list[Document]) -> tuple[Tensor, Tensor]:
    length = max(len(ids) for ids, _ in group)
    ids = torch.tensor([ids + [0] * (length - len(ids)) for ids, _ in group])
    weights = torch.tensor([weights + [0.0] * (length - len(weights)) for _, weights in group])
    return ids, weights


def weighted_loss(model: "LlamaForCausalLM", ids: Tensor, weights: Tensor) -> Tensor:
    """Sum the weighted next-token losses of a group of documents."""
    hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
    weights = weights[:, 1:].reshape(-1)
    used = weights.nonzero().squeeze(1)
    logits = model.lm_head(hidden.reshape(-1, hidden.shape[-1])[used])
    losses = torch.nn.functional.cross_entropy(logits, ids[:, 1:].reshape(-1)[used], reduction="none")
    return losses @ weights[used]
