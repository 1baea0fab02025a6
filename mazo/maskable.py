"""Which weights a mask may cover: the linear layers of the decoder blocks, or a LoRA's factors beside them."""

from torch import Tensor, nn

from mazo.errors import ModelError

FACTORS = {"lora_A", "lora_B"}
"""What peft calls a LoRA's factors."""


def maskable_layers(model: nn.Module) -> dict[str, nn.Linear]:
    """Return every linear layer of a model but its output head, by module name, in ``named_modules`` order.

    These are the layers that SparseGPT and Wanda prune; embeddings, norms and the head are left out [assumed]. Where a
    LoRA stands beside any of them, its factors are returned and no other layer: nothing else is trained then.

    :param model: A Hugging Face causal language model, or any module: the head is what ``get_output_embeddings`` names.
    :raises ModelError: a model without such layers, as GPT-2, whose projections are of a kind of their own.
    """
    find_head = getattr(model, "get_output_embeddings", None)
    head = find_head() if callable(find_head) else None
    layers = {n: layer for n, layer in model.named_modules() if isinstance(layer, nn.Linear) and layer is not head}
    if not layers:
        raise ModelError(f"{type(model).__name__}: wanted linear layers beside the output head; found none")
    return {name: layer for name, layer in layers.items() if FACTORS & set(name.split("."))} or layers


def maskable_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the 2-D weight of every maskable layer under its parameter name, ``<module>.weight``."""
    return {f"{name}.weight": layer.weight for name, layer in maskable_layers(model).items()}
