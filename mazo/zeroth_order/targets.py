"""Where a pass over the weights writes a direction's numbers."""

from typing import NamedTuple

from torch import Tensor

from mazo.gaps import DeviceGaps, Gaps

Places = Gaps | DeviceGaps
"""Where some numbers go in a tensor, by the steps between them."""


class Target(NamedTuple):
    r"""Where some numbers z of a direction go: into out is written b + alpha z.

    :param out: Weights, in one dimension.
    :param base: b; ``out`` itself where what lies there is moved; none where the numbers are written as they are.
    :param places: Where in ``out`` each number goes; one after the other if ``None``.
    :param factor: What a move along them is multiplied by.
    """

    out: Tensor
    base: Tensor | None
    places: Places | None = None
    factor: float = 1.0

    @property
    def moves(self) -> bool:
        """Whether what lies there is moved: a move then begins where the last one ended, and a step with a return."""
        return self.base is self.out


class Stretch(NamedTuple):
    """Consecutive numbers of a tensor's direction, and where they go.

    :param tensor: Which of a pass's tensors.
    :param start: Which of the tensor's numbers is the first, a multiple of 256.
    :param size: How many.
    """

    tensor: int
    start: int
    size: int
    target: Target


class Factors(NamedTuple):
    r"""What a pass writes for all its tensors: :math:`b + \alpha (c s z + \text{decay} \cdot b)`, each sum fused.

    :param scale: s.
    :param coefficient: c.
    :param decay: Share of the base that is added to the update.
    :param back: Where the base is ``out`` itself: b is what lies there, first moved by ``back`` :math:`s z` in the
        weights' own type.
    :param rounded: Whether the update is rounded to the weights' type before it is added to what lies there.
    """

    scale: float = 1.0
    coefficient: float = 1.0
    decay: float = 0.0
    back: float = 0.0
    rounded: bool = False
