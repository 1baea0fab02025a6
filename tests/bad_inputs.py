"""Suites that cannot run, each with the words its message must hold: one list for every door they may come in by."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors.numpy import load_file, save_file

ROW = {"premise": "Ann is here.", "hypothesis": "Ann is away.", "label": 1}
CANARY = "canary"
"""The file that a crafted input would make."""
METHODS = {"mtl_zo": {"kind": "zeroth_order", "lr": 1e-3}}


@dataclass(frozen=True)
class BadInput:
    """Changes to a suite that is fine, and what its message names."""

    name: str
    changes: Callable[[Path], dict]
    words: tuple[str, ...]
    is_slow: bool = False
    """Whether finding it takes the libraries that load models, which a process of its own imports for seconds."""


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


class Crafted:
    """What runs a command where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple:
        return os.system, (f"touch '{self._folder / CANARY}'",)


def pickle_for_weights(name: str) -> Callable[[Path], dict]:
    def change(folder: Path) -> dict:
        (folder / "model" / "model.safetensors").unlink()
        (folder / "model" / name).write_bytes(pickle.dumps(Crafted(folder)))
        return {}

    return change


def index_to(name: str) -> Callable[[Path], dict]:
    """Have an index say that the weights lie in a file, beside safetensors that nothing reads, and a pickle."""

    def change(folder: Path) -> dict:
        model = folder / "model"
        (model / "model.safetensors").rename(model / "other.safetensors")
        (model / "pytorch_model.bin").write_bytes(pickle.dumps(Crafted(folder)))
        index = {"metadata": {}, "weight_map": {"model.embed_tokens.weight": name}}
        (model / "model.safetensors.index.json").write_text(json.dumps(index))
        return {}

    return change


def configured(**changes: object) -> Callable[[Path], dict]:
    """Change the model's configuration."""

    def change(folder: Path) -> dict:
        file = folder / "model" / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))
        return {}

    return change


def tokenizer_of_a_list(folder: Path) -> dict:
    (folder / "model" / "tokenizer_config.json").write_text("[]")
    return {}


def weights_changed(change: Callable[[dict], dict]) -> Callable[[Path], dict]:
    """Write the model's weights anew, some of them or by other names."""

    def write(folder: Path) -> dict:
        file = folder / "model" / "model.safetensors"
        save_file(change(load_file(file)), file, metadata={"format": "pt"})
        return {}

    return write


def renamed(key: str, name: str) -> Callable[[Path], dict]:
    """Give the one entry under a key another name, or the suite."""
    entry = {"models": {"path": "embedded:llama"}, "mixes": ["rte"], "methods": METHODS["mtl_zo"]}
    return lambda folder: {key: name if key == "suite" else {name: entry[key]}}


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
    BadInput("pickle alone", pickle_for_weights("pytorch_model.bin"), ("models.m.path", "wanted *.safetensors")),
    BadInput(
        "pickle by another name", pickle_for_weights("model.safetensors"), ("model.safetensors: wanted weights in",)
    ),
    BadInput(
        "index of a pickle",
        index_to("pytorch_model.bin"),
        ("models.m.path", "index.json: weight_map: wanted names of *.safetensors files", "found 'pytorch_model.bin'"),
    ),
    BadInput(
        "index out of the folder",
        index_to("../model/other.safetensors"),
        ("models.m.path", "index.json: weight_map: wanted", "found '../model/other.safetensors'"),
    ),
    BadInput(
        "pickle by the configuration",
        configured(transformers_weights="adapter_model.bin"),
        ("models.m.path", "config.json: transformers_weights: wanted none", "found 'adapter_model.bin'"),
    ),
    BadInput(
        "model without one of its weights",
        weights_changed(lambda weights: {name: w for name, w in weights.items() if name != "model.norm.weight"}),
        ("models.m.path", "wanted all weights", "config.json", "found none named model.norm.weight"),
        is_slow=True,
    ),
    BadInput(
        "weights by other names",
        weights_changed(lambda weights: {f"zzz.{name}": w for name, w in weights.items()}),
        ("models.m.path", "found none named lm_head.weight, model.embed_tokens.weight,", "and 36 more"),
        is_slow=True,
    ),
    BadInput(
        "model of more layers than weights",
        configured(num_hidden_layers=5),
        ("models.m.path", "found none named model.layers.4.input_layernorm.weight", "and 6 more"),
        is_slow=True,
    ),
    BadInput(
        "weights of another shape",
        configured(intermediate_size=255),
        ("models.m.path", "wanted weights of the shapes", "mlp.down_proj.weight (128, 256) for (128, 255)"),
    ),
    BadInput(
        "size below zero",
        configured(hidden_size=-5),
        ("models.m.path", "wanted a causal language model", "hidden size (-5)"),
        is_slow=True,
    ),
    BadInput(
        "size that is no number",
        configured(hidden_size="x"),
        ("models.m.path", "wanted a causal language model", "'hidden_size' expected int, got str (value: 'x')"),
        is_slow=True,
    ),
    BadInput("tokenizer of a list", tokenizer_of_a_list, ("models.m.path", "wanted a causal language model"), True),
    BadInput(
        "model in no one's home",
        lambda f: {"models": {"m": {"path": "~nosuchuser/x"}}},
        ("models.m.path", "wanted a folder", "~nosuchuser/x"),
    ),
    BadInput(
        "data in no one's home",
        lambda f: {"data": {"source": "folder", "data_dir": "~nosuchuser/x"}},
        ("data.data_dir", "found no folder ~nosuchuser/x"),
    ),
    BadInput(
        "device without numbers",
        lambda f: {"models": {"m": {"path": "embedded:llama", "device": "meta"}}},
        ("models.m.device", "found 'meta'"),
    ),
    BadInput("suite out of results", renamed("suite", "../../other"), ("suite: ", "found '../../other'")),
    BadInput("method out of results", renamed("methods", "../zo"), ("methods.../zo: ", "found '../zo'")),
    BadInput("model out of results", renamed("models", "/tmp/m"), ("models./tmp/m: ", "found '/tmp/m'")),
    BadInput(
        "command in a method", renamed("methods", f"$(touch {CANARY})"), (f"methods.$(touch {CANARY}): ", "pattern")
    ),
    BadInput("command in a mix", renamed("mixes", f"a;touch {CANARY}"), (f"mixes.a;touch {CANARY}: ", "pattern")),
    BadInput("model without weights", model_without_weights, ("models.m.path", "safetensors")),
]
