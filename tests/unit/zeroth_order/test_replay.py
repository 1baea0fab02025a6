import json

import pytest
import torch
from test_optimizer import optimizer
from toy_problem import Weights, quadratic_losses

from mazo.errors import TrainingError
from mazo.zeroth_order.log import LogWriter, read_log
from mazo.zeroth_order.replay import check_weights, weights_checksum
from mazo.zeroth_order.step_log import StepLog


def logged_run(path, *, steps: int = 10, dtype: torch.dtype = torch.float32, **settings) -> Weights:
    model = Weights(dtype)
    engine = optimizer(model, **settings)
    with StepLog(path, engine, tasks=["a", "b", "c"]) as log:
        for _ in range(steps):
            log.append(engine.step(quadratic_losses(model), quadratic_losses(model)))
    return model


def test_a_log_gives_back_its_header_and_numbers(tmp_path):
    slopes, coefficients = torch.randn(3, 2, 4), torch.randn(3, 2)
    log = LogWriter(tmp_path / "steps.log", {"tasks": list("abcd"), "num_directions": 2, "run_seed": 7})
    for step in range(3):
        log.append(slopes[step], coefficients[step])
    assert not (tmp_path / "steps.log").exists()
    log.finish({})
    read = read_log(tmp_path / "steps.log")
    assert read.header["run_seed"] == 7
    assert torch.equal(read.projected_grads, slopes)
    assert torch.equal(read.coefficients, coefficients)


def test_twenty_thousand_steps_of_eight_tasks_take_less_than_a_megabyte(tmp_path):
    log = LogWriter(tmp_path / "steps.log", {"tasks": list("abcdefgh"), "num_directions": 1})
    for _ in range(20_000):
        log.append(torch.zeros(1, 8), torch.zeros(1))
    log.finish({})
    assert (tmp_path / "steps.log").stat().st_size < 1_000_000


def test_a_torn_last_record_is_not_read(tmp_path):
    logged_run(tmp_path / "steps.log", steps=4)
    whole = (tmp_path / "steps.log").read_bytes()
    (tmp_path / "torn.log").write_bytes(whole[:-5])
    torn, complete = read_log(tmp_path / "torn.log"), read_log(tmp_path / "steps.log")
    assert len(complete.coefficients) == 4
    assert torch.equal(torn.coefficients, complete.coefficients[:3])


def test_a_failed_run_leaves_its_steps_beside_the_logs_place(tmp_path):
    log = LogWriter(tmp_path / "steps.log", {"tasks": ["a"], "num_directions": 1})
    log.append(torch.ones(1, 1), torch.ones(1))
    log.close()
    assert not (tmp_path / "steps.log").exists()
    assert len(read_log(tmp_path / "steps.log.part").coefficients) == 1


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b'{"format": "other"}\n', b"[1]\n"])
def test_a_file_that_is_no_log_is_refused(tmp_path, content):
    (tmp_path / "steps.log").write_bytes(content)
    with pytest.raises(TrainingError, match=r"steps\.log: wanted a step log"):
        read_log(tmp_path / "steps.log")
    with pytest.raises(TrainingError, match=r"absent\.log: wanted a step log"):
        read_log(tmp_path / "absent.log")


def test_the_header_is_one_line_of_json_and_a_finished_one_says_what_came_of_the_run(tmp_path):
    log = LogWriter(tmp_path / "steps.log", {"tasks": ["a"], "num_directions": 1})
    log.append(torch.ones(1, 1), torch.ones(1))
    headers = []
    for path, end in (("steps.log.part", log.close), ("steps.log", lambda: log.finish({"steps": 1}))):
        end()
        headers.append(json.loads((tmp_path / path).read_bytes().split(b"\n", 1)[0]))
    assert headers[0] == {"format": "mazo-steps-1", "tasks": ["a"], "num_directions": 1}
    assert headers[1] == headers[0] | {"steps": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["steps.log"]


def test_checksums_tell_one_changed_bit():
    model = Weights()
    before = weights_checksum(model.named_parameters())
    check_weights(model.named_parameters(), wanted=before, what="weights")
    model.first[0, 0] = 0.0  # it was -0.0
    with pytest.raises(TrainingError, match=f"weights: wanted weights with checksum {before}"):
        check_weights(model.named_parameters(), wanted=before, what="weights")
