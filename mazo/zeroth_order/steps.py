"""What turns the estimated gradient into an update; every rule is one small class with its own state."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from mazo.zeroth_order.stream import Numbers
from mazo.zeroth_order.write import in_memory

Place = tuple[str, int]
"""A tensor's name and the place in it of the first of some numbers; a rule keeps a state for each."""


class Step(ABC):
    """A rule from some numbers' estimated gradient to its update u; the engine then does theta <- theta - lr u."""

    is_gradient: bool = False
    """Whether the update is the gradient, so that neither need be in memory."""

    @abstractmethod
    def update(self, place: Place, gradient: Numbers) -> Numbers:
        """Return the update of the numbers at ``place``; called once a step for each.

        May overwrite ``gradient``; what it returns is the caller's to overwrite.
        """


class SGD(Step):
    """The gradient itself (MeZO)."""

    is_gradient = True

    def update(self, place: Place, gradient: Numbers) -> Numbers:
        """Return g, in memory or not."""
        return gradient


class Sign(Step):
    """The sign of every coordinate of the gradient (ZO-signSGD, Liu et al., ICLR 2019)."""

    def update(self, place: Place, gradient: Numbers) -> Numbers:
        """Return sign(g)."""
        return in_memory(gradient).sign_()


class Momentum(Step):
    r"""Heavy ball, :math:`m \leftarrow \mu m + g`, as torch's SGD has it: a steady gradient moves 1 / (1 - mu) as far.

    :param momentum: Share mu of the last update kept.
    """

    def __init__(self, momentum: float) -> None:
        self._momentum = momentum
        self._mean: dict[Place, Tensor] = {}

    def update(self, place: Place, gradient: Numbers) -> Numbers:
        """Return m after this step."""
        gradient = in_memory(gradient)
        mean = _state(self._mean, place, gradient)
        return mean.mul_(self._momentum).add_(gradient).clone()


class Adam(Step):
    r"""Adam (Kingma and Ba, ICLR 2015) on the estimated gradient, bias corrected.

    .. math:: u = \hat m / (\sqrt{\hat v} + \epsilon)

    Constants are Adam's own: 0.9, 0.999, 1e-8.
    """

    decay_mean, decay_square, epsilon = 0.9, 0.999, 1e-8

    def __init__(self) -> None:
        self._mean: dict[Place, Tensor] = {}
        self._square: dict[Place, Tensor] = {}
        self._count: dict[Place, int] = {}

    def update(self, place: Place, gradient: Numbers) -> Numbers:
        """Return u after this step."""
        gradient = in_memory(gradient)
        mean, square = _state(self._mean, place, gradient), _state(self._square, place, gradient)
        count = self._count[place] = self._count.get(place, 0) + 1
        mean.lerp_(gradient, 1 - self.decay_mean)
        square.mul_(self.decay_square).addcmul_(gradient, gradient, value=1 - self.decay_square)
        root = square.div(1 - self.decay_square**count).sqrt_().add_(self.epsilon)
        return mean.div(1 - self.decay_mean**count).div_(root)


def _state(states: dict[Place, Tensor], place: Place, gradient: Tensor) -> Tensor:
    if place not in states:
        states[place] = torch.zeros_like(gradient)
    return states[place]


STEPS = ("sgd", "momentum", "adam", "sign")


def make_step(name: str, *, momentum: float) -> Step:
    """Build the rule of that name.

    :param name: One of :data:`STEPS`; anything else raises ``KeyError``.
    :param momentum: For ``momentum`` alone.
    """
    rules = {"sgd": SGD, "momentum": lambda: Momentum(momentum), "adam": Adam, "sign": Sign}
    return rules[name]()
