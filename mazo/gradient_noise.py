"""How noisy a zeroth-order estimate is: its variance over directions and batches beside the gradient's own size."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def relative_variance(
    gradients: Float[Tensor, "batches weights"], *, num_weights: int, pooled: int = 1
) -> float | None:
    r"""Return the variance of a one-direction estimate p z, divided by the squared norm of the gradient it estimates.

    .. math:: \frac{E \|p z - g\|^2}{\|g\|^2} = \frac{(d + 2) \, E \|g_B\|^2}{\|g\|^2} - 1

    - :math:`p = z^\top g_B`, :math:`z \sim N(0, I_d)`, :math:`g_B` the gradient of a batch with mean :math:`g`;
    - derived from :math:`E[(z^\top a)^2 \|z\|^2] = (d + 2) \|a\|^2` and :math:`E[z z^\top] = I`.

    Both norms are free of bias: with :math:`m` the mean squared norm of a batch's gradient and :math:`s` the mean
    product of two batches', :math:`\|g\|^2` is :math:`s`, and a batch of n such batches has
    :math:`E \|g_B\|^2 = s + (m - s) / n`.

    :param gradients: One a batch, of batches drawn apart from each other; where the weights are a sample of all, the
        norms are scaled up, which leaves the ratio as it is.
    :param num_weights: Weights d that the direction moves.
    :param pooled: Batches n that one step takes together.
    :returns: None where :math:`s \le 0`: the gradient is lost in the noise of the batches.
    """
    batches = len(gradients)
    gram = (gradients @ gradients.mT).double()
    square = float(gram.trace()) / batches
    signal = float(gram.sum() - gram.trace()) / (batches * (batches - 1))
    if signal <= 0:
        return None
    return (num_weights + 2) * (signal + (square - signal) / pooled) / signal - 1


def task_variances(
    gradients: Float[Tensor, "tasks batches weights"], *, num_weights: int
) -> tuple[list[float | None], float | None]:
    """Return the relative variance of every task trained alone, and that of their mix, at the same examples a step.

    :param gradients: Of batches of one task each, as large as a task's part of a step's batch.
    :returns: Each task's from as many batches as there are tasks, and the mix's from one batch of each task.
    """
    alone = [relative_variance(own, num_weights=num_weights, pooled=len(gradients)) for own in gradients]
    return alone, relative_variance(gradients.mean(dim=0), num_weights=num_weights)


def sample_places(num_weights: Sequence[int], *, limit: int, generator: torch.Generator) -> list[Tensor]:
    """Draw places of some tensors, in proportion to their sizes and in order; all of them where they are few.

    :param num_weights: Weights of each tensor.
    :param limit: About as many places in all.
    """
    share = min(1.0, limit / max(1, sum(num_weights)))
    if share == 1:
        return [torch.arange(size) for size in num_weights]
    draws = [torch.randperm(size, generator=generator)[: max(1, round(share * size))] for size in num_weights]
    return [drawn.sort().values for drawn in draws]
