"""Tensors of which a mask's kept weights alone are trained."""

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.gaps import DeviceGaps, Gaps
from mazo.zeroth_order.coordinates import Change, Coordinates, Splittable
from mazo.zeroth_order.stream import Numbers, Stream
from mazo.zeroth_order.targets import Places, Target
from mazo.zeroth_order.unmasked import InPlace, Master
from mazo.zeroth_order.write import in_memory, put_, take, write_


class Kept(Splittable):
    """The kept numbers of a masked tensor, theta a compact float32 copy; the frozen ones are never written.

    :param weight: The model's parameter, written in place.
    :param kept: Flat positions of the kept weights.
    """

    _split = ("_kept", "_theta")

    def __init__(self, weight: Tensor, kept: Gaps) -> None:
        self._flat = weight.detach().view(-1)
        self.size, self.device = len(kept), weight.device
        self._kept = _places(kept, weight.device)
        self._theta = take(self._flat, self._kept).float()

    @property
    def move_target(self) -> Target:
        """From the copy to the kept places."""
        return Target(self._flat, self._theta, self._kept)

    @property
    def step_target(self) -> Target:
        """The compact copy."""
        return Target(self._theta, self._theta)

    def move_(self, z: Numbers | None, *, start: float, end: float) -> None:
        """Write theta + end z to the kept places."""
        if z is None:
            self.settle_()
        else:
            write_(self._flat, z, base=self._theta, alpha=end, places=self._kept)

    def step_(self, change: Change) -> None:
        """Step the compact copy."""
        change(self._theta)

    def settle_(self) -> None:
        """Write the copy to the kept places."""
        put_(self._flat, self._theta, self._kept)


class KeptInPlace(Splittable):
    """The kept numbers of a masked tensor, with no copy; see :class:`mazo.zeroth_order.unmasked.InPlace`.

    :param weight: The model's parameter, changed in place.
    :param kept: Flat positions of the kept weights.
    """

    _split = ("_kept",)

    def __init__(self, weight: Tensor, kept: Gaps) -> None:
        self._flat = weight.detach().view(-1)
        self.size, self.device = len(kept), weight.device
        self._kept = _places(kept, weight.device)

    @property
    def move_target(self) -> Target:
        """The kept weights themselves."""
        return Target(self._flat, self._flat, self._kept)

    step_target = move_target

    def draws(self, end: float) -> bool:
        """Return that every move does: there is no copy to return to."""
        return True

    def move_(self, z: Numbers | None, *, start: float, end: float) -> None:
        """Add (end - start) z in the weights' own type."""
        assert z is not None
        write_(self._flat, z, base=self._flat, alpha=end - start, places=self._kept, rounded=True)

    def step_(self, change: Change) -> None:
        """Step the kept weights themselves."""
        theta = take(self._flat, self._kept)
        change(theta)
        put_(self._flat, theta, self._kept)

    def settle_(self) -> None:
        """Do nothing: theta is nowhere else."""


class UpdateMasked(Coordinates):
    """A tensor that is perturbed as a whole and stepped at its kept numbers alone (``mask_mode: update``).

    :param whole: What holds all of it.
    :param kept: Flat positions of the kept weights; none for a tensor that the mask leaves out.
    """

    def __init__(self, whole: Master | InPlace, kept: Gaps) -> None:
        self._whole = whole
        self.size, self.device = whole.size, whole.device
        self._kept = _places(kept, self.device)

    @property
    def address(self) -> int:
        """Where the whole tensor lies."""
        return self._whole.address

    @property
    def move_target(self) -> Target:
        """The whole tensor's."""
        return self._whole.move_target

    def draws(self, end: float) -> bool:
        """Tell whether a move needs z."""
        return self._whole.draws(end)

    def move_(self, z: Numbers | None, *, start: float, end: float) -> None:
        """Move the whole tensor."""
        self._whole.move_(z, start=start, end=end)

    def select(self, z: Float[Tensor, " size"] | Stream) -> Float[Tensor, " trained"] | Stream:
        """Return the numbers of the kept weights."""
        return take(in_memory(z), self._kept)

    def step_(self, change: Change) -> None:
        """Step the kept weights."""

        def change_kept(theta: Tensor) -> None:
            kept = take(theta, self._kept)
            change(kept)
            put_(theta, kept, self._kept)

        self._whole.step_(change_kept)

    def settle_(self) -> None:
        """Write theta to the whole tensor."""
        self._whole.settle_()


def _places(kept: Gaps, device: torch.device) -> Places:
    """Return positions where they are wanted."""
    return kept if device.type == "cpu" else DeviceGaps(kept, device)
