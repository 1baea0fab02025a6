import inspect

import pytest
import torch
from test_optimizer import DTYPES, VARIANTS, optimizer
from test_replay import logged_run
from toy_problem import Weights, bits, mask_of, quadratic_losses

from mazo.errors import MaskError, TrainingError
from mazo.masks import Mask
from mazo.zeroth_order import StepLog, ZerothOrderOptimizer, read_log, replay_log_

IN_PLACE = {"precision": "in_place", "mask_mode": "update"}


@pytest.mark.parametrize(
    "settings", [*VARIANTS, {"mask_mode": "update"}, {"precision": "in_place", "num_directions": 2}, IN_PLACE], ids=str
)
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
def test_base_model_mask_and_log_alone_rebuild_the_weights_bit_for_bit(tmp_path, settings, masked):
    model = logged_run(tmp_path / "steps.log", masked=masked, **settings)
    rebuilt = Weights()
    replay_log_(rebuilt.named_parameters(), tmp_path / "steps.log", mask=mask_of(rebuilt) if masked else None)
    assert bits(rebuilt) == bits(model) != bits(Weights())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_log_names_the_type_of_the_weights_and_refuses_another(tmp_path, dtype):
    model = logged_run(tmp_path / "steps.log", dtype=dtype)
    rebuilt = Weights(dtype)
    header = replay_log_(rebuilt.named_parameters(), tmp_path / "steps.log").header
    assert getattr(torch, header["dtype"]) == dtype
    assert bits(rebuilt) == bits(model)
    other = Weights(torch.float16 if dtype == torch.float32 else torch.float32)
    with pytest.raises(TrainingError, match=rf"base model \({header['dtype']}\): wanted weights with checksum"):
        replay_log_(other.named_parameters(), tmp_path / "steps.log")


def test_every_setting_of_the_optimizer_is_in_the_log(tmp_path):
    logged_run(tmp_path / "steps.log", weight_decay=0.5, num_directions=2)
    header = read_log(tmp_path / "steps.log").header
    elsewhere = {"self", "named_parameters", "run_seed", "mask", "num_steps"}
    assert set(header["settings"]) == set(inspect.signature(ZerothOrderOptimizer.__init__).parameters) - elsewhere
    assert (header["settings"]["weight_decay"], header["settings"]["num_directions"]) == (0.5, 2)
    assert (header["run_seed"], header["num_steps"], header["steps"], header["mask"]) == (0, 100, 10, None)


def test_another_mask_is_refused_by_its_hash(tmp_path):
    logged_run(tmp_path / "masked.log", masked=True)
    logged_run(tmp_path / "plain.log")
    mask = mask_of(Weights())
    other = Mask({**mask.kept, "first": mask.kept["first"][1:]}, mask.shapes)
    for log, given, message in (
        ("masked.log", other, f"mask: wanted hash {mask.hash()}, found {other.hash()}"),
        ("masked.log", None, f"mask: wanted hash {mask.hash()}, found no mask"),
        ("plain.log", mask, f"mask: wanted none, found {mask.hash()}"),
    ):
        with pytest.raises(MaskError, match=message):
            replay_log_(Weights().named_parameters(), tmp_path / log, mask=given)


def test_a_changed_number_a_lost_step_and_another_base_model_are_noticed(tmp_path):
    logged_run(tmp_path / "steps.log")
    whole = (tmp_path / "steps.log").read_bytes()
    changed = whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:]
    for content, message in ((changed, "replay: wanted weights"), (whole[:-16], "wanted 10 steps, found 9")):
        (tmp_path / "bad.log").write_bytes(content)
        with pytest.raises(TrainingError, match=message):
            replay_log_(Weights().named_parameters(), tmp_path / "bad.log")
    other = Weights()
    other.norm[0] += 1
    with pytest.raises(TrainingError, match="base model"):
        replay_log_(other.named_parameters(), tmp_path / "steps.log")


def test_a_run_that_failed_leaves_its_steps_and_cannot_be_replayed(tmp_path):
    model = Weights()
    engine = optimizer(model)
    with pytest.raises(TrainingError, match="finite"), StepLog(tmp_path / "steps.log", engine, tasks=["a"]) as log:
        log.append(engine.step(quadratic_losses(model, tasks=1)))
        engine.step(lambda: torch.tensor([float("nan")]))
    assert [file.name for file in tmp_path.iterdir()] == ["steps.log.part"]
    with pytest.raises(TrainingError, match="wanted the log of a finished run; its header lacks checksum, steps"):
        replay_log_(Weights().named_parameters(), tmp_path / "steps.log.part")


def test_a_log_opened_after_the_first_step_is_refused(tmp_path):
    model = Weights()
    engine = optimizer(model)
    engine.step(quadratic_losses(model))
    with pytest.raises(TrainingError, match="before its first step, found 1 done"):
        StepLog(tmp_path / "steps.log", engine, tasks=["a", "b", "c"])


def test_a_log_that_something_else_wrote_to_is_not_finished(tmp_path):
    model = Weights()
    engine = optimizer(model)
    log = StepLog(tmp_path / "steps.log", engine, tasks=["a"])
    log.append(engine.step(quadratic_losses(model, tasks=1)))
    (tmp_path / "steps.log.part").write_bytes(b"{}\n")
    log.append(engine.step(quadratic_losses(model, tasks=1)))
    with pytest.raises(TrainingError, match="wanted the steps of this run, found others"):
        log.finish()
    assert not (tmp_path / "steps.log").exists()
