"""Low-rank adaptation, through peft."""

from collections.abc import Iterable

import torch
from torch import nn

from mazo.adapter_settings import Lora


def add_lora_(model: nn.Module, layers: Iterable[str], *, settings: Lora) -> None:
    r"""Put peft's LoRA beside some linear layers (Hu et al., LoRA, ICLR 2022), without dropout.

    .. math:: h = W x + (\alpha / r) B A x

    - :math:`A` (r x in) and :math:`B` (out x r), zero, are the trained factors, float32.

    peft draws A from torch's global stream, which is put back; the caller draws it anew.

    :param layers: Full names of the layers.
    """
    from peft import LoraConfig, inject_adapter_in_model
    from peft.tuners.lora import LoraLayer

    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, lora_dropout=0.0, target_modules=list(layers))
    with torch.random.fork_rng(devices=[]):
        inject_adapter_in_model(config, model)
    for module in model.modules():
        if isinstance(module, LoraLayer):
            module.lora_A.float()
            module.lora_B.float()


@torch.no_grad()
def merge_lora_(model: nn.Module) -> None:
    """Add each LoRA's product to the weight it stands beside, in that weight's own type, and take the factors away."""
    from peft.tuners.lora import LoraLayer

    for name, module in list(model.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge()
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, module.get_base_layer())
