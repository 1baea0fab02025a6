"""Where numbers of a direction meet weights: made and added in one pass by a kernel, or added from memory by torch."""

from functools import cache
from importlib.util import find_spec
from types import ModuleType

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mazo.gaps import Gaps
from mazo.zeroth_order import cpu_kernels
from mazo.zeroth_order.stream import Numbers, Stream
from mazo.zeroth_order.targets import Factors, Places, Stretch, Target

INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integer types by their bytes."""


def write_(
    out: Tensor,
    z: Numbers,
    *,
    base: Float[Tensor, " base"],
    alpha: float,
    decay: float = 0.0,
    places: Places | None = None,
    rounded: bool = False,
) -> None:
    r"""Write :math:`b + \alpha (z + \text{decay} \cdot b)`, computed in float32 and rounded once to the weights' type.

    Each sum is a fused multiplication and addition, in torch's kernels as in ours.

    :param out: Weights; may be the base itself.
    :param z: Numbers of a direction, overwritten where they are in memory.
    :param base: b; where it is ``out`` itself, what lies where each number goes.
    :param places: Where in ``out`` each number goes; one after the other if ``None``.
    :param rounded: Whether z is rounded to the type of ``out`` first and all is computed in that type; the base is then
        ``out``, and there is no decay.
    """
    z = in_memory(z)
    if places is not None and base is out:
        base = take(out, places)
    if rounded:
        put_(out, base.add_(z.to(out.dtype), alpha=alpha), places)
        return
    exact = base.float()
    if decay:
        z = z.add_(exact, alpha=decay)
    if places is None and out.dtype == torch.float32 and out.device == exact.device:
        torch.add(exact, z, alpha=alpha, out=out)
    else:
        put_(out, torch.add(exact, z, alpha=alpha, out=z), places)


def take(weights: Tensor, places: Places) -> Tensor:
    """Return what lies in some places."""
    return weights.index_select(0, _each(places))


def put_(out: Tensor, values: Tensor, places: Places | None) -> None:
    """Write values in the type of ``out``, one after the other or where they go."""
    if places is None:
        if out is not values:
            out.copy_(values)
    elif isinstance(places, Gaps):
        # numpy writes scattered numbers faster than torch; integers of the same width stand for types it has not.
        integers = INTEGERS[out.element_size()]
        out.view(integers).numpy()[places.positions()] = values.to(out.dtype).view(integers).numpy()
    else:
        out.index_copy_(0, _each(places), values.to(out.dtype))


def _each(places: Places) -> Tensor:
    positions = places.positions()
    return positions if isinstance(positions, Tensor) else torch.from_numpy(positions)


def in_memory(numbers: Numbers) -> Float[Tensor, " numbers"]:
    """Return numbers as a tensor."""
    if isinstance(numbers, Tensor):
        return numbers
    target = Target(torch.empty(numbers.size, dtype=torch.float32, device=numbers.device), None)
    _write_alone_(numbers, target, alpha=1.0)
    return target.out


def _write_alone_(z: Stream, target: Target, *, alpha: float) -> None:
    """Have kernels write one stretch of float32 numbers."""
    by = kernels(target)
    assert by is not None
    key = np.array([[z.key & (2**64 - 1), z.key >> 64]], np.uint64)
    alone = by.Pass([Stretch(0, z.start, z.size, target)], signs=z.signs)
    alone.write_(key, np.array([alpha], np.float32), Factors(z.scale, z.coefficient))


def times_(numbers: Numbers, coefficient: float) -> Numbers:
    """Return numbers times a coefficient; a tensor is overwritten."""
    return numbers.times(coefficient) if isinstance(numbers, Stream) else numbers.mul_(coefficient)


def add_(total: Float[Tensor, " numbers"], numbers: Numbers, *, alpha: float) -> None:
    """Add alpha times some numbers to a total."""
    if isinstance(numbers, Stream):
        _write_alone_(numbers, Target(total, total), alpha=alpha)
    else:
        total.add_(numbers, alpha=alpha)


@cache
def makes_numbers(device: torch.device) -> bool:
    """Tell whether kernels make the numbers wanted on a device, compiled ones on a CPU and Triton's on a GPU."""
    if device.type == "cpu":
        return cpu_kernels.library() is not None
    return device.type == "cuda" and find_spec("triton") is not None


def kernels(target: Target) -> ModuleType | None:
    """Return the kernels that can write to a target, imported where they are first needed; ``None`` if none can."""
    out, base = target.out, target.base
    module: ModuleType | None = None
    if base is None or out.device == base.device:
        if out.device.type == "cuda":
            from mazo.zeroth_order import gpu_kernels as module  # imports Triton, which need not be installed
        elif out.device.type == "cpu":
            module = cpu_kernels
    return module if module is not None and module.can_write(target) else None
