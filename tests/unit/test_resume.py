import json
from zlib import crc32

import pytest
import torch
from prepared import prepare_with_toy_model
from test_train import COBA, FO, FZOO, LORA, MASKED, MTL_LORA, ZO, make_run

import mazo.train
import mazo.trainers
from mazo.errors import TrainingError
from mazo.journal import Journal
from mazo.losses import task_losses
from mazo.maskable import maskable_weights
from mazo.masks import mask_from_scores, save_mask
from mazo.models import load_model
from mazo.train import train, trained_model

UNCOUNTED = {"seconds", "step_seconds", "peak_memory"}


class Killed(BaseException):
    """What a test stops a run with, at a moment of its choice."""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A folder with a model, two tasks' rows and a mask."""
    folder = prepare_with_toy_model(tmp_path_factory.mktemp("house"))
    weights = maskable_weights(load_model(make_run(folder, ZO).model)[0])
    save_mask(mask_from_scores({name: weight.abs() for name, weight in weights.items()}, density=0.1), folder / "mask")
    return folder


@pytest.fixture
def kill(monkeypatch):
    """Stop a run at the so manyth call of a function: before it, or after it."""

    def arm(owner, name, *, call, after=False):
        monkeypatch.undo()
        for name_of in ("SECONDS_BETWEEN_CHECKPOINTS", "LEAST_REST"):
            monkeypatch.setattr(mazo.trainers, name_of, 0.0)
        calls, real = iter(range(call)), getattr(owner, name)

        def deadly(*args, **kwargs):
            last = next(calls, call - 1) == call - 1
            if last and not after:
                raise Killed
            value = real(*args, **kwargs)
            if last:
                raise Killed
            return value

        monkeypatch.setattr(owner, name, deadly)

    yield arm
    monkeypatch.undo()


def go(house, out, method, **changes):
    mask = house / "mask" if "mask" in method else None
    train(make_run(house, method, **changes), data=house, mask=mask, out=out)


def outcome(out):
    """What a run left: the bytes of each file, and its record but for what time and memory it took."""
    files = {file.name: file.read_bytes() for file in out.iterdir()}
    about = json.loads(files.pop("train.json"))
    assert set(about) > UNCOUNTED
    return files, {key: value for key, value in about.items() if key not in UNCOUNTED}


@pytest.mark.parametrize(
    "method",
    [
        *(ZO, MASKED | {"weighting": "famo", "step": "adam"}, MASKED | COBA, ZO | {"precision": "in_place"}),
        *(ZO | {"step": "momentum", "schedule": "cosine"}, ZO | FZOO, ZO | LORA, ZO | {"direction": "subspace"}),
        *(ZO | MTL_LORA | {"objective": "metric"}, FO | {"num_steps": 5}, FO | LORA | {"num_steps": 5}),
        *(FO | {"weighting": "famo", "num_steps": 5}, FO | COBA | {"num_steps": 5, "schedule": "linear"}),
    ],
    ids=str,
)
def test_a_run_killed_twice_ends_with_the_bytes_of_one_that_never_stopped(house, tmp_path, method, kill, monkeypatch):
    go(house, tmp_path / "whole", method)
    for call, after in ((3, True), (1, False)):
        kill(Journal, "append", call=call, after=after)
        with pytest.raises(Killed):
            go(house, tmp_path / "killed", method)
        assert all(file.name.endswith(".part") for file in (tmp_path / "killed").iterdir())
    monkeypatch.undo()
    appended = []
    monkeypatch.setattr(Journal, "append", lambda self, entry, real=Journal.append: appended.append(real(self, entry)))
    go(house, tmp_path / "killed", method)
    # A first-order run's checkpoint follows its step, so the kill between the two cost it one.
    assert len(appended) == (3 if method["kind"] == "first_order" else 2)
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "whole")


@pytest.mark.parametrize("method", [MASKED, FO], ids=["zeroth_order", "first_order"])
@pytest.mark.parametrize(
    ("owner", "name", "after"),
    [
        (mazo.train, "measure_losses", False),
        (mazo.train.Curve, "write", True),
        (mazo.train, "write_json", False),
        (mazo.train, "write_json", True),
        (Journal, "remove", True),
    ],
    ids=["before the first step", "curve written", "before the record", "record written", "journal removed"],
)
def test_a_kill_at_the_beginning_or_the_end_loses_nothing(
    house, tmp_path, method, owner, name, after, kill, monkeypatch
):
    go(house, tmp_path / "whole", method)
    kill(owner, name, call=1, after=after)
    with pytest.raises(Killed):
        go(house, tmp_path / "killed", method)
    monkeypatch.undo()
    go(house, tmp_path / "killed", method)
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "whole")
    mask = house / "mask" if "mask" in method else None
    trained_model(make_run(house, method), mask=mask, out=tmp_path / "killed")


def leave_three_steps(house, out, method, kill, monkeypatch):
    kill(Journal, "append", call=3, after=True)
    with pytest.raises(Killed):
        go(house, out, method)
    monkeypatch.undo()


def test_a_step_whose_numbers_were_damaged_is_done_again(house, tmp_path, kill, monkeypatch):
    go(house, tmp_path / "whole", ZO)
    leave_three_steps(house, tmp_path / "killed", ZO, kill, monkeypatch)
    journal = tmp_path / "killed" / "train.part"
    header, first, second, third = journal.read_bytes().splitlines(keepends=True)
    place = second.index(b'"coefficients": [') + len(b'"coefficients": [') + 3
    digit = second[place : place + 1]
    damaged = second[:place] + (b"1" if digit != b"1" else b"2") + second[place + 1 :]
    journal.write_bytes(header + first + damaged + third)
    go(house, tmp_path / "killed", ZO)
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "whole")


@pytest.mark.parametrize("tail", [b"", b"\0" * 4096, b'{"step": 7}\n', b"\xff\n", b'{"step":'], ids=repr)
@pytest.mark.parametrize("cut", [0, 5])
def test_a_torn_or_garbled_end_is_dropped(house, tmp_path, tail, cut, kill, monkeypatch):
    go(house, tmp_path / "whole", ZO)
    leave_three_steps(house, tmp_path / "killed", ZO, kill, monkeypatch)
    journal = tmp_path / "killed" / "train.part"
    whole = journal.read_bytes()
    journal.write_bytes(whole[: len(whole) - cut] + tail)
    go(house, tmp_path / "killed", ZO)
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "whole")


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"method": ZO | {"lr": 2e-3}}, "settings"),
        ({"seed": 4}, "settings"),
        ({"model": {"dtype": "bfloat16"}}, "settings, model"),
    ],
    ids=["lr", "seed", "dtype"],
)
def test_what_another_run_left_is_not_taken_up(house, tmp_path, changes, key, kill, monkeypatch, capsys):
    leave_three_steps(house, tmp_path / "killed", ZO, kill, monkeypatch)
    if "model" in changes:
        changes["model"] = {"path": str(house / "model"), **changes["model"]}
    capsys.readouterr()
    for name in ("killed", "whole"):
        go(house, tmp_path / name, **{"method": ZO, **changes})
    said = capsys.readouterr().out
    assert f"train.part: left by another run ({key} changed since): training begins anew" in said
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "whole")


def test_changed_rows_and_another_mask_are_noticed(house, tmp_path, kill, monkeypatch, capsys):
    data = prepare_with_toy_model(tmp_path / "data")
    weights = maskable_weights(load_model(make_run(house, ZO).model)[0])
    save_mask(mask_from_scores({name: weight.abs() for name, weight in weights.items()}, density=0.2), data / "mask")
    leave_three_steps(data, tmp_path / "killed", MASKED, kill, monkeypatch)
    rows = (data / "rte" / "train.jsonl").read_text().splitlines(keepends=True)
    (data / "rte" / "train.jsonl").write_text("".join(reversed(rows)))
    (data / "rte" / "report.json").unlink()
    save_mask(mask_from_scores({name: -weight.abs() for name, weight in weights.items()}, density=0.2), data / "mask")
    go(data, tmp_path / "killed", MASKED)
    assert "left by another run (mask, data changed since)" in capsys.readouterr().out


def test_a_damaged_first_line_or_checkpoint_means_that_training_begins_anew(house, tmp_path, kill, monkeypatch, capsys):
    method = FO | {"num_steps": 4}
    go(house, tmp_path / "whole", method)
    for name, content in (("train.part", b"[1]\n{}\n"), ("checkpoint.part", b"\0" * 64)):
        leave_three_steps(house, tmp_path / "killed", method, kill, monkeypatch)
        (tmp_path / "killed" / name).write_bytes(content)
        go(house, tmp_path / "killed", method)
        assert "training begins anew" in capsys.readouterr().out
        assert outcome(tmp_path / "killed") == outcome(tmp_path / "whole")


def test_seconds_of_all_sessions_add_up(house, tmp_path, kill, monkeypatch):
    leave_three_steps(house, tmp_path, ZO, kill, monkeypatch)
    journal = tmp_path / "train.part"
    *lines, last = journal.read_bytes().splitlines(keepends=True)
    entry = json.loads(last[9:]) | {"seconds": 1000.0, "step_seconds": 400.0, "peak_memory": 2**50}
    text = json.dumps(entry).encode()
    journal.write_bytes(b"".join([*lines, b"%08x %s\n" % (crc32(text), text)]))
    go(house, tmp_path, ZO)
    about = json.loads((tmp_path / "train.json").read_text())
    assert about["seconds"] > 1000 and about["step_seconds"] > 400
    assert about["peak_memory"] == 2**50


def test_two_processes_do_not_train_one_run(tmp_path):
    first = Journal(tmp_path / "train.part", {"run": "a"})
    with pytest.raises(TrainingError, match="wanted one process that trains this run; found another at work"):
        Journal(tmp_path / "train.part", {"run": "a"})
    first.close()
    Journal(tmp_path / "train.part", {"run": "a"}).close()


def test_a_second_process_that_is_refused_leaves_the_first_ones_steps_alone(house, tmp_path, monkeypatch):
    go(house, tmp_path / "alone", ZO)
    real, refused = mazo.train.StepBatches.training, []

    def start_another(self, step):
        if step == 2 and not refused:
            refused.append(step)
            with pytest.raises(TrainingError, match="found another at work"):
                go(house, tmp_path / "run", ZO)
        return real(self, step)

    monkeypatch.setattr(mazo.train.StepBatches, "training", start_another)
    go(house, tmp_path / "run", ZO)
    assert refused and outcome(tmp_path / "run") == outcome(tmp_path / "alone")


def test_a_diverged_run_diverges_again_at_the_same_step(house, tmp_path, monkeypatch):
    real, seen = mazo.train.StepBatches.training, []
    monkeypatch.setattr(mazo.train.StepBatches, "training", lambda self, step: seen.append(step) or real(self, step))
    nan = torch.full((2,), torch.nan)
    monkeypatch.setitem(
        mazo.trainers.OBJECTIVES, "loss", lambda *batch, **tasks: nan if seen[-1] == 2 else task_losses(*batch, **tasks)
    )
    for _ in range(2):
        with pytest.raises(TrainingError, match="step 2: wanted finite"):
            go(house, tmp_path, ZO)
    assert seen == [0, 1, 2, 2]
