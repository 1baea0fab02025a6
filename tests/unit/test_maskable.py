import torch
from torch import nn
from toy import toy_model
from transformers import LlamaConfig, LlamaForCausalLM

from mazo.adapter_settings import Lora
from mazo.adapters import add_adapter_
from mazo.maskable import maskable_layers, maskable_weights


def test_a_llamas_maskable_weights_are_the_linear_layers_of_its_blocks_in_order():
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=16,
    )
    model = LlamaForCausalLM(config)
    parts = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
    parts += ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
    wanted = [f"model.layers.{block}.{part}.weight" for block in range(2) for part in parts]
    assert list(maskable_weights(model)) == wanted
    named = dict(model.named_parameters())
    assert all(weight is named[name] and weight.ndim == 2 for name, weight in maskable_weights(model).items())


def test_beside_a_lora_only_its_factors_are_maskable():
    model = toy_model(layers=1)
    factors = add_adapter_(model, Lora(kind="lora", rank=2, target=["q_proj"]), num_tasks=1, run_seed=0)
    assert list(maskable_weights(model)) == list(factors)
    assert [name.rpartition("q_proj.")[2] for name in factors] == ["lora_A.default.weight", "lora_B.default.weight"]


def test_a_plain_module_has_no_head_to_leave_out():
    module = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3), nn.Embedding(4, 3), nn.Linear(3, 1))
    assert list(maskable_layers(module)) == ["0", "3"]
    assert all(isinstance(weight, torch.Tensor) for weight in maskable_weights(module).values())
