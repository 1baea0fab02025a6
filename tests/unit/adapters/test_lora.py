import pytest
import torch
from test_add_adapter import LORA, fill_b_, logits
from toy import toy_model

from mazo.adapters import add_adapter_


@torch.no_grad()
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_model_equals_pefts_own_lora_model_with_the_same_factors(dtype):
    from peft import LoraConfig, get_peft_model

    model = toy_model(dtype=dtype)
    factors = add_adapter_(model, LORA.model_copy(update={"target": ["q_proj", "up_proj"]}), num_tasks=2, run_seed=1)
    fill_b_(factors)
    config = LoraConfig(r=3, lora_alpha=6, lora_dropout=0.0, target_modules=["q_proj", "up_proj"])
    with torch.random.fork_rng(devices=[]):
        theirs = get_peft_model(toy_model(dtype=dtype), config)
    for name, weight in theirs.named_parameters():
        if "lora_" in name:
            weight.copy_(factors[name.removeprefix("base_model.model.")])
    assert torch.equal(logits(model), logits(theirs))
    assert not torch.equal(logits(model), logits(toy_model(dtype=dtype)))


@torch.no_grad()
def test_a_layers_output_is_that_of_the_merged_matrix():
    model, plain = toy_model(), toy_model()
    fill_b_(add_adapter_(model, LORA, num_tasks=2, run_seed=1))
    for name, layer in plain.named_modules():
        if isinstance(layer, torch.nn.Linear) and name != "lm_head":
            adapted = model.get_submodule(name)
            a, b = adapted.lora_A["default"].weight, adapted.lora_B["default"].weight
            layer.weight += 6.0 / 3 * b @ a
    torch.testing.assert_close(logits(model), logits(plain), rtol=1e-4, atol=1e-4)
