"""Masks that look at no example: what MaZO's mask has to beat."""

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mazo.errors import MaskError
from mazo.importance.magnitude import magnitude
from mazo.masks import Mask, mask_from_marks, top_k_per_row
from mazo.seeding import numpy_generator

Score = Callable[[str, Tensor, int], Float[Tensor, "out in"]]


def random_score(name: str, weight: Tensor, seed: int) -> Float[Tensor, "out in"]:
    """Draw a number a weight from (run seed, name): each row keeps as many weights, any with the same chance."""
    return torch.from_numpy(numpy_generator(seed, "mask", name).random(tuple(weight.shape)))


def smallest_score(name: str, weight: Tensor, seed: int) -> Float[Tensor, "out in"]:
    """Return -|W|: the small weights of every row are trained (Sparse-MeZO takes those of a whole matrix)."""
    return -magnitude(weight).cpu()


def largest_score(name: str, weight: Tensor, seed: int) -> Float[Tensor, "out in"]:
    """Return |W|: the large weights are trained."""
    return magnitude(weight).cpu()


SCORES: dict[str, Score] = {"random": random_score, "smallest": smallest_score, "largest": largest_score}


def control_mask(weights: Mapping[str, Tensor], *, rule: str, density: float, seed: int, layer: int | None) -> Mask:
    """Build the mask of a rule that needs no scores, one matrix at a time.

    :param weights: The matrices that a mask may cover, by parameter name.
    :param rule: ``random``, ``smallest``, ``largest``, ``sparse_mezo`` or ``layer``; else raises ``KeyError``.
    :param density: Share of weights kept in every row, or for ``sparse_mezo`` in every matrix; ``layer`` has none.
    :param seed: The run's seed; for ``random``.
    :param layer: Number of the decoder block, for ``layer``; the middle one when ``None``.

    Raises :class:`mazo.errors.MaskError` for a block that the model has not, and where a rule that goes by size meets a
    matrix whose weights are all of one size, as a fresh adapter's B.
    """
    if rule == "layer":
        return one_layer_mask(weights, layer=layer)
    if rule != "random":
        _check_sizes_differ(weights, rule=rule)
    if rule == "sparse_mezo":
        marks = {name: below_percentile(weight, density=density) for name, weight in weights.items()}
    else:
        score = SCORES[rule]
        marks = {name: top_k_per_row(score(name, weight, seed), density=density) for name, weight in weights.items()}
    return mask_from_marks(marks, settings={"rule": rule, "density": density})


def below_percentile(weight: Float[Tensor, "out in"], *, density: float) -> Bool[Tensor, "out in"]:
    r"""Mark the small weights of a matrix (Liu et al., "Sparse MeZO", NeurIPS 2025).

    .. math:: M_{ij} = 1 \iff |W_{ij}| \le h

    - :math:`h` is the k-th smallest :math:`|W|` of the matrix's n weights,
      :math:`k = \mathrm{round}(\text{density} \cdot n)`, at least 1; weights of equal size are kept together.

    The method compares the weights with h anew in every step; here the base model's weights decide once, as for every
    mask [assumed]. Its sparsity, 0.5 to 0.8 in the paper, is one minus the density.
    """
    size = magnitude(weight).cpu()
    return size <= size.flatten().kthvalue(max(1, round(density * size.numel()))).values


def one_layer_mask(weights: Mapping[str, Tensor], *, layer: int | None = None) -> Mask:
    """Keep every covered weight of one decoder block, and no weight of any other.

    With n blocks of one size the mask's density is 1 / n, whatever MaZO's: it can be compared by its number of weights.

    :param layer: The block's number, from 0; n // 2, the middle one, when ``None`` [assumed].
    """
    blocks = {name: block_of(name) for name in weights}
    numbers = sorted(set(blocks.values()))
    chosen = numbers[len(numbers) // 2] if layer is None else layer
    if chosen not in numbers:
        raise MaskError(f"mask.layer: wanted one of {', '.join(map(str, numbers))}; found {chosen}")
    marks = {
        name: torch.full(tuple(weight.shape), blocks[name] == chosen, dtype=torch.bool)
        for name, weight in weights.items()
    }
    return mask_from_marks(marks, settings={"rule": "layer", "layer": chosen})


def _check_sizes_differ(weights: Mapping[str, Tensor], *, rule: str) -> None:
    for name, weight in weights.items():
        smallest, largest = magnitude(weight).aminmax()
        if weight.numel() > 1 and smallest == largest:
            raise MaskError(f"mask.rule: {rule} wants weights of several sizes; found {name} with all at {smallest:g}")


def block_of(name: str) -> int:
    """Return the number of the decoder block that a weight belongs to; raises :class:`mazo.errors.MaskError`."""
    number = next((part for part in name.split(".") if part.isdigit()), None)
    if number is None:
        raise MaskError(f"mask.rule: layer wants weights of numbered blocks; found {name}")
    return int(number)
