"""Which weights a mask may cover: the linear layers of the decoder blocks."""

from torch import nn


def maskable_layers(model: nn.Module) -> dict[str, nn.Linear]:
    """Return every linear layer of the model but its output head, by module name, in ``named_modules`` order.

    These are the layers that SparseGPT and Wanda prune; embeddings, norms and the head are left out [assumed].

    :param model: A Hugging Face causal language model, or any module: the head is what ``get_output_embeddings`` names.
    """
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Linear) and layer is not head}


def maskable_weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the 2-D weight of every maskable layer under its parameter name, ``<module>.weight``."""
    return {f"{name}.weight": layer.weight for name, layer in maskable_layers(model).items()}
