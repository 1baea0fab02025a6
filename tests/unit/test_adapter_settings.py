import pytest
from toy import toy_model

from mazo.adapter_settings import Lora, MTLLora, factor_groups
from mazo.adapters import add_adapter_


def test_without_multiples_there_is_no_group():
    assert factor_groups(None) == factor_groups(Lora(kind="lora")) == factor_groups(MTLLora(kind="mtl_lora")) == {}


@pytest.mark.parametrize("kind", [Lora, MTLLora])
def test_the_groups_are_all_factors_but_b(kind):
    settings = kind(kind="lora" if kind is Lora else "mtl_lora", rank=2, inner_eps=0.5, inner_lr=2.0)
    groups = factor_groups(settings)
    factors = add_adapter_(toy_model(), settings, num_tasks=2, run_seed=0)
    outside = {name for name in factors if not any(part in name.split(".") for part in groups)}
    assert outside == {name for name in factors if "lora_B" in name}
    assert all(group == {"eps": 0.5, "lr": 2.0} for group in groups.values())
