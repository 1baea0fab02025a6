"""CoBa: more weight for the tasks that converge slowly, less for those that diverge."""

import torch
from jaxtyping import Float
from torch import Tensor

from mazo.errors import ConfigError
from mazo.weighting.base import TaskWeighting


class Coba(TaskWeighting):
    r"""Convergence balancer (Gong et al., "CoBa: Convergence Balancer for Multitask Finetuning of LLMs", EMNLP 2024).

    .. math:: w = \mathrm{softmax}_i(K (\mathrm{DF} \cdot \mathrm{RCS}_i + (1 - \mathrm{DF}) \mathrm{ACS}_i))

    .. math:: \mathrm{RCS} = \mathrm{softmax}_i \Big(\frac{K \alpha_i(t)}{\sum_j |\alpha_j(t)|}\Big), \qquad
        \mathrm{ACS} = \mathrm{softmax}_i \Big(\frac{-n \, \alpha_i(t)}{\sum_s |\alpha_i(s)|}\Big)

    .. math:: \mathrm{DF} = \min\Big(1, \; n_T \, \mathrm{softmax}_s
        \Big(\frac{-\tau n_T \, a(s)}{\sum_u |a(u)|}\Big)\Big|_{s = t}\Big)

    - :math:`v_i(t)` is task i's loss on step t's validation examples over that at step 0, t counted from 0;
    - :math:`\alpha_i(t)` is the least-squares slope of its last min(t, N) values, and :math:`a(t)` that of
      :math:`\max_i v_i`; K is the number of tasks;
    - ACS sums over the slopes of the last N steps, n of them, DF over all :math:`n_T` of them; there are slopes from
      step W on, and before it every weight is 1 / K.

    The released code caps DF nowhere, raises every weight to at least about 1 / (10 K), and lets its window of slopes
    begin W steps late, so that it holds N - W + 1 of them; ``as_released`` does so too. A sum of slopes that is 0
    counts as 1.

    Validation losses need no gradient, so zeroth-order steps change nothing here but for their price: one forward of
    K tasks a step beside the step's own.

    :param warm_up: Steps W with equal weights, at least 2. Default: the released code's.
    :param history: Values N that a slope is fitted to, at least W. Default: the released code's.
    :param tau: Temperature of the divergence factor. Default: the paper's.

    Raises :class:`mazo.errors.ConfigError` for fewer values than steps of warm-up: the window would be empty.
    """

    reads_validation = True

    def __init__(self, *, warm_up: int = 100, history: int = 200, tau: float = 5.0, as_released: bool = False) -> None:
        super().__init__()
        if not 2 <= warm_up <= history:
            raise ConfigError(f"coba: wanted 2 <= warm_up <= history; found warm_up {warm_up}, history {history}")
        self._warm_up, self._history, self._tau, self._as_released = warm_up, history, tau, as_released
        self._first: Tensor | None = None
        self._ratios: list[Tensor] = []
        self._slopes: list[Tensor] = []
        self._slopes_of_worst: list[float] = []
        self._step = -1

    def _weigh(
        self, losses: Float[Tensor, " tasks"], validation: Float[Tensor, " tasks"] | None
    ) -> Float[Tensor, " tasks"]:
        assert validation is not None
        self._step += 1
        self._first = validation if self._first is None else self._first
        self._ratios = [*self._ratios, validation / self._first][-self._history :]
        if self._step < self._warm_up:
            return torch.full_like(validation, 1.0 / len(validation))
        ratios = torch.stack(self._ratios[-min(self._step, self._history) :])
        self._slopes = [*self._slopes, slopes(ratios)][-self._window() :]
        self._slopes_of_worst.append(slopes(ratios.amax(1, keepdim=True)).item())
        return self._combine(torch.stack(self._slopes), torch.tensor(self._slopes_of_worst, dtype=torch.float64))

    def _window(self) -> int:
        return self._history - self._warm_up + 1 if self._as_released else self._history

    def _combine(
        self, window: Float[Tensor, "slopes tasks"], of_worst: Float[Tensor, " steps"]
    ) -> Float[Tensor, " tasks"]:
        num_tasks, now = window.shape[1], window[-1]
        relative = (num_tasks * now / _nonzero(now.abs().sum())).softmax(0)
        absolute = (-len(window) * now / _nonzero(window.abs().sum(0))).softmax(0)
        divergence = (-self._tau * len(of_worst) * of_worst / _nonzero(of_worst.abs().sum())).softmax(0)[-1]
        divergence = divergence * len(of_worst)
        if not self._as_released:
            divergence = divergence.clamp(max=1.0)
        weights = (num_tasks * (divergence * relative + (1 - divergence) * absolute)).softmax(0)
        least = 1 / (10 * num_tasks)
        if self._as_released and (weights < least).any():
            return weights * (1 - num_tasks * least) + least
        return weights


def slopes(values: Float[Tensor, "steps tasks"]) -> Float[Tensor, " tasks"]:
    """Return the least-squares slope of each column against the row's number."""
    places = torch.arange(len(values), dtype=values.dtype)
    places = places - places.mean()
    return places @ values / places.square().sum()


def _nonzero(divisor: Tensor) -> Tensor:
    return torch.where(divisor == 0, torch.ones_like(divisor), divisor)
