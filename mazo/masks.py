"""Which weights are trained: row-wise masks from scores, their file, and how two masks overlap."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_tensors
from torch import Tensor

from mazo.errors import MaskError
from mazo.files import write_bytes
from mazo.gaps import Gaps, GapsByName

FORMAT = "mazo-mask-1"


@dataclass(frozen=True)
class Mask:
    """The kept (trained) weights of some matrices; every other weight of the model is frozen.

    :param kept: Flat positions row * in + column of each matrix's kept weights, ascending.
    :param shapes: (out, in) of each matrix.
    :param settings: What made the mask (rule, density, score settings), for the record alone.

    Raises :class:`mazo.errors.MaskError` for positions that do not ascend or lie outside their matrix.
    """

    kept: Mapping[str, Int[Tensor, " kept"]]
    shapes: Mapping[str, tuple[int, int]]
    settings: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.kept, GapsByName):
            try:
                gaps = {name: Gaps.of(positions) for name, positions in self.kept.items()}
            except ValueError as error:
                raise MaskError(f"mask: {error}") from error
            object.__setattr__(self, "kept", GapsByName(gaps))
        for name, positions in self.gaps.items():
            if name not in self.shapes:
                raise MaskError(f"mask: {name}: wanted a shape for every matrix; found none")
            if positions.end > (weights := self.shapes[name][0] * self.shapes[name][1]):
                raise MaskError(f"mask: {name}: wanted positions below {weights}, found {positions.end - 1}")

    @property
    def gaps(self) -> Mapping[str, Gaps]:
        """The kept positions as they are held, a byte or two each; ``kept`` works them out."""
        assert isinstance(self.kept, GapsByName)
        return self.kept.gaps

    @property
    def num_kept(self) -> int:
        """How many weights are kept."""
        return sum(map(len, self.gaps.values()))

    @property
    def density(self) -> float:
        """Share of the covered weights that are kept, counted."""
        return self.num_kept / sum(rows * columns for rows, columns in self.shapes.values())

    def summary(self) -> dict[str, object]:
        """Return the rule that made the mask, its density as counted, and its hash."""
        return {"rule": self.settings.get("rule"), "density": round(self.density, 6), "hash": self.hash()}

    def hash(self) -> str:
        """Return the SHA-256 over names, sorted, shapes and kept positions; settings and storage play no part."""
        digest = hashlib.sha256()
        for name in sorted(self.kept):
            digest.update(json.dumps([name, self.shapes[name]]).encode())
            digest.update(self.kept[name].numpy().astype("<i8", copy=False).data)
        return digest.hexdigest()

    def check_fits(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raise :class:`mazo.errors.MaskError` unless ``shapes`` holds every masked matrix with its shape."""
        for name, shape in self.shapes.items():
            if name not in shapes:
                raise MaskError(f"mask: wanted a parameter {name!r}; found none of that name in the model")
            if tuple(shapes[name]) != tuple(shape):
                raise MaskError(
                    f"mask: {name}: wanted the mask's shape {shape}, found {tuple(shapes[name])} in the model"
                )


def top_k_per_row(scores: Float[Tensor, "out in"], *, density: float) -> Bool[Tensor, "out in"]:
    r"""Mark the highest scores of every row as trainable (MaZO [paper]).

    .. math:: M_{ij} = 1 \iff S_{ij} \text{ is among the } k \text{ largest of } S_{i\cdot}

    - :math:`S` is the importance score, a row per output unit;
    - :math:`k = \mathrm{round}(\text{density} \cdot n_\text{in})`, at least 1.

    Ties go to the lower column, so equal scores give equal masks on every machine.

    :param density: Share of weights kept, in (0, 1].

    Raises :class:`mazo.errors.MaskError` for a score that is not finite, or a density out of range.
    """
    if not 0 < density <= 1:
        raise MaskError(f"density: wanted a share in (0, 1], found {density}")
    if not scores.isfinite().all():
        raise MaskError(f"scores: wanted finite numbers, found {int((~scores.isfinite()).sum())} that are not")
    num_kept = max(1, round(density * scores.shape[1]))
    first = scores.shape[1] - num_kept
    # numpy finds the least of the highest scores in a fraction of the time that an order of all of them takes.
    numbers = scores.float() if scores.dtype == torch.bfloat16 else scores  # numpy has no such type
    least = np.partition(numbers.numpy(force=True), first, axis=1)[:, first]
    marks = scores >= torch.from_numpy(least.copy()).to(scores)[:, None]
    (tied,) = (marks.sum(1) > num_kept).nonzero(as_tuple=True)
    columns = scores[tied].argsort(dim=1, descending=True, stable=True)[:, :num_kept]
    marks[tied] = torch.zeros_like(marks[tied]).scatter_(1, columns, True)
    return marks


def mask_from_scores(
    scores: Mapping[str, Float[Tensor, "..."]], *, density: float, settings: Mapping[str, object] | None = None
) -> Mask:
    """Keep the highest scores of every row of every matrix; see :func:`top_k_per_row`."""
    marks = {name: top_k_per_row(matrix, density=density) for name, matrix in scores.items()}
    return mask_from_marks(marks, settings={"density": density, **(settings or {})})


def mask_from_marks(marks: Mapping[str, Bool[Tensor, "..."]], *, settings: Mapping[str, object]) -> Mask:
    """Build a mask from one matrix of booleans a weight matrix, True for kept."""
    kept = {name: matrix.flatten().nonzero().flatten() for name, matrix in marks.items()}
    shapes = {name: (matrix.shape[0], matrix.shape[1]) for name, matrix in marks.items()}
    return Mask(kept, shapes, settings)


def union(first: Mask, second: Mask) -> Mask:
    """Keep what either mask keeps; raises :class:`mazo.errors.MaskError` where their shapes differ."""
    second.check_fits({name: first.shapes.get(name, shape) for name, shape in second.shapes.items()})
    none = torch.empty(0, dtype=torch.int64)
    shapes = {**first.shapes, **second.shapes}
    kept = {
        name: torch.cat([first.kept.get(name, none), second.kept.get(name, none)]).unique(sorted=True)
        for name in shapes
    }
    return Mask(kept, shapes, {"union": [dict(first.settings), dict(second.settings)]})


def jaccard(first: Mask, second: Mask) -> dict[str, float]:
    """Return, for each matrix of both masks, the share of weights kept by either that both keep; 1 where none is."""
    overlaps = {}
    for name in filter(second.kept.__contains__, first.kept):
        one, other = first.kept[name], second.kept[name]
        both = int(torch.isin(one, other, assume_unique=True).sum())
        either = len(one) + len(other) - both
        overlaps[name] = both / either if either else 1.0
    return overlaps


def save_mask(mask: Mask, path: str | Path) -> None:
    """Write a mask as safetensors: each matrix as column indices or as bits, whichever is smaller.

    ``<name>.columns`` (16 bits each, 32 where a row is longer than 65,536) with ``<name>.counts`` a row, or
    ``<name>.bits``, row after row, lowest bit first. The metadata is one JSON string:
    format, shapes, density, settings, hash.
    """
    tensors: dict[str, np.ndarray] = {}
    for name, kept in mask.kept.items():
        tensors |= _pack(name, kept.numpy(), mask.shapes[name])
    about = {
        "format": FORMAT,
        "shapes": dict(mask.shapes),
        "density": mask.density,
        "settings": dict(mask.settings),
        "hash": mask.hash(),
    }
    # One key: with several, safetensors writes them in an order that differs between runs.
    write_bytes(Path(path), save_tensors(tensors, metadata={"mazo": json.dumps(about)}))


def load_mask(path: str | Path) -> Mask:
    """Read a mask and check its hash; raises :class:`mazo.errors.MaskError` where the file is not such a mask."""
    try:
        with safe_open(path, framework="numpy") as file:
            mask, wanted = _read(file, path=path)
    except (OSError, SafetensorError, ValueError) as error:
        raise MaskError(f"{path}: wanted a mask file, found none that can be read ({error})") from error
    if mask.hash() != wanted:
        raise MaskError(f"{path}: wanted hash {wanted}, found {mask.hash()}; the file is damaged")
    return mask


def _read(file: safe_open, *, path: str | Path) -> tuple[Mask, str]:
    """Return the mask in an open file, and the hash that it should have."""
    about = json.loads((file.metadata() or {}).get("mazo", "{}"))
    if about.get("format") != FORMAT:
        raise MaskError(f"{path}: wanted a mask of format {FORMAT}, found {about.get('format', 'tensors without one')}")
    try:
        shapes = {name: (rows, columns) for name, (rows, columns) in about["shapes"].items()}
        gaps = {name: Gaps.of(torch.from_numpy(_unpack(name, file, shape))) for name, shape in shapes.items()}
        return Mask(GapsByName(gaps), shapes, about["settings"]), about["hash"]
    except (KeyError, ValueError, TypeError, AttributeError, SafetensorError, MaskError) as error:
        raise MaskError(f"{path}: wanted a mask; the file is damaged ({error!r})") from error


def _pack(name: str, kept: np.ndarray, shape: tuple[int, int]) -> dict[str, np.ndarray]:
    rows, columns = shape
    column_type = np.uint16 if columns <= 65_536 else np.uint32
    if len(kept) * column_type().itemsize + rows * 4 < rows * columns / 8:
        counts = np.bincount(kept // columns, minlength=rows).astype(np.uint32)
        return {f"{name}.columns": (kept % columns).astype(column_type), f"{name}.counts": counts}
    marks = np.zeros(rows * columns, dtype=np.uint8)
    marks[kept] = 1
    return {f"{name}.bits": np.packbits(marks, bitorder="little")}


def _unpack(name: str, file: safe_open, shape: tuple[int, int]) -> np.ndarray:
    rows, columns = shape
    if f"{name}.bits" in file.keys():  # noqa: SIM118 (not a dict)
        bits = file.get_tensor(f"{name}.bits")
        return np.unpackbits(bits, count=rows * columns, bitorder="little").nonzero()[0]
    row_of = np.repeat(np.arange(rows, dtype=np.int64), file.get_tensor(f"{name}.counts"))
    return row_of * columns + file.get_tensor(f"{name}.columns").astype(np.int64)
