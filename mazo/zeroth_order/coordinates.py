"""How one tensor's trained numbers, theta, are held, moved along a direction and stepped.

Each class answers the same calls; the engine knows no other difference between masked and unmasked, 16-bit and 32-bit.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.zeroth_order.distributions import BLOCK, DEVICE_BLOCK
from mazo.zeroth_order.stream import Numbers, Stream
from mazo.zeroth_order.targets import Target

Change = Callable[[Tensor], None]


class Coordinates(ABC):
    """The trained numbers of one tensor of the model."""

    size: int
    """How many numbers of a direction the tensor takes."""
    device: torch.device
    """Where they are wanted."""
    lr_factor: float = 1.0
    """What the run's step size is multiplied by."""

    @property
    @abstractmethod
    def address(self) -> int:
        """Where the model's weights lie now: sharing them with other processes takes them elsewhere."""

    @property
    def move_target(self) -> Target | None:
        """What :meth:`move_` writes along z, for kernels that do it for all tensors; ``None`` where it does more."""
        return None

    @property
    def step_target(self) -> Target | None:
        """What :meth:`step_` changes, if z alone changes it; ``None`` where it does more than change it."""
        return None

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

    def select(self, z: Float[Tensor, " size"] | Stream) -> Float[Tensor, " trained"] | Stream:
        """Return the numbers of a direction that take part in the step: all of them."""
        return z

    @abstractmethod
    def step_(self, change: Change) -> None:
        """Let ``change`` alter theta in place, float32 wherever a copy is held; the model's weights may stay behind."""

    @abstractmethod
    def settle_(self) -> None:
        """Write theta to the model's weights, wherever they have been moved to."""


class Splittable(Coordinates):
    """Numbers of which any stretch can be held alone."""

    @cached_property
    def parts(self) -> list[tuple[int, Coordinates]]:
        """Blocks of the numbers, in the same memory, larger where that is not the CPU's."""
        block = BLOCK if self._flat.device.type == "cpu" else DEVICE_BLOCK
        if self.size <= block:
            return [(0, self)]
        return [(start, self._part(start, min(start + block, self.size))) for start in range(0, self.size, block)]

    @property
    def address(self) -> int:
        """Where the first lies."""
        return self._flat.data_ptr()

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
