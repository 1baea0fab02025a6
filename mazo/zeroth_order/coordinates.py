"""How one tensor's trained numbers, theta, are held, moved along a direction and stepped.

Each class answers the same calls; the engine knows no other difference between masked and unmasked, 16-bit and 32-bit.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import copy
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mazo.masks import Mask
from mazo.zeroth_order.distributions import BLOCK, DEVICE_BLOCK
from mazo.zeroth_order.stream import Numbers, Stream, in_memory

Change = Callable[[Tensor], None]

INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Integer types by their bytes."""


class Coordinates(ABC):
    """The trained numbers of one tensor of the model."""

    size: int
    """How many numbers of a direction the tensor takes."""
    device: torch.device
    """Where they are wanted."""
    lr_factor: float = 1.0
    """What the run's step size is multiplied by."""

    @property
    def parts(self) -> "list[tuple[int, Coordinates]]":
        """The numbers in blocks that can be moved and stepped alone, each with the place of its first number."""
        return [(0, self)]

    def draws(self, end: float) -> bool:
        """Tell whether a move to theta + end z needs z."""
        return end != 0

    @abstractmethod
    def move_(self, z: Numbers | None, *, start: float, end: float) -> None:
        """Move the model's weights from theta + start z to theta + end z.

        :param z: Numbers, which may be overwritten; ``None`` where :meth:`draws` says that they are not needed.
        """

    @abstractmethod
    def select(self, z: Float[Tensor, " size"] | Stream) -> Float[Tensor, " trained"] | Stream:
        """Return the numbers of a direction that take part in the step."""

    @abstractmethod
    def step_(self, change: Change) -> None:
        """Let ``change`` alter theta in place, float32 wherever a copy is held, and write it to the model's weights."""

    def settle_(self) -> None:
        """Write theta to the model's weights, wherever they have been moved to."""
        self.step_(lambda theta: None)


class Splittable(Coordinates):
    """Numbers of which any stretch can be held alone."""

    @cached_property
    def parts(self) -> list[tuple[int, Coordinates]]:
        """Blocks of the numbers, in the same memory, larger where that is not the CPU's."""
        block = BLOCK if self._flat.device.type == "cpu" else DEVICE_BLOCK
        if self.size <= block:
            return [(0, self)]
        return [(start, self._part(start, min(start + block, self.size))) for start in range(0, self.size, block)]

    def _part(self, start: int, end: int) -> "Splittable":
        part = copy(self)
        part.size = end - start
        for name in self._split:
            setattr(part, name, getattr(self, name)[start:end])
        return part

    _flat: Tensor
    """The model's weights, all of the tensor's or a stretch of them."""
    _split: tuple[str, ...]
    """The attributes that hold a value a number."""


class Master(Splittable):
    """Every number of the tensor, theta a float32 copy: no drift and no lost update, at 4 bytes a number.

    :param weight: The model's parameter, written in place.
    :param device: Where the copy lies and directions are wanted; where the weight lies when ``None``.
    """

    _split = ("_flat", "_theta")

    def __init__(self, weight: Tensor, *, device: torch.device | str | None = None) -> None:
        self._flat = weight.detach().view(-1)
        self.size, self.device = len(self._flat), torch.device(device or weight.device)
        self._theta = self._flat.to(self.device, torch.float32, copy=True)

    def move_(self, z: Numbers | None, *, start: float, end: float) -> None:
        """Write theta + end z from the copy."""
        is_near = self._flat.device == self._theta.device
        if isinstance(z, Stream) and not is_near:
            z = in_memory(z)
        if z is None:
            self._flat.copy_(self._theta)
        elif isinstance(z, Stream):
            z.write_(self._flat, base=self._theta, alpha=end)
        elif self._flat.dtype == torch.float32 and is_near:
            torch.add(self._theta, z, alpha=end, out=self._flat)
        else:
            self._flat.copy_(torch.add(self._theta, z, alpha=end, out=z))

    def select(self, z: Float[Tensor, " size"] | Stream) -> Float[Tensor, " trained"] | Stream:
        """Return all of them."""
        return z

    def step_(self, change: Change) -> None:
        """Step the copy and write it through."""
        change(self._theta)
        self._flat.copy_(self._theta)


class Kept(Splittable):
    """The kept numbers of a masked tensor, theta a compact float32 copy; the frozen ones are never written.

    :param weight: The model's parameter, written in place.
    :param kept: Flat positions of the kept weights, ascending.
    """

    _split = ("_kept", "_theta")

    def __init__(self, weight: Tensor, kept: Int[Tensor, " kept"]) -> None:
        self._flat = weight.detach().view(-1)
        self._theta = self._flat.index_select(0, kept.to(weight.device, torch.int64)).float()
        self.size, self.device = len(kept), weight.device
        # On the CPU numpy writes scattered numbers, faster than torch; integers of the weights' width stand for the
        # types that it does not have.
        is_short = len(self._flat) < 2**31
        self._kept = kept.to(weight.device, torch.int32 if is_short else torch.int64)
        self._integers = INTEGERS[weight.element_size()]

    def move_(self, z: Numbers | None, *, start: float, end: float) -> None:
        """Write theta + end z to the kept places."""
        if isinstance(z, Stream):
            z.write_(self._flat, base=self._theta, alpha=end, places=self._kept)
        else:
            self._write_(self._theta if z is None else torch.add(self._theta, z, alpha=end, out=z))

    def select(self, z: Float[Tensor, " size"] | Stream) -> Float[Tensor, " trained"] | Stream:
        """Return all of them; the direction covers the kept weights alone."""
        return z

    def step_(self, change: Change) -> None:
        """Step the compact copy and write it through."""
        change(self._theta)
        self._write_(self._theta)

    def _write_(self, values: Float[Tensor, " size"]) -> None:
        values = values.to(self._flat.dtype)
        if self.device.type == "cpu":
            kept = self._kept.numpy().astype(np.intp)  # given others, numpy converts them a few at a time
            self._flat.view(self._integers).numpy()[kept] = values.view(self._integers).numpy()
        else:
            self._flat.index_copy_(0, self._kept.long(), values)


class UpdateMasked(Coordinates):
    """A tensor that is perturbed as a whole and stepped at its kept numbers alone (``mask_mode: update``).

    :param weight: The model's parameter, written in place.
    :param kept: Flat positions of the kept weights, ascending; none for a tensor that the mask leaves out.
    """

    def __init__(self, weight: Tensor, kept: Int[Tensor, " kept"]) -> None:
        self._whole = Master(weight)
        self._kept = kept.to(weight.device, torch.int64)
        self.size, self.device = self._whole.size, weight.device

    def move_(self, z: Numbers | None, *, start: float, end: float) -> None:
        """Write theta + end z to the whole tensor."""
        self._whole.move_(z, start=start, end=end)

    def select(self, z: Float[Tensor, " size"] | Stream) -> Float[Tensor, " trained"] | Stream:
        """Return the numbers of the kept weights."""
        return in_memory(z).index_select(0, self._kept)

    def step_(self, change: Change) -> None:
        """Step the kept weights and write theta through."""

        def change_kept(theta: Tensor) -> None:
            kept = theta.index_select(0, self._kept)
            change(kept)
            theta.index_copy_(0, self._kept, kept)

        self._whole.step_(change_kept)


class InPlace(Splittable):
    """Every number of the tensor, with no copy: MeZO's +eps, -2 eps, +eps in the weights' own type.

    Rounding moves the weights a little at every step and loses updates below half a unit in the last place; in 16 bits
    that drowns small steps (cos(net move, intended update) is 0.02 in float16 at lr |g| = 1e-6).

    :param weight: The model's parameter, changed in place.
    """

    _split = ("_flat",)

    def __init__(self, weight: Tensor) -> None:
        self._flat = weight.detach().view(-1)
        self.size, self.device = len(self._flat), weight.device

    def draws(self, end: float) -> bool:
        """Return that every move does: there is no copy to return to."""
        return True

    def move_(self, z: Numbers | None, *, start: float, end: float) -> None:
        """Add (end - start) z in the weights' own type."""
        assert z is not None
        if isinstance(z, Stream):
            z.write_(self._flat, base=self._flat, alpha=end - start, rounded=True)
        else:
            self._flat.add_(z.to(self._flat.dtype), alpha=end - start)

    def select(self, z: Float[Tensor, " size"] | Stream) -> Float[Tensor, " trained"] | Stream:
        """Return all of them."""
        return z

    def step_(self, change: Change) -> None:
        """Step the weights themselves."""
        change(self._flat)


def hold(
    parameters: Mapping[str, Tensor], *, mask: Mask | None, mask_mode: str, precision: str
) -> dict[str, Coordinates]:
    """Take hold of the trained numbers of a model, one :class:`Coordinates` a tensor, in the parameters' order.

    :param mask: The weights to train; ``None`` trains every parameter.
    :param mask_mode: ``direction`` or ``update``; without a mask it plays no part.
    :param precision: ``master`` or ``in_place``; with a mask it plays no part.

    Raises :class:`mazo.errors.MaskError` for a mask that does not fit the parameters.
    """
    if mask is None:
        unmasked = {"master": Master, "in_place": InPlace}[precision]
        return {name: unmasked(weight) for name, weight in parameters.items()}
    mask.check_fits({name: tuple(weight.shape) for name, weight in parameters.items()})
    if mask_mode == "direction":
        return {name: Kept(weight, mask.kept[name]) for name, weight in parameters.items() if name in mask.kept}
    none = torch.empty(0, dtype=torch.int64)
    return {name: UpdateMasked(weight, mask.kept.get(name, none)) for name, weight in parameters.items()}
