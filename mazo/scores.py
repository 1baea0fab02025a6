"""The scores that a mask is made from, and their file."""

import json
from collections.abc import Mapping
from pathlib import Path

from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mazo.digests import settings_digest
from mazo.errors import DataError
from mazo.files import appearing_whole
from mazo.reading import reading
from mazo.zeroth_order.replay import weights_checksum

FORMAT = "mazo-scores-1"
Scores = Mapping[str, Float[Tensor, "out in"]]
"""A matrix of scores a weight matrix, by its name."""


def save_scores(scores: Scores, path: Path, *, model: str) -> None:
    """Write scores as safetensors; the metadata is one JSON string: format, model, hash.

    :param model: Checksum of the weights that were scored.
    """
    about = {"format": FORMAT, "model": model, "hash": _hash(scores, model)}
    with appearing_whole(path) as beside:
        # One key: with several, safetensors writes them in an order that differs between runs.
        save_file(dict(scores), beside, metadata={"mazo": json.dumps(about)})


def load_scores(path: Path) -> tuple[Scores, str]:
    """Read scores and the checksum of the weights that were scored.

    Raises :class:`mazo.errors.DataError` where the file holds no such scores, or others than its hash says.
    """
    with reading(path, "wanted a file of scores; found none that can be read"):
        try:
            with safe_open(path, framework="pt") as file:
                about = json.loads((file.metadata() or {}).get("mazo", "{}"))
                scores = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no dict)
        except SafetensorError as error:
            raise ValueError(error) from error
        if about.get("format") != FORMAT:
            found = about.get("format", "tensors without one")
            raise DataError(f"{path}: wanted scores of format {FORMAT}; found {found}: score again")
        model, wanted = str(about["model"]), about["hash"]
    if (found := _hash(scores, model)) != wanted:
        raise DataError(f"{path}: wanted hash {wanted}; found {found}; the file is damaged, score again")
    return scores, model


def _hash(scores: Scores, model: str) -> str:
    return settings_digest([model, weights_checksum(sorted(scores.items()))])
