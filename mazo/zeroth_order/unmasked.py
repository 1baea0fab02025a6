"""Tensors that are trained whole: with a float32 copy, or in place."""

import torch
from torch import Tensor

from mazo.zeroth_order.coordinates import Change, Splittable
from mazo.zeroth_order.stream import Numbers
from mazo.zeroth_order.targets import Target
from mazo.zeroth_order.write import write_


class Master(Splittable):
    """Every number of the tensor, theta a float32 copy: no drift and no lost update, at 4 bytes a number.

    :param weight: The model's parameter, written in place.
    :param device: Where the copy lies and directions are wanted; where the weight lies when ``None``.
    """

    _split = ("_flat", "_theta")

    def __init__(self, weight: Tensor, *, device: torch.device | str | None = None) -> None:
        self._flat = weight.detach().view(-1)
        self._theta = self._flat.to(device or weight.device, torch.float32, copy=True)
        self.size, self.device = len(self._flat), self._theta.device

    @property
    def move_target(self) -> Target:
        """From the copy to the weights."""
        return Target(self._flat, self._theta)

    @property
    def step_target(self) -> Target:
        """The copy."""
        return Target(self._theta, self._theta)

    def move_(self, z: Numbers | None, *, start: float, end: float) -> None:
        """Write theta + end z from the copy."""
        if z is None:
            self.settle_()
        else:
            write_(self._flat, z, base=self._theta, alpha=end)

    def step_(self, change: Change) -> None:
        """Step the copy."""
        change(self._theta)

    def settle_(self) -> None:
        """Write the copy through."""
        self._flat.copy_(self._theta)


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

    @property
    def move_target(self) -> Target:
        """The weights themselves."""
        return Target(self._flat, self._flat)

    step_target = move_target

    def draws(self, end: float) -> bool:
        """Return that every move does: there is no copy to return to."""
        return True

    def move_(self, z: Numbers | None, *, start: float, end: float) -> None:
        """Add (end - start) z in the weights' own type."""
        assert z is not None
        write_(self._flat, z, base=self._flat, alpha=end - start, rounded=True)

    def step_(self, change: Change) -> None:
        """Step the weights themselves."""
        change(self._flat)

    def settle_(self) -> None:
        """Do nothing: theta is nowhere else."""
