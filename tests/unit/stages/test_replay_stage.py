import pytest
import torch
from toy import toy_model, toy_tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from mazo.adapter_settings import Lora, MTLLora
from mazo.adapters import add_adapter_, row_tasks
from mazo.cli import main
from mazo.config import ModelSettings
from mazo.maskable import maskable_weights
from mazo.masks import mask_from_scores, save_mask
from mazo.models import load_model
from mazo.zeroth_order import StepLog, ZerothOrderOptimizer
from mazo.zeroth_order.replay import weights_checksum


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def house(tmp_path_factory, request):
    """A folder with a base model, a mask, a finished run's log, and the weights that the run ended with."""
    folder = tmp_path_factory.mktemp("house")
    toy_model().save_pretrained(folder / "model")
    toy_tokenizer([" Yes"]).save_pretrained(folder / "model")
    model, _ = load_model(ModelSettings(path=str(folder / "model"), dtype=request.param))
    mask = mask_from_scores(
        {name: weight.float().abs() for name, weight in maskable_weights(model).items()}, density=0.2
    )
    save_mask(mask, folder / "mask")
    optimizer = ZerothOrderOptimizer(model.named_parameters(), lr=1e-2, run_seed=3, mask=mask, num_steps=5)
    with StepLog(folder / "steps.log", optimizer, tasks=["a"]) as log:
        for _ in range(5):
            log.append(optimizer.step(lambda: torch.stack([model(torch.tensor([[1, 5, 9]])).logits.float().std()])))
    return folder, dict(model.named_parameters())


def replay(folder, out, **changes):
    options = {"model": folder / "model", "steps": folder / "steps.log", "mask": folder / "mask"} | changes
    given = [text for key, value in options.items() if value is not None for text in (f"--{key}", str(value))]
    return main(["replay", *given, "--out", str(out)])


def test_the_rebuilt_folder_loads_with_transformers_bit_for_bit(house, tmp_path, capsys):
    folder, trained = house
    assert replay(folder, tmp_path / "tuned") == 0
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "tuned", dtype="auto")
    assert all(torch.equal(weight, trained[name]) for name, weight in model.named_parameters())
    base = AutoModelForCausalLM.from_pretrained(folder / "model")
    assert any(not torch.equal(weight, trained[name]) for name, weight in base.named_parameters())
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "tuned")
    assert tokenizer("Is it? Yes")["input_ids"] == toy_tokenizer([" Yes"])("Is it? Yes")["input_ids"]
    assert "5 steps replayed, trained weights with checksum" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["tuned"]


def test_an_input_at_fault_is_one_line_and_leaves_no_folder(house, tmp_path, capsys):
    folder, _ = house
    toy_model(seed=1).save_pretrained(tmp_path / "other")
    toy_tokenizer().save_pretrained(tmp_path / "other")
    for changes, message in (
        ({"mask": None}, "mask: wanted hash"),
        ({"model": tmp_path / "other"}, "base model"),
        ({"model": tmp_path / "absent"}, "wanted a folder, a hub id, or embedded:<name>"),
        ({"steps": folder / "mask"}, "wanted a step log"),
        ({"mask": folder / "steps.log"}, "wanted a mask file"),
        ({"device": "meta"}, "device: String should match pattern"),
    ):
        assert replay(folder, tmp_path / "tuned", **changes) == 2
        assert message in capsys.readouterr().err
    assert replay(folder, tmp_path / "other") == 2
    assert "--out: wanted a new or an empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def logits(model, *, task=0):
    with torch.no_grad(), row_tasks(torch.tensor([task])):
        return model(torch.tensor([[1, 5, 9]])).logits


def lora_run(house, out, settings, *, masked=True):
    """Train an adapter's factors for some steps as the suite does, and return the model."""
    folder, _ = house
    model, _ = load_model(ModelSettings(path=str(folder / "model")))
    about = {"adapter": settings.model_dump(), "model": weights_checksum(model.named_parameters()), "dtype": "float32"}
    factors = add_adapter_(model, settings, num_tasks=2, run_seed=3)
    mask = mask_from_scores({name: factor.abs() for name, factor in factors.items()}, density=0.5) if masked else None
    if mask is not None:
        save_mask(mask, out / "mask")
    optimizer = ZerothOrderOptimizer(factors.items(), lr=1.0, run_seed=3, mask=mask)
    with StepLog(out / "steps.log", optimizer, tasks=["a", "b"], about=about) as log:
        for _ in range(3):
            log.append(optimizer.step(lambda: torch.stack([logits(model).std(), logits(model, task=1).mean()])))
    return model


def test_loras_factors_are_merged_into_the_rebuilt_weights(house, tmp_path):
    trained = lora_run(house, tmp_path, Lora(kind="lora", rank=2, target=["q_proj", "up_proj"]))
    assert replay(house[0], tmp_path / "tuned", steps=tmp_path / "steps.log", mask=tmp_path / "mask") == 0
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "tuned")
    base = AutoModelForCausalLM.from_pretrained(house[0] / "model")
    assert [name for name, _ in model.named_parameters()] == [name for name, _ in base.named_parameters()]
    torch.testing.assert_close(logits(model), logits(trained), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(logits(model), logits(base), rtol=1e-2, atol=1e-2)


def test_each_tasks_factors_of_mtl_lora_are_merged_into_a_model_of_its_own(house, tmp_path, capsys):
    settings = MTLLora(kind="mtl_lora", rank=2, target=["q_proj", "up_proj"], num_up=2)
    trained = lora_run(house, tmp_path, settings, masked=False)
    given, found = {"steps": tmp_path / "steps.log", "mask": None}, []
    for number, task in enumerate(("a", "b")):
        assert replay(house[0], tmp_path / task, task=task, **given) == 0
        model = AutoModelForCausalLM.from_pretrained(tmp_path / task)
        found.append(logits(model))
        torch.testing.assert_close(found[-1], logits(trained, task=number), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(*found, rtol=1e-3, atol=1e-3)
    capsys.readouterr()
    for task, name in (("c", "c"), (None, "none")):
        assert replay(house[0], tmp_path / "tuned", task=task, **given) == 2
        assert f"--task: wanted one of a, b, each of which has a model; found {name}" in capsys.readouterr().err
    assert replay(house[0], tmp_path / "tuned", task="a") == 2
    assert "--task: wanted none for this run; found a" in capsys.readouterr().err


def test_an_adapter_on_another_model_is_refused(house, tmp_path, capsys):
    given = {"steps": tmp_path / "steps.log", "mask": tmp_path / "mask"}
    lora_run(house, tmp_path, Lora(kind="lora", rank=2))
    toy_model(seed=1).save_pretrained(tmp_path / "other")
    toy_tokenizer().save_pretrained(tmp_path / "other")
    assert replay(house[0], tmp_path / "tuned", model=tmp_path / "other", **given) == 2
    assert "base model (float32): wanted weights with checksum" in capsys.readouterr().err
