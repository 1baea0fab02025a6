"""What holds the trained numbers of a model: one of the ways for each of its tensors."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mazo.gaps import Gaps
from mazo.masks import Mask
from mazo.zeroth_order.masked import Kept, KeptInPlace, UpdateMasked
from mazo.zeroth_order.trained import Trained
from mazo.zeroth_order.unmasked import InPlace, Master


def hold(parameters: Mapping[str, Tensor], *, mask: Mask | None, mask_mode: str, precision: str) -> Trained:
    """Take hold of the trained numbers of a model, one ``Coordinates`` a tensor, in the parameters' order.

    :param mask: The weights to train; ``None`` trains every parameter.
    :param mask_mode: ``direction`` or ``update``; without a mask it plays no part.
    :param precision: ``master`` or ``in_place``.

    Raises :class:`mazo.errors.MaskError` for a mask that does not fit the parameters.
    """
    whole = {"master": Master, "in_place": InPlace}[precision]
    if mask is None:
        return Trained({name: whole(weight) for name, weight in parameters.items()})
    mask.check_fits({name: tuple(weight.shape) for name, weight in parameters.items()})
    if mask_mode == "direction":
        kept = {"master": Kept, "in_place": KeptInPlace}[precision]
        return Trained(
            {name: kept(weight, mask.gaps[name]) for name, weight in parameters.items() if name in mask.gaps}
        )
    none = Gaps.of(torch.empty(0, dtype=torch.int64))
    return Trained(
        {name: UpdateMasked(whole(weight), mask.gaps.get(name, none)) for name, weight in parameters.items()}
    )
