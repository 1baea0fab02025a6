"""Which weights a mask may cover: the linear layers of the decoder blocks."""

from torch import Tensor, nn


def maskable_layers(model: nn.Module) -> dict[str, nn.Linear]:
    """Return every linear layer of a model but its output head, by module name, in ``named_modules`` order.

    These are the layers that SparseGPT and Wanda prune; embeddings, norms and the head are left out [assumed].

    :param model: A Hugging Face causal language model, or any module: the head is what ``get_output_embeddings`` names.
    """
    find_head = getattr(model, "get_output_embeddings", None)
    head = find_head() if callable(find_head) else None
    return {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Linear) and layer is not head}


def maskable_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the 2-D weight of every maskable layer under its parameter name, ``<module>.weight``."""
    return {f"{name}.weight": layer.weight for name, layer in maskable_layers(model).items()}
