"""Groups of tensors with an eps and a step size of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Float
from torch import Tensor

from mazo.errors import ConfigError
from mazo.zeroth_order.coordinates import Change, Coordinates
from mazo.zeroth_order.stream import Numbers, Stream
from mazo.zeroth_order.targets import Target
from mazo.zeroth_order.trained import Trained
from mazo.zeroth_order.write import in_memory

Groups = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Group:
    """What a group's eps and step size are multiples of: the run's own.

    :param eps: Above 0.
    :param lr: At least 0.
    """

    eps: float = 1.0
    lr: float = 1.0


class Scaled(Coordinates):
    r"""A tensor of a group: moved :math:`\epsilon_g` times as far along z, and stepped :math:`\eta_g` times as far.

    .. math:: \theta_g \pm \epsilon \, \epsilon_g z_g, \qquad
        \theta_g \leftarrow \theta_g - \text{lr} \, \eta_g \, p \, z_g / \epsilon_g

    - p is the slope along all groups' :math:`\epsilon_g z_g` together, from the same two forwards;
    - over :math:`\epsilon_g` the estimate's mean is the gradient whatever the groups' eps, which then trade one group's
      noise for another's, and no factor hides in ``lr`` [derived].

    :param inner: The tensor.
    """

    def __init__(self, inner: Coordinates, group: Group) -> None:
        self._inner, self._group, self._eps = inner, group, group.eps
        self.size, self.device, self.lr_factor = inner.size, inner.device, group.lr

    @cached_property
    def parts(self) -> list[tuple[int, Coordinates]]:
        """The tensor's own blocks, each of the group."""
        return [(start, Scaled(part, self._group)) for start, part in self._inner.parts]

    @property
    def address(self) -> int:
        """Where the tensor lies."""
        return self._inner.address

    @property
    def move_target(self) -> Target | None:
        """The tensor's own, moved as many times as far."""
        inner = self._inner.move_target
        return None if inner is None else inner._replace(factor=self._eps)

    def draws(self, end: float) -> bool:
        """Tell whether a move needs z."""
        return self._inner.draws(end)

    def move_(self, z: Numbers | None, *, start: float, end: float) -> None:
        """Move the weights from theta + start eps_g z to theta + end eps_g z."""
        self._inner.move_(z, start=start * self._eps, end=end * self._eps)

    def select(self, z: Float[Tensor, " size"] | Stream) -> Float[Tensor, " trained"] | Stream:
        """Return the numbers of z / eps_g that take part in the step."""
        return in_memory(self._inner.select(z)) / self._eps

    def step_(self, change: Change) -> None:
        """Let ``change`` alter theta."""
        self._inner.step_(change)

    def settle_(self) -> None:
        """Write theta to the model's weights."""
        self._inner.settle_()


def grouped(coordinates: Mapping[str, Coordinates], groups: Groups) -> Trained:
    """Give the tensors of each group its eps and step size; the others keep the run's.

    :param groups: By a part of the parameters' dotted names, as ``lora_A``: ``eps`` and ``lr``, each a multiple of the
        run's own, 1 when absent. A tensor takes the first group that it has a part of.

    Raises :class:`mazo.errors.ConfigError` for a group with no tensor, an unknown key or a multiple out of range.
    """
    of_part = {part: _group(part, settings) for part, settings in groups.items()}
    for part in of_part:
        if not any(part in name.split(".") for name in coordinates):
            raise ConfigError(f"groups: wanted a part of a trained parameter's name; found {part!r}")
    held: dict[str, Coordinates] = {}
    for name, tensor in coordinates.items():
        group = next((group for part, group in of_part.items() if part in name.split(".")), None)
        held[name] = tensor if group is None else Scaled(tensor, group)
    return Trained(held)


def _group(part: str, settings: Mapping[str, float]) -> Group:
    if unknown := set(settings) - {"eps", "lr"}:
        raise ConfigError(f"groups.{part}: wanted eps and lr; found {', '.join(sorted(unknown))}")
    group = Group(**settings)
    if not (group.eps > 0 and group.lr >= 0):
        raise ConfigError(f"groups.{part}: wanted eps above 0 and lr of at least 0; found {group.eps:g}, {group.lr:g}")
    return group
