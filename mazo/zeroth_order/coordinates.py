"""How one tensor's trained numbers, theta, are held, moved along a direction and stepped.

Each class answers the same calls; the engine knows no other difference between masked and unmasked, 16-bit and 32-bit.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mazo.masks import Mask

Draw = Callable[[], Tensor]
Change = Callable[[Tensor], None]


class Coordinates(ABC):
    """The trained numbers of one tensor of the model."""

    size: int
    """How many numbers of a direction the tensor takes."""
    device: torch.device
    """Where they are wanted."""
    lr_factor: float = 1.0
    """What the run's step size is multiplied by."""

    @abstractmethod
    def move_(self, draw: Draw, *, start: float, end: float) -> None:
        """Move the model's weights from theta + start z to theta + end z.

        :param draw: Returns z, ``size`` float32 numbers; not called where they are not needed.
        """

    @abstractmethod
    def select(self, z: Float[Tensor, " size"]) -> Float[Tensor, " trained"]:
        """Return the numbers of a direction that take part in the step."""

    @abstractmethod
    def step_(self, change: Change) -> None:
        """Let ``change`` alter theta, a float32 tensor, in place, and write the result to the model's weights."""


class Master(Coordinates):
    """Every number of the tensor, theta a float32 copy: no drift and no lost update, at 4 bytes a number.

    :param weight: The model's parameter, written in place.
    :param device: Where the copy lies and directions are wanted; where the weight lies when ``None``.
    """

    def __init__(self, weight: Tensor, *, device: torch.device | str | None = None) -> None:
        self._flat = weight.detach().view(-1)
        self.size, self.device = len(self._flat), torch.device(device or weight.device)
        self._theta = self._flat.to(self.device, torch.float32, copy=True)

    def move_(self, draw: Draw, *, start: float, end: float) -> None:
        """Write theta + end z from the copy."""
        self._flat.copy_(self._theta if end == 0 else torch.add(self._theta, draw(), alpha=end))

    def select(self, z: Float[Tensor, " size"]) -> Float[Tensor, " trained"]:
        """Return all of them."""
        return z

    def step_(self, change: Change) -> None:
        """Step the copy and write it through."""
        change(self._theta)
        self._flat.copy_(self._theta)


class Kept(Coordinates):
    """The kept numbers of a masked tensor, theta a compact float32 copy; the frozen ones are never written.

    :param weight: The model's parameter, written in place.
    :param kept: Flat positions of the kept weights, ascending.
    """

    def __init__(self, weight: Tensor, kept: Int[Tensor, " kept"]) -> None:
        self._flat = weight.detach().view(-1)
        self._kept = kept.to(self._flat.device, torch.int64)
        self._theta = self._flat.index_select(0, self._kept).float()
        self.size, self.device = len(kept), weight.device

    def move_(self, draw: Draw, *, start: float, end: float) -> None:
        """Write theta + end z to the kept places."""
        self._write_(self._theta if end == 0 else torch.add(self._theta, draw(), alpha=end))

    def select(self, z: Float[Tensor, " size"]) -> Float[Tensor, " trained"]:
        """Return all of them; the direction covers the kept weights alone."""
        return z

    def step_(self, change: Change) -> None:
        """Step the compact copy and write it through."""
        change(self._theta)
        self._write_(self._theta)

    def _write_(self, values: Float[Tensor, " size"]) -> None:
        self._flat.index_copy_(0, self._kept, values.to(self._flat.dtype))


class UpdateMasked(Coordinates):
    """A tensor that is perturbed as a whole and stepped at its kept numbers alone (``mask_mode: update``).

    :param weight: The model's parameter, written in place.
    :param kept: Flat positions of the kept weights, ascending; none for a tensor that the mask leaves out.
    """

    def __init__(self, weight: Tensor, kept: Int[Tensor, " kept"]) -> None:
        self._whole = Master(weight)
        self._kept = kept.to(weight.device, torch.int64)
        self.size, self.device = self._whole.size, weight.device

    def move_(self, draw: Draw, *, start: float, end: float) -> None:
        """Write theta + end z to the whole tensor."""
        self._whole.move_(draw, start=start, end=end)

    def select(self, z: Float[Tensor, " size"]) -> Float[Tensor, " trained"]:
        """Return the numbers of the kept weights."""
        return z.index_select(0, self._kept)

    def step_(self, change: Change) -> None:
        """Step the kept weights and write theta through."""

        def change_kept(theta: Tensor) -> None:
            kept = theta.index_select(0, self._kept)
            change(kept)
            theta.index_copy_(0, self._kept, kept)

        self._whole.step_(change_kept)


class InPlace(Coordinates):
    """Every number of the tensor, with no copy: MeZO's +eps, -2 eps, +eps in the weights' own type.

    Rounding moves the weights a little at every step and loses updates below half a unit in the last place; in 16 bits
    that drowns small steps (cos(net move, intended update) is 0.02 in float16 at lr |g| = 1e-6).

    :param weight: The model's parameter, changed in place.
    """

    def __init__(self, weight: Tensor) -> None:
        self._flat = weight.detach().view(-1)
        self.size, self.device = len(self._flat), weight.device

    def move_(self, draw: Draw, *, start: float, end: float) -> None:
        """Add (end - start) z in the weights' own type."""
        self._flat.add_(draw().to(self._flat.dtype), alpha=end - start)

    def select(self, z: Float[Tensor, " size"]) -> Float[Tensor, " trained"]:
        """Return all of them."""
        return z

    def step_(self, change: Change) -> None:
        """Step in float32 and round once."""
        theta = self._flat.float() if self._flat.dtype != torch.float32 else self._flat
        change(theta)
        self._flat.copy_(theta)


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
