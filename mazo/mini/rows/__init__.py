"""Seeded rows of the eight tasks in their official fields; train, dev and test are disjoint by content.

A row's split follows from the hash of its content, so rows of different splits never meet, whatever the seeds; the
embedded models' corpus takes rows of the train split alone.
"""

import json
from collections.abc import Callable
from hashlib import blake2b
from random import Random

from mazo.mini.rows import boolq, copa, multirc, rte, squad, sst2, wic, wsc
from mazo.seeding import python_random

GENERATORS: dict[str, Callable[[Random], dict]] = {
    module.__name__.rsplit(".", 1)[-1]: module.generate for module in (sst2, boolq, rte, wsc, wic, multirc, copa, squad)
}
SHARES = (("train", 192), ("dev", 224), ("test", 256))
"""A content hash's first byte below 192 means train, below 224 dev, else test."""


def content(row: dict) -> dict:
    """Return what must not stand in two splits: the fields without the label; of choices, the right one alone."""
    told = {key: value for key, value in row.items() if key not in ("label", "choice1", "choice2")}
    return told | {"right": row[("choice1", "choice2")[row["label"]]]} if "choice1" in row else told


def split_of(row: dict) -> str:
    """Tell which split a row's content belongs to."""
    byte = blake2b(json.dumps(content(row), sort_keys=True).encode(), digest_size=1).digest()[0]
    return next(split for split, bound in SHARES if byte < bound)


def generate_rows(task: str, *, split: str, count: int, seed: int) -> list[dict]:
    """Generate distinct rows of one split.

    :param count: Rows wanted.
    :param seed: Seed of the rows; another seed gives other rows of the same split.
    :raises ValueError: when the world has too few distinct rows.
    """
    random = python_random(seed, "mini rows", task, split)
    rows: dict[str, dict] = {}
    for _ in range(200 * count):
        row = GENERATORS[task](random)
        if split_of(row) == split:
            rows.setdefault(json.dumps(row, sort_keys=True), row)
            if len(rows) == count:
                return list(rows.values())
    raise ValueError(f"{task}: the mini world gave {len(rows)} distinct {split} rows; {count} wanted")
