r"""What a step's slopes along its directions are divided by.

FZOO: Dang et al., "FZOO: Fast Zeroth-Order Optimizer for Fine-Tuning Large Language Models towards Adam-Scale Speed",
ICLR 2026 (arXiv 2506.09034).

.. math:: \theta \leftarrow \theta - \text{lr} \, \frac{1}{N \sigma} \sum_{k=1}^N (l_k - l_0) \, z_k, \qquad
    l_k = L(\theta + \epsilon z_k), \quad l_0 = L(\theta), \quad \sigma = \mathrm{std}_k(l_k)

- :math:`z_k` are N directions of signs (FZOO's paper);
- :math:`\sigma` is the standard deviation of the N losses (paper), with divisor N (released code); as it is near
  :math:`\epsilon \lVert \nabla L \rVert`, the update nears that of normalised gradient descent (paper).

With the slopes :math:`s_k = (l_k - l_0) / \epsilon` the coefficients are :math:`s_k / (N \, \mathrm{std}_k(s_k))`:
eps cancels [derived]. So FZOO is the engine with ``direction: rademacher``, ``sides: one``, N ``num_directions`` and
``normalization: std``, at N + 1 forwards a step.

Deviations: for several tasks l is the mix's loss, :math:`\sum_t w_t L_t` with the step's task weights, so that one
sigma serves all tasks [assumed]; the forwards run one after another, not in one batch; losses of earlier steps are not
used again (a variant in the released code); where sigma is 0, which leaves the step undefined, nothing moves [assumed].
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Normalization = Callable[[Float[Tensor, " directions"]], Float[Tensor, " directions"]]


def none(slopes: Float[Tensor, " directions"]) -> Float[Tensor, " directions"]:
    """Return the mix's slopes as they are."""
    return slopes


def std(slopes: Float[Tensor, " directions"]) -> Float[Tensor, " directions"]:
    """Divide the mix's slopes by their standard deviation over the step's directions, which wants at least two."""
    deviation = slopes.std(correction=0)
    # Slopes come rounded to float32: equal ones must not be told apart by the last digits of their mean.
    resolution = torch.finfo(torch.float32).eps * slopes.abs().max()
    return slopes / deviation if deviation > resolution else torch.zeros_like(slopes)


NORMALIZATIONS: dict[str, Normalization] = {"none": none, "std": std}
