"""How well a model in training answers: alone and as the fifth of a series, on rows of the dev split it never saw."""

from random import Random

import torch
from torch import Tensor

from mazo.mini.corpus import Item, Pool
from mazo.mini.pretraining import TASKS

SOLVED_BEFORE = {"alone": 0, "series": 4}


@torch.no_grad()
def probe(model: torch.nn.Module, pool: Pool, *, examples: int) -> dict[str, float]:
    """Measure the share of right answers of each task, alone (``alone_``) and after four solved ones (``series_``).

    The answer with the highest mean log-probability is taken; for SQuAD there are two, of the same kind.
    """
    model.eval()
    found = {}
    for kind, before in SOLVED_BEFORE.items():
        for task in TASKS:
            random = Random(f"probe {task}")  # noqa: S311
            items = pool.held_out[task][:examples]
            shown = [_context(pool, random.sample(pool.items[task], before)) for _ in items]
            hits = [choice == item.gold for choice, item in zip(_decide(model, shown, items), items, strict=True)]
            found[f"{kind}_{task}"] = round(sum(hits) / len(hits), 3)
    model.train()
    return found


def _context(pool: Pool, solved: list[Item]) -> list[int]:
    ids = [pool.bos]
    for item in solved:
        ids += [*item.prompt, *item.answers[item.gold], *pool.blank]
    return ids


def _decide(model: torch.nn.Module, shown: list[list[int]], items: list[Item]) -> list[int]:
    scores = []
    for choice in range(len(items[0].answers)):
        rows = [
            (s + item.prompt + item.answers[choice], len(item.answers[choice]))
            for s, item in zip(shown, items, strict=True)
        ]
        length = max(len(ids) for ids, _ in rows)
        ids = torch.tensor([ids + [0] * (length - len(ids)) for ids, _ in rows])
        logits = model(input_ids=ids, use_cache=False).logits.log_softmax(2)
        scores.append([_mean_log_probability(logits[i], ids, size) for i, (ids, size) in enumerate(rows)])
    return [max(range(len(column)), key=column.__getitem__) for column in zip(*scores, strict=True)]


def _mean_log_probability(log_probabilities: Tensor, ids: list[int], size: int) -> float:
    places = torch.arange(len(ids) - size, len(ids))
    return log_probabilities[places - 1, torch.tensor(ids)[places]].mean().item()
