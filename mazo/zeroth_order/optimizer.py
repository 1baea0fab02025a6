"""The one zeroth-order engine: estimate, then apply; a replay applies alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.errors import ConfigError, DivergedError
from mazo.masks import Mask
from mazo.schedules import SCHEDULES, constant
from mazo.weighting import make_weighting
from mazo.zeroth_order.checks import check_apart, check_names, check_several, check_whole
from mazo.zeroth_order.direction import FACTORED, Direction
from mazo.zeroth_order.estimate import ESTIMATES, LAST_POINTS, Closure, moved_back_on_error_, two_point_
from mazo.zeroth_order.factored import Factored
from mazo.zeroth_order.groups import Groups, grouped
from mazo.zeroth_order.hold import hold
from mazo.zeroth_order.normalization import NORMALIZATIONS
from mazo.zeroth_order.steps import make_step
from mazo.zeroth_order.update import update_


@dataclass(frozen=True)
class StepRecord:
    """All that a step leaves: enough to repeat it without a forward.

    :param lr: Step size after the schedule.
    :param losses: Each task's loss: the mean over the two points, or at theta where the estimate is one-sided.
    :param projected_grads: Slope of each task's loss along each direction.
    :param weights: Weight of each task's loss, w_t.
    :param coefficients: What multiplied each direction in the gradient, sum_t w_t projected_grad_t / num_directions,
        over the standard deviation of the sums where ``normalization`` is ``std``.
    """

    step: int
    lr: float
    losses: Float[Tensor, " tasks"]
    projected_grads: Float[Tensor, "directions tasks"]
    weights: Float[Tensor, " tasks"]
    coefficients: Float[Tensor, " directions"]


class ZerothOrderOptimizer:
    r"""Train weights with forwards alone, one random direction at a time (MeZO; MaZO with a mask).

    .. math:: \theta \leftarrow \theta - \text{lr} \Big(\textstyle\frac1q \sum_k \sum_t w_t \,
        \text{projected\_grad}_{t,k} \, z_k + \text{weight\_decay} \cdot \theta\Big)

    - :math:`z_k` are the step's q directions, drawn again from (run_seed, step, k, tensor name) whenever needed;
    - :math:`w_t` are the task weights; there is no other factor, so ``lr`` means the same in every setting but
      ``normalization: std``, which divides the estimate by about the gradient's norm.

    :param named_parameters: Names and parameters, as ``model.named_parameters()`` gives them.
    :param lr: Step size.
    :param run_seed: The run's seed.
    :param eps: Distance of the two points from theta, in units of z. Default: MeZO's.
    :param mask: The weights to train; ``None`` trains all of ``named_parameters``.
    :param mask_mode: ``direction``: only the kept weights are perturbed; ``update``: every parameter is perturbed and
        only the kept weights are stepped [assumed].
    :param direction_rank: Rank of a matrix's direction, for ``direction: low_rank`` and ``subspace``.
    :param direction_period: Steps for which its right factor, or its subspace, stays.
    :param normalization: What the slopes are divided by: ``none``, or by ``std``, their standard deviation (FZOO).
    :param precision: How trained weights are held: ``master``, with a float32 copy, or ``in_place``, without.
    :param weighting: The rule for the task weights, a name in :data:`mazo.weighting.WEIGHTINGS`.
    :param weighting_options: That rule's own settings, by name.
    :param num_steps: Length of the run, for the schedules that fall.
    :param groups: Tensors with an eps and an lr of their own; see :func:`mazo.zeroth_order.groups.grouped`.

    Raises :class:`mazo.errors.MaskError` for a mask that does not fit, :class:`mazo.errors.ConfigError` for an
    unknown name or a tensor under two names.
    """

    def __init__(
        self,
        named_parameters: Iterable[tuple[str, Tensor]],
        *,
        lr: float,
        run_seed: int,
        eps: float = 1e-3,
        mask: Mask | None = None,
        mask_mode: str = "direction",
        direction: str = "gaussian",
        direction_rank: int = 2,
        direction_period: int = 50,
        num_directions: int = 1,
        sides: str = "two",
        normalization: str = "none",
        step: str = "sgd",
        momentum: float = 0.9,
        schedule: str = "constant",
        num_steps: int = 1,
        weight_decay: float = 0.0,
        weighting: str = "uniform",
        weighting_options: Mapping[str, object] | None = None,
        precision: str = "master",
        groups: Groups | None = None,
    ) -> None:
        names = {"direction": direction, "sides": sides, "step": step, "schedule": schedule, "weighting": weighting}
        names |= {"normalization": normalization, "mask_mode": mask_mode, "precision": precision}
        check_names(names)
        self._lr, self._eps, self._weight_decay = lr, eps, weight_decay
        self._distribution, self._num_directions = direction, num_directions
        self._estimate, self._schedule = ESTIMATES[sides], SCHEDULES[schedule]
        self._normalize = NORMALIZATIONS[normalization]
        self.weighting = make_weighting(weighting, weighting_options)
        self._rule = make_step(step, momentum=momentum)
        self.parameters, self.run_seed, self.num_steps, self.mask = dict(named_parameters), run_seed, num_steps, mask
        numbers = {"lr": lr, "eps": eps, "momentum": momentum, "weight_decay": weight_decay}
        counts = {"num_directions": num_directions, "weighting_options": dict(weighting_options or {})}
        counts |= {"groups": {part: dict(group) for part, group in (groups or {}).items()}}
        counts |= {"direction_rank": direction_rank, "direction_period": direction_period}
        self.settings: dict[str, object] = {**numbers, **counts, **names}
        check_whole(direction, masked=mask is not None and mask_mode == "direction")
        check_several(normalization, num_directions)
        self._factored: Factored | None = None
        if direction in FACTORED:
            shapes = {name: tuple(weight.shape) for name, weight in self.parameters.items()}
            self._factored = FACTORED[direction](shapes, rank=direction_rank, period=direction_period)
        held = hold(self.parameters, mask=mask, mask_mode=mask_mode, precision=precision)
        check_apart({name: tensor.address for name, tensor in held.items()})
        self._trained = grouped(held, groups or {})
        self._sizes = {name: tensor.size for name, tensor in self._trained.items()}
        self._drifts = self._trained.is_in_place
        self._is_settled = True
        self.steps_done, self.idle_steps = 0, 0

    @torch.no_grad()
    def step(self, closure: Closure, validation: Closure | None = None, *, settle: bool = True) -> StepRecord:
        """Estimate every task's projected gradients and apply the weighted update.

        :param closure: Returns each task's loss on the step's batch at the model's present weights; called twice a
            direction, or once a direction and once more where ``sides`` is ``one``; and once after the update where the
            weighting learns from it (FAMO).
        :param validation: Returns each task's loss on validation examples, for the weightings that read it (CoBa).
        :param settle: Whether the model's weights are to be the trained ones afterwards. Another step does not need
            them, and saves a third of its passes over the weights; before anything else :meth:`settle_` must be called.

        Raises :class:`mazo.errors.DivergedError` when a loss is not finite; the weights are then those before the step.
        """
        directions = self._directions()
        found, start = self._measure(directions, closure, settle=self.weighting.reads_validation)
        with moved_back_on_error_(self._trained, directions[-1], start=start):
            record = self._weigh(*found, validation)
        self._apply_(record.coefficients, directions, start=start, settle=settle or self.weighting.reads_outcome)
        if self.weighting.reads_outcome:
            self.weighting.observe(closure())
        return record

    def _measure(
        self, directions: Sequence[Direction], closure: Closure, *, settle: bool
    ) -> tuple[tuple[Float[Tensor, " tasks"], Float[Tensor, "directions tasks"]], float]:
        """Estimate, and leave the weights at the last point wherever the update can begin there.

        :param settle: Whether something reads theta first.
        :returns: The estimate; and s where the weights are at theta + s z, z being the last direction.
        """
        if self._estimate is not two_point_:
            self.settle_()
        # Moves and updates write weights from a copy of theta; without one they go on from the one point they know.
        settle = settle or (self._drifts and len(directions) > 1)
        self._is_settled = False
        found = self._estimate(self._trained, directions, eps=self._eps, closure=closure, settle=settle)
        return found, 0.0 if settle else LAST_POINTS[self._estimate] * self._eps

    @torch.no_grad()
    def settle_(self) -> None:
        """Write the trained weights to the model, where a step has left them elsewhere."""
        if not self._is_settled:
            for tensor in self._trained.values():
                tensor.settle_()
            self._is_settled = True

    def _weigh(
        self,
        losses: Float[Tensor, " tasks"],
        projected_grads: Float[Tensor, "directions tasks"],
        validation: Closure | None,
    ) -> StepRecord:
        if not (losses.isfinite().all() and projected_grads.isfinite().all()):
            raise DivergedError(
                f"step {self.steps_done}: wanted finite task losses, found {losses.tolist()}; "
                f"try a smaller lr (now {self._lr:g}) or eps (now {self._eps:g})"
            )
        # float64, then one rounding: the log's float32 coefficient is the one applied, here and in a replay.
        weights = self.weighting.weights(losses, validation)
        slopes = self._normalize(projected_grads.double() @ weights.double())
        coefficients = (slopes / self._num_directions).float()
        self.idle_steps += not projected_grads.any()
        return StepRecord(self.steps_done, self.lr, losses, projected_grads, weights.float(), coefficients)

    @torch.no_grad()
    def apply_(self, coefficients: Float[Tensor, " directions"], *, settle: bool = True) -> None:
        """Do the update of the present step, given what multiplies each direction; ``settle`` as for :meth:`step`."""
        self._apply_(coefficients, self._directions(), settle=settle)

    def _apply_(
        self,
        coefficients: Float[Tensor, " directions"],
        directions: Sequence[Direction],
        *,
        start: float = 0.0,
        settle: bool,
    ) -> None:
        self._is_settled = False
        update_(
            self._trained,
            directions,
            coefficients.tolist(),
            rule=self._rule,
            lr=self.lr,
            weight_decay=self._weight_decay,
            start=start if self._drifts else 0.0,
            settle=settle,
        )
        self._is_settled = settle
        self.steps_done += 1

    @torch.no_grad()
    def repeat_(self, coefficients: Float[Tensor, " directions"], *, settle: bool = True) -> None:
        """Do a logged step again, bit for bit, without a forward; ``settle`` as for :meth:`step`."""
        directions, start = self._directions(), 0.0
        if len(coefficients) != len(directions):
            raise ValueError(f"coefficients: wanted {len(directions)}, one a direction; found {len(coefficients)}")
        _ = self.lr  # a schedule that has run out says so before anything is moved
        if self._drifts:
            # Measuring moved these weights for good; the same moves, with nothing measured, move them as far.
            zeros = torch.zeros(1)
            _, start = self._measure(directions, lambda: zeros, settle=self.weighting.reads_validation)
        self._apply_(coefficients, directions, start=start, settle=settle)

    @property
    def lr(self) -> float:
        """Step size of the present step; raises :class:`mazo.errors.ConfigError` where the schedule has run out."""
        if self.steps_done >= self.num_steps and self._schedule is not constant:
            raise ConfigError(
                f"num_steps: a schedule that falls ends after {self.num_steps} steps; wanted another step"
            )
        return self._lr * self._schedule(self.steps_done, self.num_steps)

    @property
    def name(self) -> str:
        """What runs, from the rule itself: ``zo_sgd``, ``zo_adam``, ``zo_normalized_sgd``, ..."""
        normalized = "" if self._normalize is NORMALIZATIONS["none"] else "normalized_"
        return f"zo_{normalized}{type(self._rule).__name__.lower()}"

    @property
    def forwards_per_step(self) -> int:
        """How often a step measures the tasks' losses, the weighting's own measurements among them."""
        own = 2 * self._num_directions if self._estimate is two_point_ else 1 + self._num_directions
        return own + self.weighting.reads_validation + self.weighting.reads_outcome

    @property
    def num_trained(self) -> int:
        """How many numbers a direction has: the trained weights, or all of them where ``mask_mode`` is ``update``."""
        return sum(self._sizes.values())

    def _directions(self) -> list[Direction]:
        return [
            Direction(self.run_seed, self.steps_done, index, self._distribution, self._sizes, self._factored)
            for index in range(self._num_directions)
        ]
