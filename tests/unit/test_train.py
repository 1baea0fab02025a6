import csv
import json
from collections import defaultdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from toy import toy_model, toy_tokenizer

from mazo.adapters import add_adapter_, merge_lora_
from mazo.cli import main
from mazo.config import Run, TrainingSettings
from mazo.configfile import load_suite
from mazo.controls import control_mask
from mazo.data import prepare_task
from mazo.errors import ConfigError, TrainingError
from mazo.maskable import maskable_weights
from mazo.masks import mask_from_scores, save_mask
from mazo.models import load_model
from mazo.step_batches import draw
from mazo.train import train, trained_model
from mazo.zeroth_order.log import read_log
from mazo.zeroth_order.replay import weights_checksum

TASKS = ["rte", "copa"]
ZO = {"kind": "zeroth_order", "lr": 1e-3}
MASKED = ZO | {"lr": 1e-2, "mask": {"density": 0.1}}
COBA = {"weighting": "coba", "coba": {"warm_up": 2, "history": 3}}
FZOO = {"normalization": "std", "direction": "rademacher", "sides": "one", "num_directions": 4}
FO = {"kind": "first_order", "lr": 1e-3, "num_steps": 2}
LORA = {"adapter": {"kind": "lora", "rank": 2}}
MTL_LORA = {"adapter": {"kind": "mtl_lora", "rank": 2}}
GROUPED_LORA = {"adapter": LORA["adapter"] | {"inner_lr": 0.5}}
GROUPED_MTL_LORA = {"adapter": MTL_LORA["adapter"] | {"inner_eps": 0.1, "inner_lr": 2.0}}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A folder with a model, two tasks' rows and a mask."""
    folder = tmp_path_factory.mktemp("house")
    toy_model().save_pretrained(folder / "model")
    toy_tokenizer([" Yes", " No"]).save_pretrained(folder / "model")
    run = make_run(folder, ZO)
    for task in TASKS:
        prepare_task(task, run.data, out=folder / "data")
    weights = maskable_weights(load_model(run.model)[0])
    save_mask(mask_from_scores({name: weight.abs() for name, weight in weights.items()}, density=0.1), folder / "mask")
    return folder


def make_run(folder, method, *, dtype="float32", **changes) -> Run:
    return Run.model_validate(
        {
            "suite": "test",
            "model_name": "toy",
            "model": {"path": str(folder / "model"), "dtype": dtype},
            "mix": "two",
            "tasks": TASKS,
            "tested": TASKS,
            "method_name": "method",
            "method": method,
            "seed": 3,
            "data": {"train": 12, "dev": 6, "test": 4},
            "training": {"num_steps": 5, "batch_per_task": 2, "micro_batch": 3, "dev_every": 2, "dev_examples": 4},
            "evaluation": {},
        }
        | changes
    )


def trained(house, out, method, **changes):
    mask = house / "mask" if "mask" in method else None
    run = make_run(house, method, **changes)
    train(run, data=house / "data", mask=mask, out=out)
    return trained_model(run, mask=mask, out=out)[0]


def base(house, dtype="float32"):
    return load_model(make_run(house, ZO, dtype=dtype).model)[0]


@pytest.mark.parametrize(
    "method",
    [
        *(ZO, MASKED, FO, MASKED | {"mask_mode": "update"}, ZO | {"sides": "one", "num_directions": 2}),
        *(ZO | {"weighting": "famo"}, MASKED | COBA, FO | {"weighting": "famo"}, FO | COBA | {"num_steps": 4}),
        *(ZO | {"step": "adam", "direction": "sphere", "schedule": "cosine"}, ZO | {"precision": "in_place"}),
        *(ZO | LORA | {"eps": 1e-2}, FO | LORA, ZO | MTL_LORA | {"step": "momentum"}, FO | MTL_LORA),
        *(ZO | MTL_LORA | {"objective": "metric"}, ZO | FZOO, MASKED | FZOO | {"weighting": "famo"}),
        *(ZO | {"direction": "subspace", "direction_period": 2}, ZO | LORA | {"direction": "subspace"}),
        *(ZO | GROUPED_LORA | {"step": "adam"}, ZO | GROUPED_MTL_LORA),
    ],
    ids=str,
)
def test_a_runs_files_rebuild_exactly_the_weights_that_training_ended_with(house, tmp_path, method):
    model = trained(house, tmp_path, method)  # checks the checksum that training recorded
    about = json.loads((tmp_path / "train.json").read_text())
    assert about["checksum"] == weights_checksum(model.named_parameters())
    assert about["checksum"] != about["base_checksum"] == weights_checksum(base(house).named_parameters())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_frozen_weights_keep_every_bit_through_a_real_run(house, tmp_path, dtype):
    model = trained(house, tmp_path, MASKED, dtype=dtype)
    before = dict(base(house, dtype).named_parameters())
    about = json.loads((tmp_path / "train.json").read_text())
    changed = {name: (weight != before[name]).sum(1) for name, weight in model.named_parameters() if weight.ndim == 2}
    kept = {name: max(1, round(0.1 * before[name].shape[1])) for name in maskable_weights(model)}
    assert all((rows <= kept.get(name, 0)).all() for name, rows in changed.items())
    assert all(torch.equal(w, before[n]) for n, w in model.named_parameters() if n not in kept)
    total = sum(count * len(before[name]) for name, count in kept.items())
    assert about["trained_weights"] == total
    assert sum(rows.sum().item() for rows in changed.values()) > 0.9 * total


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("method", [ZO | LORA | {"eps": 1e-2}, FO | LORA, ZO | MTL_LORA, FO | MTL_LORA], ids=str)
def test_an_adapters_run_trains_its_factors_and_keeps_every_bit_of_the_models_own_weights(
    house, tmp_path, dtype, method
):
    model = trained(house, tmp_path, method, dtype=dtype)
    weights = dict(model.named_parameters())
    start = load_model(make_run(house, method, dtype=dtype).model)[0]
    factors = add_adapter_(start, make_run(house, method).method.adapter, num_tasks=2, run_seed=3)
    same = {name for name, old in start.named_parameters() if torch.equal(weights[name], old)}
    assert same == set(weights) - set(factors)
    about = json.loads((tmp_path / "train.json").read_text())
    assert about["trained_weights"] == sum(weight.numel() for weight in factors.values())
    assert about["all_weights"] == sum(weight.numel() for weight in weights.values())
    if method["kind"] == "first_order":
        assert set(load_file(tmp_path / "weights.safetensors")) == set(factors)


@pytest.mark.parametrize("method", [ZO, MASKED, ZO | LORA | {"eps": 1e-2, "lr": 0.1}], ids=["all", "masked", "lora"])
def test_the_command_line_replays_a_run_from_its_base_model_mask_and_log_alone(house, tmp_path, method, capsys):
    model = trained(house, tmp_path / "run", method)
    mask = ["--mask", str(house / "mask")] if method is MASKED else []
    files = ["--model", str(house / "model"), "--steps", str(tmp_path / "run" / "steps.log"), *mask]
    assert main(["replay", *files, "--out", str(tmp_path / "tuned")]) == 0
    assert main(["inspect", str(tmp_path / "run" / "steps.log"), *mask[1:]]) == 0
    assert "5 of 5" in capsys.readouterr().out
    replayed = load_model(make_run(house, ZO, model={"path": str(tmp_path / "tuned")}).model)[0]
    merge_lora_(model)
    weights = dict(model.named_parameters())
    assert all(torch.equal(weight, weights[name]) for name, weight in replayed.named_parameters())
    assert any(not torch.equal(weight, weights[name]) for name, weight in base(house).named_parameters())


def test_equal_runs_leave_equal_logs_and_curves(house, tmp_path):
    for name in ("one", "two"):
        trained(house, tmp_path / name, MASKED)
    for file in ("steps.log", "curve.csv"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_curve_has_dev_losses_from_step_zero_to_the_last_and_train_windows_between(house, tmp_path):
    trained(house, tmp_path, ZO)
    steps = defaultdict(list)
    for row in csv.DictReader((tmp_path / "curve.csv").read_text().splitlines()):
        steps[row["task"], row["split"]].append(int(row["step"]))
        assert 0 < float(row["loss"]) < 20
    assert steps == {(task, split): at for task in TASKS for split, at in (("dev", [0, 2, 4, 5]), ("train", [2, 4, 5]))}


def test_methods_of_one_seed_start_at_the_same_dev_loss(house, tmp_path):
    starts = []
    for name, method in (("zo", ZO), ("masked", MASKED), ("fo", FO), ("lora", ZO | LORA), ("mtl", ZO | MTL_LORA)):
        trained(house, tmp_path / name, method)
        starts.append((tmp_path / name / "curve.csv").read_text().split("\n")[1:3])
    assert all(start == starts[0] for start in starts)


def test_the_record_names_the_optimizer_that_ran_and_counts_its_forwards(house, tmp_path):
    for name, method, optimizer, forwards in (
        ("zo", ZO | {"step": "sign", "num_directions": 3}, "zo_sign", 30),
        ("one", ZO | {"sides": "one", "num_directions": 3}, "zo_sgd", 20),
        ("fzoo", ZO | FZOO, "zo_normalized_sgd", 25),
        ("adam", ZO | {"step": "adam"}, "zo_adam", 10),
        ("momentum", ZO | {"step": "momentum"}, "zo_momentum", 10),
        ("fo", FO, "adamw", 2),
        ("famo", ZO | {"weighting": "famo"}, "zo_sgd", 15),
        ("coba", ZO | COBA, "zo_sgd", 15),
        ("fo_famo", FO | {"weighting": "famo"}, "adamw", 6),
        ("fo_coba", FO | COBA | {"num_steps": 4}, "adamw", 8),
    ):
        trained(house, tmp_path / name, method)
        about = json.loads((tmp_path / name / "train.json").read_text())
        assert (about["optimizer"], about["forwards"]) == (optimizer, forwards)
        assert about["num_cut"] == {"rte": 0, "copa": 0}
        assert sum(task["mean"] for task in about["task_weights"].values()) == pytest.approx(1, abs=1e-5)
        assert about["seconds"] > 0 and about["peak_memory"] > 2**20


@pytest.mark.parametrize(
    ("method", "name", "forwards"),
    [
        *(("mtl_zo", "zo_sgd", 2), ("sparse_mezo", "zo_sgd", 2), ("lozo", "zo_sgd", 2), ("subzero", "zo_sgd", 2)),
        *(("fzoo", "zo_normalized_sgd", 9), ("zo_adam", "zo_adam", 2), ("momentum", "zo_momentum", 2)),
        ("sign", "zo_sign", 2),
    ],
)
def test_every_row_of_the_suite_of_optimizers_runs_by_configuration_alone(house, tmp_path, method, name, forwards):
    suite = load_suite(Path(__file__).resolve().parents[2] / "config" / "optimizers.yaml")
    assert suite.reference == "mtl_zo"
    trained(house, tmp_path, suite.methods[method].model_dump(exclude_unset=True))  # from its log, bit for bit
    about = json.loads((tmp_path / "train.json").read_text())
    assert (about["optimizer"], about["forwards"], about["num_steps"]) == (name, 5 * forwards, 5)


def test_one_block_trains_alone_and_the_record_names_the_mask(house, tmp_path):
    weights = maskable_weights(base(house))
    block = control_mask(weights, rule="layer", density=0.1, seed=3, layer=1)
    save_mask(block, tmp_path / "mask")
    run = make_run(house, MASKED | {"mask": {"rule": "layer", "layer": 1}})
    train(run, data=house / "data", mask=tmp_path / "mask", out=tmp_path)
    model, _ = trained_model(run, mask=tmp_path / "mask", out=tmp_path)
    before = dict(base(house).named_parameters())
    moved = {name for name, weight in model.named_parameters() if not torch.equal(weight, before[name])}
    assert moved == {name for name in weights if ".layers.1." in name}
    about = json.loads((tmp_path / "train.json").read_text())
    assert about["mask"] == {"rule": "layer", "density": 0.5, "hash": block.hash()}
    with pytest.raises(ConfigError, match="wanted a mask of rule random, found one of rule layer"):
        train(
            make_run(house, MASKED | {"mask": {"rule": "random"}}),
            data=house / "data",
            mask=tmp_path / "mask",
            out=tmp_path,
        )


def test_a_weighting_moves_the_weights_of_the_tasks_and_the_record_says_how_far(house, tmp_path):
    largest = {}
    for name, method in (("zo", ZO), ("famo", ZO | {"weighting": "famo"}), ("coba", ZO | COBA)):
        trained(house, tmp_path / name, method)
        weights = json.loads((tmp_path / name / "train.json").read_text())["task_weights"]
        assert set(weights) == set(TASKS)
        largest[name] = max(task["largest"] for task in weights.values())
    assert largest["zo"] == 0.5 < min(largest["famo"], largest["coba"])


def test_validation_batches_are_dev_rows_in_an_order_of_their_own():
    run = Run.model_construct(tasks=["a"], seed=0, training=TrainingSettings(batch_per_task=3))
    rows = {"a": list(range(100))}
    batches, validation = (
        [draw(rows, run, step=step, purpose=purpose) for step in range(3)] for purpose in ("batches", "validation")
    )
    assert all(len(set(drawn)) == 3 for drawn in (*batches, *validation))
    assert batches != validation
    assert batches[0] == draw(rows, run, step=0)


def test_an_idle_run_leaves_the_base_model(house, tmp_path):
    trained(house, tmp_path, ZO | {"lr": 0.0})
    about = json.loads((tmp_path / "train.json").read_text())
    assert about["checksum"] == about["base_checksum"]


def test_first_order_training_lowers_the_training_loss(house, tmp_path):
    trained(house, tmp_path, FO | {"num_steps": 30, "lr": 3e-3})
    rows = [row for row in csv.DictReader((tmp_path / "curve.csv").read_text().splitlines()) if row["split"] == "train"]
    losses = [sum(float(row["loss"]) for row in rows if row["step"] == step) for step in ("2", "30")]
    assert losses[1] < 0.85 * losses[0]


def test_a_diverging_run_stops_with_a_message_and_leaves_no_finished_log(house, tmp_path):
    with pytest.raises(TrainingError, match=r"wanted finite task losses.*eps \(now 3e\+38\)"):
        trained(house, tmp_path, ZO | {"eps": 3e38})
    assert {file.name for file in tmp_path.iterdir()} == {"steps.log.part", "train.part"}
    with pytest.raises(TrainingError, match="wanted a step log"):
        trained_model(make_run(house, ZO), mask=None, out=tmp_path)


def test_a_log_of_another_run_is_refused(house, tmp_path):
    trained(house, tmp_path, ZO)
    with pytest.raises(TrainingError, match="run_seed: wanted 4, found 3"):
        trained_model(make_run(house, ZO, seed=4), mask=None, out=tmp_path)
    for change, key in (({"lr": 0.5}, "settings"), (LORA, "adapter")):
        with pytest.raises(TrainingError, match=f"{key}: wanted"):
            trained_model(make_run(house, ZO | change), mask=None, out=tmp_path)
    trained(house, tmp_path, FO)
    with pytest.raises(TrainingError, match="wanted the 28 weights the run trains, found those of another model"):
        trained_model(make_run(house, FO | LORA), mask=None, out=tmp_path)


def test_a_changed_number_in_the_log_is_noticed(house, tmp_path):
    trained(house, tmp_path, ZO)
    content = bytearray((tmp_path / "steps.log").read_bytes())
    content[-2] ^= 1
    (tmp_path / "steps.log").write_bytes(content)
    assert len(read_log(tmp_path / "steps.log").coefficients) == 5
    with pytest.raises(TrainingError, match="wanted weights with checksum"):
        trained_model(make_run(house, ZO), mask=None, out=tmp_path)


def test_a_mask_is_wanted_exactly_where_the_method_has_one(house, tmp_path):
    for method, mask in ((MASKED, None), (ZO, house / "mask")):
        with pytest.raises(ConfigError, match="--mask: wanted"):
            train(make_run(house, method), data=house / "data", mask=mask, out=tmp_path)


def test_a_method_without_training_gives_the_base_model_and_cannot_be_trained(house, tmp_path):
    run = make_run(house, {"kind": "zero_shot"})
    model, _ = trained_model(run, mask=None, out=tmp_path)
    assert all(torch.equal(own, old) for own, old in zip(model.parameters(), base(house).parameters(), strict=True))
    with pytest.raises(ConfigError, match="wanted a kind that trains; found zero_shot"):
        train(run, data=house / "data", mask=None, out=tmp_path)
