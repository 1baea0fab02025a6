"""Suites that cannot run, each with the words its message must hold: one list for every door they may come in by."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROW = {"premise": "Ann is here.", "hypothesis": "Ann is away.", "label": 1}
METHODS = {"mtl_zo": {"kind": "zeroth_order", "lr": 1e-3}}


@dataclass(frozen=True)
class BadInput:
    """Changes to a suite that is fine, and what its message names."""

    name: str
    changes: Callable[[Path], dict]
    words: tuple[str, ...]


def good_suite(folder: Path) -> dict:
    """A suite over one folder of rows and one of a model, both fine."""
    for split in ("train", "validation"):
        write_rows(folder / "rows" / "rte" / f"{split}.jsonl", [ROW | {"premise": f"{split} {i}"} for i in range(6)])
    embedded = Path(__file__).resolve().parents[1] / "mazo" / "mini" / "models" / "llama"
    shutil.copytree(embedded, folder / "model", dirs_exist_ok=True)
    return {
        "suite": "bad",
        "models": {"m": {"path": str(folder / "model")}},
        "mixes": {"one": ["rte"]},
        "methods": METHODS,
        "seeds": [0],
        "data": {"source": "folder", "data_dir": str(folder / "rows"), "train": 4, "dev": 2, "test": 4},
    }


def write_rows(file: Path, rows: list[dict]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def row_without_field(folder: Path) -> dict:
    write_rows(folder / "rows" / "rte" / "train.jsonl", [ROW, {"premise": "Ann is here.", "label": 0}])
    return {}


def unreadable_model(folder: Path) -> dict:
    (folder / "model" / "config.json").write_text("{")
    return {}


def model_without_weights(folder: Path) -> dict:
    (folder / "model" / "model.safetensors").unlink()
    return {}


def method(**settings: object) -> Callable[[Path], dict]:
    return lambda folder: {"methods": {"mtl_zo": METHODS["mtl_zo"] | settings}}


BAD_INPUTS = [
    BadInput("unknown key", lambda f: {"trainig": {}}, ("trainig", "accepted", "training")),
    BadInput("unknown method", method(kind="mezo"), ("methods.mtl_zo.kind", "zeroth_order", "found 'mezo'")),
    BadInput("unknown task", lambda f: {"mixes": {"one": ["cola"]}}, ("mixes.one.0", "'sst2'", "found 'cola'")),
    BadInput(
        "unknown model",
        lambda f: {"models": {"m": {"path": "embedded:gpt"}}},
        ("models.m.path", "embedded:gpt", "wanted one of llama"),
    ),
    BadInput("wrong type", method(lr="fast"), ("methods.mtl_zo.lr", "number", "found 'fast'")),
    BadInput("out of range", method(eps=-1.0), ("methods.mtl_zo.eps", "greater than 0", "found -1.0")),
    BadInput(
        "missing data folder",
        lambda f: {"data": {"source": "folder", "data_dir": str(f / "gone")}},
        ("data.data_dir", "gone", "train.jsonl"),
    ),
    BadInput("row without a field", row_without_field, ("rte/train.jsonl:2", "'hypothesis'", "found premise, label")),
    BadInput(
        "missing model folder",
        lambda f: {"models": {"m": {"path": str(f / "gone")}}},
        ("models.m.path", "gone"),
    ),
    BadInput("unreadable model", unreadable_model, ("models.m.path", "config.json")),
    BadInput("model without weights", model_without_weights, ("models.m.path", "safetensors")),
]
