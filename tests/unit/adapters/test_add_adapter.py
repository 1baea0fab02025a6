import pytest
import torch
from toy import toy_model

from mazo.adapter_settings import Lora
from mazo.adapters import add_adapter_
from mazo.errors import ConfigError

LORA = Lora(kind="lora", rank=3, alpha=6.0)


def bits(tensor):
    return tensor.contiguous().view(torch.uint8)


def logits(model):
    ids = torch.arange(1, 25).reshape(2, 12)
    return model(input_ids=ids).logits


def fill_b_(factors, *, scale=0.1):
    """Give the B factors, zero at first, values that count."""
    for number, (name, weight) in enumerate(factors.items()):
        if "lora_B" in name:
            weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(number)) * scale)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_fresh_adapter_leaves_the_logits_exactly_and_the_models_own_weights_to_the_bit(dtype):
    model, plain = toy_model(dtype=dtype), toy_model(dtype=dtype)
    factors = add_adapter_(model, LORA, num_tasks=2, run_seed=1)
    assert torch.equal(logits(model), logits(plain))
    own = {name.replace(".base_layer", ""): w for name, w in model.named_parameters() if name not in factors}
    assert {name: w.dtype for name, w in own.items()} == {name: dtype for name, _ in plain.named_parameters()}
    assert all(torch.equal(bits(w), bits(own[name])) for name, w in plain.named_parameters())


def test_every_linear_layer_of_the_blocks_gets_its_factors_and_nothing_else_does():
    model = toy_model(layers=2, width=16)
    factors = add_adapter_(model, LORA, num_tasks=2, run_seed=1)
    assert len(factors) == 2 * 7 * 2
    sizes = {name.split(".self_attn.")[-1].split(".mlp.")[-1]: tuple(w.shape) for name, w in factors.items()}
    assert sizes["q_proj.lora_A.default.weight"] == (3, 16)
    assert sizes["down_proj.lora_A.default.weight"] == (3, 32)
    assert sizes["down_proj.lora_B.default.weight"] == (16, 3)
    assert list(factors) == [name for name, _ in model.named_parameters() if name in factors]
    assert {w.dtype for w in factors.values()} == {torch.float32}
    assert not any(w.requires_grad for w in model.parameters())


def test_a_is_drawn_from_the_run_seed_and_its_name_and_b_is_zero():
    state = torch.random.get_rng_state()
    first, again, other = (add_adapter_(toy_model(), LORA, num_tasks=2, run_seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    drawn = {name: w for name, w in first.items() if "lora_A" in name}
    assert all(torch.equal(w, again[name]) and not torch.equal(w, other[name]) for name, w in drawn.items())
    assert all(not w.any() for name, w in first.items() if name not in drawn)
    values = torch.cat([w.flatten() * w.shape[1] ** 0.5 for w in drawn.values()])
    assert values.abs().max() <= 1
    assert values.std().item() == pytest.approx(3**-0.5, abs=0.03)
    assert len({w.flatten()[0].item() for w in drawn.values()}) == len(drawn)


def test_a_layers_factors_do_not_depend_on_which_others_have_some():
    some = add_adapter_(toy_model(), LORA.model_copy(update={"target": ["q_proj", "v_proj"]}), num_tasks=2, run_seed=1)
    every = add_adapter_(toy_model(), LORA, num_tasks=2, run_seed=1)
    assert len(some) == 2 * 2 * 2
    assert all(torch.equal(w, every[name]) for name, w in some.items())


def test_an_unknown_target_or_a_rank_that_no_matrix_has_is_refused():
    with pytest.raises(ConfigError, match=r"adapter.target: wanted some of q_proj, .*down_proj; found 'lm_head'"):
        add_adapter_(toy_model(), LORA.model_copy(update={"target": ["q_proj", "lm_head"]}), num_tasks=2, run_seed=1)
    with pytest.raises(ConfigError, match=r"adapter.rank: wanted at most 16, what .*q_proj has; found 17"):
        add_adapter_(toy_model(width=16), LORA.model_copy(update={"rank": 17}), num_tasks=2, run_seed=1)
