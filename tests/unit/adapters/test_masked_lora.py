"""MaZO over a LoRA's factors, through the stages as the command line runs them."""

import json

import pytest
import torch
from prepared import prepare_with_toy_model
from safetensors.torch import load_file

from mazo.adapters import add_adapter_
from mazo.config import select_run
from mazo.configfile import parse_suite
from mazo.errors import MaskError
from mazo.maskable import maskable_weights
from mazo.masks import load_mask, mask_from_scores, save_mask
from mazo.models import load_model
from mazo.stages import mask, score, train
from mazo.train import trained_model

METHOD = {
    "kind": "zeroth_order",
    "lr": 1e-2,
    "adapter": {"kind": "lora", "rank": 8},
    "mask": {"density": 0.25, "scores": {"calibration_examples": 3}},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare_with_toy_model(tmp_path_factory.mktemp("data"))


def run_of(data, *, dtype="float32", **changes):
    content = {
        "suite": "masked",
        "models": {"m": {"path": str(data / "model"), "dtype": dtype}},
        "mixes": {"two": ["rte", "copa"]},
        "methods": {"mazo_lora": METHOD | changes},
        "seeds": [0],
        "training": {"num_steps": 3, "batch_per_task": 2, "dev_examples": 2},
    }
    return select_run(parse_suite(content, where="test"), model="m", mix="two", method="mazo_lora", seed=0)


@pytest.mark.parametrize(
    ("dtype", "mask_mode"), [("float32", "direction"), ("bfloat16", "direction"), ("float32", "update")]
)
def test_exactly_the_kept_entries_of_the_factors_are_trained(data, tmp_path, dtype, mask_mode):
    run = run_of(data, dtype=dtype, mask_mode=mask_mode)
    score.run(run, data=data, out=tmp_path / "scores.safetensors")
    mask.run(run, scores=tmp_path / "scores.safetensors", out=tmp_path / "mask.safetensors")
    train.run(run, data=data, mask=tmp_path / "mask.safetensors", out=tmp_path)
    model, _ = trained_model(run, mask=tmp_path / "mask.safetensors", out=tmp_path)  # replays, bit for bit
    start, _ = load_model(run.model)
    factors = add_adapter_(start, run.method.adapter, num_tasks=2, run_seed=0)
    kept = load_mask(tmp_path / "mask.safetensors")
    assert set(kept.kept) == set(factors) == set(load_file(tmp_path / "scores.safetensors"))
    before, after = dict(start.named_parameters()), dict(model.named_parameters())
    for name, weight in after.items():
        changed = (weight != before[name]).flatten().nonzero().flatten()
        assert torch.equal(changed, kept.kept[name] if name in factors else torch.empty(0, dtype=torch.int64))
    for name, weight in factors.items():
        rows = torch.bincount(kept.kept[name] // weight.shape[1], minlength=len(weight))
        assert (rows == round(0.25 * weight.shape[1])).all()
    about = json.loads((tmp_path / "train.json").read_text())
    covered = factors.values() if mask_mode == "update" else kept.kept.values()
    assert about["trained_weights"] == sum(numbers.numel() for numbers in covered)


def test_a_mask_of_the_models_own_weights_is_refused(data, tmp_path):
    weights = maskable_weights(load_model(run_of(data).model)[0])
    save_mask(
        mask_from_scores({name: weight.abs() for name, weight in weights.items()}, density=0.1), tmp_path / "mask"
    )
    with pytest.raises(MaskError, match=r"wanted a parameter 'model.layers.0.self_attn.q_proj.weight'"):
        train.run(run_of(data), data=data, mask=tmp_path / "mask", out=tmp_path)
