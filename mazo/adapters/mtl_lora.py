"""MTL-LoRA: one A for all tasks, a matrix for each of them, and several B that each task weights its own way."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mazo.adapter_settings import MTLLora
from mazo.adapters.row_tasks import current_row_tasks


class MTLLoraLinear(nn.Module):
    r"""A frozen linear layer with factors of which each row of a batch takes its task's (Yang et al., 2024).

    .. math:: h_t = W x + \frac{\alpha}{r} \Big[\sum_i \mathrm{softmax}(w_t / \tau)_i B_i\Big] \Lambda_t A x

    - :math:`A` (r x in) is shared by the tasks;
    - :math:`\Lambda_t` (r x r) is task t's, the identity at first;
    - :math:`B_i` (out x r), i = 1 ... n, are shared and 0 at first;
    - :math:`w_t` (n numbers) is task t's. Equal first values would keep the B equal under backpropagation for ever, so
      they are drawn as A is, as in the released code.

    Zeroth-order training forces two deviations: all factors share one direction, and one eps and lr but for the
    multiples of ``inner_eps`` and ``inner_lr``; and while B is 0 the loss answers to moves of A, Lambda and w only by
    way of B's own.

    :param base_layer: The frozen layer.
    :param num_tasks: Tasks that rows may belong to.
    :param settings: Rank r, alpha, n (``num_up``) and tau (``temperature``).
    """

    def __init__(self, base_layer: nn.Linear, *, num_tasks: int, settings: MTLLora) -> None:
        super().__init__()
        rank, outputs, inputs = settings.rank, base_layer.out_features, base_layer.in_features
        self.base_layer = base_layer
        with torch.device(base_layer.weight.device):
            self.lora_A = nn.Parameter(torch.zeros(rank, inputs, dtype=torch.float32))
            self.lora_lambda = nn.Parameter(torch.eye(rank, dtype=torch.float32).repeat(num_tasks, 1, 1))
            self.lora_B = nn.Parameter(torch.zeros(settings.num_up, outputs, rank, dtype=torch.float32))
            self.lora_w = nn.Parameter(torch.zeros(num_tasks, settings.num_up, dtype=torch.float32))
        self._scale, self._temperature = settings.alpha / rank, settings.temperature

    def forward(self, x: Float[Tensor, "rows tokens in"]) -> Float[Tensor, "rows tokens out"]:
        """Return h, in the frozen layer's type, under :func:`mazo.adapters.row_tasks`."""
        result = self.base_layer(x)
        of_row = self._up()[current_row_tasks(len(x))].mT
        return (result + x.float() @ self.lora_A.T @ of_row * self._scale).to(result.dtype)

    def product(self, task: int) -> Float[Tensor, "out in"]:
        """Return what a task's factors add to the frozen layer's weight."""
        return self._up()[task] @ self.lora_A * self._scale

    def _up(self) -> Float[Tensor, "tasks out rank"]:
        # One matrix a task, not one a row: tasks are few.
        shares = (self.lora_w / self._temperature).softmax(dim=1)
        return torch.einsum("tn,nor->tor", shares, self.lora_B) @ self.lora_lambda


def add_mtl_lora_(model: nn.Module, layers: Iterable[str], *, settings: MTLLora, num_tasks: int) -> None:
    """Put MTL-LoRA's factors beside some linear layers, given by their full names."""
    for name in layers:
        layer = model.get_submodule(name)
        assert isinstance(layer, nn.Linear)
        model.set_submodule(name, MTLLoraLinear(layer, num_tasks=num_tasks, settings=settings))


@torch.no_grad()
def merge_mtl_lora_(model: nn.Module, *, task: int) -> None:
    """Add one task's product to each weight beside which factors stand, in that weight's own type; drop the factors.

    :param task: The task's place among those of the training.
    """
    for name, module in list(model.named_modules()):
        if isinstance(module, MTLLoraLinear):
            weight = module.base_layer.weight
            weight.copy_(weight.float() + module.product(task))
            model.set_submodule(name, module.base_layer)
