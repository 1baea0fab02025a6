"""Tensors of which a mask's kept weights alone are trained."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mazo.gaps import Gaps
from mazo.zeroth_order.coordinates import Change, Coordinates, Splittable
from mazo.zeroth_order.stream import Numbers, Stream
from mazo.zeroth_order.unmasked import Master
from mazo.zeroth_order.write import Places, in_memory, put_, write_


class Kept(Splittable):
    """The kept numbers of a masked tensor, theta a compact float32 copy; the frozen ones are never written.

    :param weight: The model's parameter, written in place.
    :param kept: Flat positions of the kept weights.
    """

    _split = ("_kept", "_theta")

    def __init__(self, weight: Tensor, kept: Gaps) -> None:
        self._flat = weight.detach().view(-1)
        self.size, self.device = len(kept), weight.device
        positions = torch.from_numpy(kept.positions()).to(weight.device)
        self._theta = self._flat.index_select(0, positions).float()
        # A GPU writes all places at once, and so needs each of them.
        is_short = len(self._flat) < 2**31
        on_device = positions.to(torch.int32) if is_short else positions
        self._kept: Places = kept if self.device.type == "cpu" else on_device

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
        """Step the kept weights."""

        def change_kept(theta: Tensor) -> None:
            kept = theta.index_select(0, self._kept)
            change(kept)
            theta.index_copy_(0, self._kept, kept)

        self._whole.step_(change_kept)

    def settle_(self) -> None:
        """Write theta to the whole tensor."""
        self._whole.settle_()
