"""Put an adapter into a model: beside which layers, and what its factors are before training."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mazo.adapter_settings import Adapter, Lora
from mazo.adapters.lora import add_lora_
from mazo.adapters.mtl_lora import add_mtl_lora_
from mazo.errors import ConfigError
from mazo.maskable import maskable_layers
from mazo.seeding import torch_generator


@torch.no_grad()
def add_adapter_(model: nn.Module, settings: Adapter, *, num_tasks: int, run_seed: int) -> dict[str, nn.Parameter]:
    """Put an adapter beside a model's linear layers, and return its factors by parameter name, in the model's order.

    The factors are float32 whatever the model is. The B factors are 0, so the model's outputs are as before. A is drawn
    from (run seed, "adapter", parameter name), kaiming-uniform with a = sqrt(5) as in the methods' own code, and so is
    MTL-LoRA's w.

    :param model: Changed in place; its own weights get other names and keep every bit.
    :param num_tasks: Tasks of the training; MTL-LoRA has factors for each.
    :param run_seed: The run's seed.

    Raises :class:`mazo.errors.ConfigError` for a target that is no linear layer of the decoder blocks, or a rank above
    a layer's inputs or outputs.
    """
    own = {id(weight) for weight in model.parameters()}
    layers = target_layers(model, settings.target)
    _check_rank(layers, settings.rank)
    if isinstance(settings, Lora):
        add_lora_(model, layers, settings=settings)
    else:
        add_mtl_lora_(model, layers, settings=settings, num_tasks=num_tasks)
    factors = {name: weight for name, weight in model.named_parameters() if id(weight) not in own}
    for name, weight in factors.items():
        if "lora_A" in name or name.endswith("lora_w"):
            weight.copy_(kaiming_uniform(weight.shape, run_seed=run_seed, name=name))
    model.requires_grad_(False)
    return factors


def target_layers(model: nn.Module, target: Sequence[str] | None) -> dict[str, nn.Linear]:
    """Return the linear layers whose last name is one of ``target``, or all of the decoder blocks where it is ``None``.

    Raises :class:`mazo.errors.ConfigError` for a name that no such layer has.
    """
    layers = maskable_layers(model)
    known = list(dict.fromkeys(_last(name) for name in layers))
    for name in target or ():
        if name not in known:
            raise ConfigError(f"adapter.target: wanted some of {', '.join(known)}; found {name!r}")
    return {name: layer for name, layer in layers.items() if target is None or _last(name) in target}


def kaiming_uniform(shape: Sequence[int], *, run_seed: int, name: str) -> Float[Tensor, "..."]:
    """Draw a factor's first values, uniform within 1 / sqrt(columns), the same on every device."""
    generator = torch_generator(run_seed, "adapter", name)
    return nn.init.kaiming_uniform_(torch.empty(shape), a=math.sqrt(5), generator=generator)


def _check_rank(layers: dict[str, nn.Linear], rank: int) -> None:
    for name, layer in layers.items():
        if rank > (most := min(layer.weight.shape)):
            raise ConfigError(f"adapter.rank: wanted at most {most}, what {name} has; found {rank}")


def _last(name: str) -> str:
    return name.rpartition(".")[2]
