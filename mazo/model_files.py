"""The files of a model: which folder a path stands for, and whether what lies there can be read."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mazo.config import ModelSettings
from mazo.errors import ModelError
from mazo.files import expanded
from mazo.reading import FAULTS

if TYPE_CHECKING:
    from torch import Tensor

EMBEDDED = Path(__file__).parent / "mini" / "models"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
"""Where transformers looks for a folder's weights: one file, or else those that an index names."""


def check_files(settings: ModelSettings) -> None:
    """Check that a model's files are there and can be read, without loading it; a hub id is checked when loaded.

    :raises ModelError: names the path, what was wanted and what was found.
    """
    folder = model_folder(settings.path)
    if folder is None:
        return
    if settings.revision is not None:
        raise ModelError(
            f"model {settings.path}: revision goes with a hub id; found {settings.revision!r} for a folder"
        )
    _check_config(folder / "config.json")
    for file in _weights(folder):
        _check_weights(file)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise ModelError(f"model {folder}: wanted a tokenizer ({', '.join(TOKENIZER_FILES)}); found {_listing(folder)}")


def model_files(settings: ModelSettings) -> list[str]:
    """List the files of a model on this disk; none for a hub id, whose revision is a setting.

    :raises ModelError: a path where no model is.
    """
    folder = model_folder(settings.path)
    if folder is None:
        return []
    return sorted(str(file) for pattern in ("*.json", "*.safetensors") for file in folder.glob(pattern))


def model_folder(path: str) -> Path | None:
    """Return the folder a path stands for, or None for a hub id."""
    if path.startswith("embedded:"):
        return _embedded(path.removeprefix("embedded:"))
    folder = expanded(path)
    if folder.is_dir():
        return folder
    if folder.exists() or not HUB_ID.fullmatch(path):
        found = "a file" if folder.exists() else "nothing"
        raise ModelError(f"model {path}: wanted a folder, a hub id, or embedded:<name>; found {found} there")
    return None


def weights_without_numbers(folder: Path) -> "dict[str, Tensor]":
    """Return a folder's weights on torch's meta device: their names and shapes, as the files' headers have them."""
    import torch
    from safetensors import safe_open

    shapes: dict[str, list[int]] = {}
    for file in _weights(folder):
        with safe_open(file, framework="pt") as tensors:
            shapes |= {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}  # noqa: SIM118 (no dict)
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def _embedded(name: str) -> Path:
    known = sorted(folder.name for folder in EMBEDDED.glob("*") if folder.is_dir())
    if name not in known:
        raise ModelError(f"model embedded:{name}: wanted one of {', '.join(known) or 'none'}; found {name!r}")
    return EMBEDDED / name


def _check_config(file: Path) -> None:
    try:
        config = json.loads(file.read_text())
        model_type = config["model_type"]
    except FileNotFoundError:
        raise ModelError(f"model {file.parent}: wanted config.json; found {_listing(file.parent)}") from None
    except FAULTS as error:
        raise ModelError(f"{file}: wanted JSON with model_type; found {first_line(error)}") from error
    if not isinstance(model_type, str):
        raise ModelError(f"{file}: model_type: wanted text; found {model_type!r}")
    if (other := config.get("transformers_weights")) is not None:
        raise ModelError(f"{file}: transformers_weights: wanted none: weights lie in {WEIGHTS}; found {other!r}")


def _weights(folder: Path) -> Iterator[Path]:
    """Give the files that a folder's weights are read from, each of them in the folder and in safetensors by its name.

    :raises ModelError: names the folder or the index, what was wanted and what was found.
    """
    if (folder / WEIGHTS).is_file():
        yield folder / WEIGHTS
        return
    index = folder / INDEX
    if not index.is_file():
        raise ModelError(
            f"model {folder}: wanted *.safetensors; found {_listing(folder)}: neither {WEIGHTS} nor its index, {INDEX}"
        )
    try:
        content = json.loads(index.read_text())
        names, _ = set(content["weight_map"].values()), content["metadata"].keys()
    except FAULTS as error:
        raise ModelError(f"{index}: wanted JSON with metadata and weight_map; found {first_line(error)}") from error
    for name in sorted(names, key=str):
        is_plain = isinstance(name, str) and name.endswith(".safetensors") and Path(name).name == name
        if not is_plain or not (folder / name).is_file():
            raise ModelError(f"{index}: weight_map: wanted names of *.safetensors files beside it; found {name!r}")
        yield folder / name


def _check_weights(file: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy"):
            pass
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file}: wanted weights in safetensors; found {first_line(error)}") from error


def _listing(folder: Path) -> str:
    return ", ".join(sorted(file.name for file in folder.iterdir())) or "an empty folder"


def first_line(error: Exception) -> str:
    """Return an error's first line, with the second where the first only leads up to it."""
    first, *rest = str(error).splitlines() or [type(error).__name__]
    return f"{first} {rest[0].strip()}" if first.endswith(":") and rest else first
