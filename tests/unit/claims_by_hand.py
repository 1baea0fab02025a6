"""A whole suite's outcome written by hand: records, samples, curves and probes, with every effect chosen."""

import json
from pathlib import Path

from hand_made import CONTENT, record, suite
from samples_by_hand import write_all

from mazo.config import Suite
from mazo.files import write_json, write_text
from mazo.grid import is_trained, probe_file, run_folder, runs
from mazo.records import StageCost, write_record

METHODS = CONTENT["methods"] | {
    "famo": {"kind": "zeroth_order", "label": "FAMO", "lr": 1e-5, "weighting": "famo"},
    "adam": {"kind": "first_order", "label": "AdamW", "lr": 1e-3},
}
SEEDS = (0, 1, 2)


def outcome(**changes: object) -> dict:
    """Return the effects that write_suite writes: each in favour of its claim unless changed."""
    return {
        "right": {"mazo": 9, "mtl_zo": 5, "famo": 4, "adam": 6, "zero_shot": 2},
        "train_peak": {"mazo": 100, "mtl_zo": 100, "famo": 100, "adam": 300},
        "evaluate_peak": 100,
        "score_peak": 100,
        "score_seconds": 1.0,
        "reached": {"mazo": 200, "mtl_zo": 800, "famo": 600, "adam": 200},
        "variance_mix": 2000.0,
        "variance_kept": 100.0,
        "rank": 2.0,
        "frozen": {"cosine": -0.5, "sign": 0.6},
        "kept": {"cosine": 0.5, "sign": 0.4},
    } | changes


def hand_suite(**changes: object) -> Suite:
    return suite(**({"methods": METHODS, "statistics": {"resamples": 200}} | changes))


def write_suite(settings: Suite, results: Path, effects: dict) -> None:
    """Write every file that the claims read."""
    rows = {m: [{"rte": _items(n), "squad": _items(n)} for _ in settings.seeds] for m, n in effects["right"].items()}
    write_all(settings, results, rows)
    for run in runs(settings):
        folder, name = results / run_folder(run), run.method_name
        right = effects["right"][name] / 10
        own = record(name, run.seed, {"rte": right, "squad": right}, of=settings)
        metrics = {task: score.model_copy(update={"n": 10}) for task, score in own.metrics.items()}
        own = own.model_copy(update={"stages": _stages(name, effects), "metrics": metrics})
        write_record(own, folder / "record.json")
        if is_trained(run):
            write_text(folder / "curve.csv", _curve(effects["reached"][name]))
        if name == "mazo":
            write_json(results / probe_file(run), _probe(effects, seed=run.seed))


def _items(right: int) -> list[float]:
    return [1.0] * right + [0.0] * (10 - right)


def _stages(name: str, effects: dict) -> dict[str, StageCost]:
    stages = {"evaluate": StageCost(seconds=1.0, peak_memory=effects["evaluate_peak"])}
    if name in effects["train_peak"]:
        stages["train"] = StageCost(seconds=100.0, peak_memory=effects["train_peak"][name])
    if name == "mazo":
        stages["score"] = StageCost(seconds=effects["score_seconds"], peak_memory=effects["score_peak"])
        stages["mask"] = StageCost(seconds=0.0, peak_memory=1)
    return stages


def _curve(reached: int) -> str:
    """A dev loss of 2 that falls to 1 at a step and stays there."""
    losses = [(step, 2.0 if step < reached else 1.0) for step in range(0, 1001, 100)]
    lines = [f"{step},{task},dev,{loss}" for step, loss in losses for task in ("rte", "squad")]
    return "\n".join(["step,task,split,loss", *lines]) + "\n"


def _probe(effects: dict, *, seed: int) -> dict:
    """Every seed a little different, so that intervals are not points."""
    alone, first = 1000.0 + seed, effects["rank"] + 0.1 + 0.001 * seed
    scopes = {
        name: {
            "weights": 1000,
            "cosines": [[1.0, effects[name]["cosine"]], [effects[name]["cosine"], 1.0]],
            "sign_disagreement": [[0.0, effects[name]["sign"]], [effects[name]["sign"], 0.0]],
            "variance_alone": [alone] * 2,
            "variance_mix": effects["variance_mix"],
        }
        for name in ("kept", "frozen")
    }
    everything = dict(scopes["kept"])
    scopes["kept"] |= {"variance_alone": [effects["variance_kept"]] * 2}
    return json.loads(
        json.dumps(
            {
                "tasks": ["rte", "squad"],
                "scopes": scopes | {"all": everything},
                "rank": {"first_order": first, "zeroth_order": 1.0},
            }
        )
    )
