import pytest
import torch
from torch import nn
from toy import toy_model
from transformers import OPTConfig

from mazo.adapter_settings import MTLLora
from mazo.adapters import add_adapter_, row_tasks
from mazo.errors import ModelError
from mazo.recompute import recomputed

IDS = torch.arange(12).reshape(2, 6) + 3
OPT = OPTConfig(
    vocab_size=320, hidden_size=16, ffn_dim=32, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=64
)


def gradients(model):
    """The gradients of one loss."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    # The loss outlives the tasks of the rows, as that of a training step does.
    with row_tasks(torch.tensor([0, 1])):
        loss = model(input_ids=IDS, labels=IDS).loss
    return torch.autograd.grad(loss, weights)


@pytest.mark.parametrize("config", [None, OPT], ids=["llama", "opt"])
def test_gradients_are_the_same_in_evaluation_mode_and_no_random_stream_moves(config):
    model = toy_model(config=config).requires_grad_(True)
    wanted, before = gradients(model), torch.get_rng_state()
    with recomputed(model):
        found = gradients(model)
    assert not model.training
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(wanted, found, strict=True))


def test_the_blocks_are_run_a_second_time_in_the_backward_pass():
    model = toy_model().requires_grad_(True)
    runs = []
    attention = model.model.layers[0].self_attn
    attention.register_forward_hook(lambda *_: runs.append(torch.is_grad_enabled()))
    with recomputed(model):
        gradients(model)
    assert len(runs) == 2
    gradients(model)
    assert len(runs) == 3


def test_layers_that_differ_by_task_know_the_tasks_in_the_second_run_too():
    model = toy_model()
    factors = add_adapter_(model, MTLLora(kind="mtl_lora", rank=2), num_tasks=2, run_seed=0)
    for factor in factors.values():
        nn.init.constant_(factor, 0.1)
        factor.requires_grad_(True)
    wanted = gradients(model)
    with recomputed(model):
        found = gradients(model)
    assert all(torch.equal(a, b) for a, b in zip(wanted, found, strict=True))


def test_a_model_without_such_blocks_is_refused():
    with pytest.raises(ModelError, match="gradient_checkpointing: wanted a model"), recomputed(nn.Linear(2, 2)):
        pass
