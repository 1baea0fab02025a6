"""Suites and records written by hand, so that a test's expected numbers can be worked out on paper."""

from mazo.config import Suite, select_run
from mazo.configfile import parse_suite
from mazo.records import Record, StageCost, TaskScore

CONTENT = {
    "suite": "hand",
    "models": {"m": {"path": "embedded:llama"}},
    "mixes": {"two": ["rte", "squad"]},
    "methods": {
        "zero_shot": {"kind": "zero_shot", "label": "Zero-shot"},
        "mtl_zo": {"kind": "zeroth_order", "lr": 1e-5},
        "mazo": {"kind": "zeroth_order", "label": "Ma_ZO & co", "lr": 1e-3, "mask": {"density": 0.1}},
    },
    "seeds": [0, 1, 2],
}


def suite(**changes: object) -> Suite:
    return parse_suite(CONTENT | changes, where="hand")


def record(method: str, seed: int, scores: dict[str, float], *, of: Suite | None = None, mix: str = "two") -> Record:
    metrics = {task: TaskScore(score=score, stderr=0.01, n=100, num_cut=0) for task, score in scores.items()}
    return Record(
        run=select_run(of or suite(), model="m", mix=mix, method=method, seed=seed),
        settings_digest="0",
        version="0",
        code_digest="0",
        libraries={},
        hardware={},
        optimizer="none",
        forwards=0,
        trained_weights=0,
        metrics=metrics,
        stages={"evaluate": StageCost(seconds=1.0, peak_memory=1)},
    )


def three_methods() -> list[Record]:
    """Zero-shot from one seed; MTL-ZO 60, 70, 80 on RTE; MaZO tied with MTL-ZO on SQuAD as shown."""
    return [
        record("zero_shot", 0, {"rte": 0.5, "squad": 0.1}),
        *(record("mtl_zo", seed, {"rte": rte, "squad": 0.25}) for seed, rte in enumerate([0.6, 0.7, 0.8])),
        *(record("mazo", seed, {"rte": 0.75, "squad": squad}) for seed, squad in enumerate([0.2499, 0.25, 0.2502])),
    ]
