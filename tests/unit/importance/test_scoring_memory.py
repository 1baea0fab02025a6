"""What scoring holds in memory, from every tensor that torch makes meanwhile."""

import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from toy import toy_model

from mazo.batches import collate, encode_example
from mazo.encoding import EncodedPair
from mazo.importance.groups import needed_bytes
from mazo.importance.score import score_into
from mazo.losses import example_losses
from mazo.maskable import maskable_layers
from mazo.methods import ScoreSettings


class LiveBytes(TorchDispatchMode):
    """The most bytes of tensors that were alive at once, those of a model's parameters left out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._own = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage().data_ptr() not in self._own:
                storage = tensor.untyped_storage()
                self._live[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self._live = {place: (storage, size) for place, (storage, size) in self._live.items() if not storage.expired()}
        self.peak = max(self.peak, sum(size for _, size in self._live.values()))
        return result


class Forgotten(dict):
    """Parts that are told what is done and keep none of it, as those in files."""

    def __setitem__(self, name, tensor):
        super().__setitem__(name, None)


def batches(task_seed: int) -> list:
    context = torch.randint(3, 300, (6,), generator=torch.Generator().manual_seed(task_seed)).tolist()
    example = encode_example(
        [EncodedPair(context, [3], 0), EncodedPair(context, [4], 0)], task=0, is_choice=True, gold=0
    )
    return collate([example], pad_id=2, micro_batch=1)


TASKS = {"a": batches(0), "b": batches(1)}


def peak_of_scoring(model: nn.Module, *, layers_at_once: int, **settings: str) -> int:
    with LiveBytes(model) as live:
        score_into(Forgotten(), model, TASKS, settings=ScoreSettings(**settings), seed=0, layers_at_once=layers_at_once)
    return live.peak


def peak_of_activations(model: nn.Module) -> int:
    """One micro-batch's, forward and backward over all blocks."""
    hook = model.get_input_embeddings().register_forward_hook(lambda _, __, output: output.requires_grad_())
    with LiveBytes(model) as live:
        example_losses(model, TASKS["a"][0]).sum().backward()
    hook.remove()
    return live.peak


def bound(model: nn.Module) -> int:
    return max(map(needed_bytes, maskable_layers(model).values())) + peak_of_activations(model)


@pytest.mark.parametrize(
    ("blocks", "settings"), [(1, {}), (4, {}), (2, {"hessian": "fisher"}), (2, {"normalization": "z-score"})], ids=str
)
def test_one_layer_at_a_time_takes_no_more_than_the_largest_layers_needs_and_the_activations(blocks, settings):
    model = toy_model(layers=blocks, width=64)
    assert peak_of_scoring(model, layers_at_once=1, **settings) <= bound(model)


def test_all_layers_at_once_take_more():
    model = toy_model(layers=4, width=64)
    assert peak_of_scoring(model, layers_at_once=28) > 2 * bound(model)
