import pytest
import torch
from prepared import prepare_with_toy_model
from test_train import FO, LORA, MASKED, ZO, make_run
from toy import toy_model, toy_tokenizer

import mazo.guards
from mazo.config import ModelSettings
from mazo.errors import DataError, DivergedError, MaskError, ModelError, StuckError
from mazo.guards import Guard
from mazo.journal import Entry, StepNumbers
from mazo.maskable import maskable_weights
from mazo.masks import mask_from_scores, save_mask
from mazo.models import load_model
from mazo.train import train
from mazo.weighting import Told


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return prepare_with_toy_model(tmp_path_factory.mktemp("house"))


def go(house, out, method, *, mask=None, **changes):
    train(make_run(house, method, **changes), data=house, mask=mask, out=out)


def watch(guard, *, dev=None, slopes=((1.0, 0.0),), step=0):
    numbers = StepNumbers(losses=[1.0, 1.0], told=Told(), projected_grads=[list(row) for row in slopes])
    guard.watch([Entry(step, dev, numbers, 0.0, 0.0, 0)])


@pytest.mark.parametrize(("start", "fine", "bad"), [(1.0, 9.9, 10.1), (4.0, 19.9, 20.1), (0.5, 3.0, float("inf"))])
def test_a_dev_loss_out_of_bounds_stops_the_run_and_names_the_lr(house, start, fine, bad):
    guard = Guard(make_run(house, ZO), untrained="")
    watch(guard, dev=[start, start])
    watch(guard, dev=[fine, fine], step=2)
    watch(guard, dev=None, step=3)
    bound = max(10, 5 * start)
    message = (
        rf"step 4: wanted a mean dev loss of at most {bound:g} \({start:g} before the first step\), found {bad:.3g}"
    )
    with pytest.raises(DivergedError, match=message + r".*smaller lr \(now 0.001\)"):
        watch(guard, dev=[bad, bad], step=4)


def test_losses_that_are_not_finite_before_training_are_the_models(house):
    with pytest.raises(DivergedError, match=r"untrained model, found \[1.0, nan\].*dtype, now float32"):
        watch(Guard(make_run(house, ZO), untrained=""), dev=[1.0, float("nan")])


def test_only_slopes_of_zero_in_a_row_count(house, monkeypatch):
    monkeypatch.setattr(mazo.guards, "STEPS_WITHOUT_SLOPE", 3)
    flat, guard = ((0.0, 0.0), (0.0, 0.0)), Guard(make_run(house, ZO), untrained="")
    for slopes in (flat, flat, ((0.0, 0.0), (0.0, 1e-30)), flat, flat):
        watch(guard, slopes=slopes)
    with pytest.raises(StuckError, match=r"exactly 0 in 3 steps in a row.*smaller lr, now 0\.001.*float32.*now 0\.001"):
        watch(guard, slopes=flat)
    by_metric, first_order = (Guard(make_run(house, m), untrained="") for m in (ZO | {"objective": "metric"}, FO))
    for _ in range(4):
        watch(by_metric, slopes=flat)
        watch(first_order, slopes=())


def test_weights_that_ran_away_stop_the_run(house, tmp_path, monkeypatch):
    # The losses stay finite: those of a model that is sure of nothing.
    monkeypatch.setattr(mazo.guards, "STEPS_WITHOUT_SLOPE", 3)
    with pytest.raises(StuckError, match="the weights have run away"):
        go(house, tmp_path, ZO | {"lr": 1e25}, training=make_run(house, ZO).training.model_dump() | {"num_steps": 9})
    assert {file.name for file in tmp_path.iterdir()} == {"steps.log.part", "train.part"}


@pytest.mark.parametrize(
    ("method", "dtype"),
    [(ZO | {"eps": 1e-30}, "float32"), (ZO | {"lr": 1e-300} | LORA, "float32"), (FO | {"lr": 1e-300}, "bfloat16")],
    ids=["eps", "adapter", "first_order"],
)
def test_training_that_changes_no_weight_is_told_and_leaves_no_record(house, tmp_path, method, dtype):
    with pytest.raises(StuckError, match=rf"every one as it was after \d steps: lr.*small for weights in {dtype}"):
        go(house, tmp_path, method, dtype=dtype)
    assert all(file.name.endswith(".part") for file in tmp_path.iterdir())


def test_training_by_metric_that_changes_nothing_is_told_and_recorded(house, tmp_path, capsys):
    go(house, tmp_path, ZO | {"objective": "metric", "eps": 1e-30})
    assert "wanted training to change the weights" in capsys.readouterr().out
    assert (tmp_path / "train.json").exists()


def test_a_mask_made_for_other_weights_or_another_shape_is_refused(house, tmp_path):
    weights = {name: weight.abs() for name, weight in maskable_weights(toy_model(seed=1)).items()}
    save_mask(mask_from_scores(weights, density=0.1, settings={"model": "0123"}), tmp_path / "mask")
    with pytest.raises(MaskError, match=r"wanted a mask made for this model, weights .*; found one for weights 0123"):
        go(house, tmp_path / "out", MASKED, mask=tmp_path / "mask")
    wide = {name: weight.abs() for name, weight in maskable_weights(toy_model(width=32)).items()}
    save_mask(mask_from_scores(wide, density=0.1), tmp_path / "wide")
    with pytest.raises(MaskError, match=r"wanted the mask's shape \(32, 32\), found \(16, 16\) in the model"):
        go(house, tmp_path / "out", MASKED, mask=tmp_path / "wide")


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(tmp_path):
    toy_model(vocabulary=200).save_pretrained(tmp_path)
    toy_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="tokenizer of this model, with at most 200 tokens; found one with 259"):
        load_model(ModelSettings(path=str(tmp_path)))


def test_a_pad_token_added_beside_the_models_own_is_not_used(tmp_path):
    tokenizer = toy_tokenizer()
    tokenizer.add_special_tokens({"pad_token": "<pad>"})
    tokenizer.save_pretrained(tmp_path)
    toy_model(vocabulary=259).save_pretrained(tmp_path)
    model, loaded = load_model(ModelSettings(path=str(tmp_path)))
    assert loaded.pad_token_id < model.get_input_embeddings().num_embeddings == 259
    assert torch.equal(model.get_input_embeddings().weight, toy_model(vocabulary=259).get_input_embeddings().weight)


def test_rows_changed_since_they_were_prepared_are_refused(tmp_path):
    data = prepare_with_toy_model(tmp_path)
    rows = data / "copa" / "dev.jsonl"
    rows.write_text(rows.read_text().replace("cause", "effect", 1))
    with pytest.raises(DataError, match=r"copa/dev\.jsonl: wanted the rows as prepared, hash .*: remove the folder"):
        go(data, tmp_path / "out", ZO)
    (data / "copa" / "report.json").write_text("{}")
    with pytest.raises(DataError, match=r"report\.json: wanted the report of the rows beside it"):
        go(data, tmp_path / "out", ZO)
