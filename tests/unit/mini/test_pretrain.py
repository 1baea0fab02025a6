"""The pretraining run: its pace, its stages, and going on after a stop."""

import pytest
import torch
from safetensors.torch import load_file

from mazo.mini import pretrain as module
from mazo.mini.pretraining import Stage, draw_step, pad

SHORT = (
    Stage(steps=2, clean=1, leaning=0, series=0, plain=1, repeated=1, drilled=1),
    Stage(steps=2, clean=0, leaning=1, series=1, plain=1, repeated=1, drilled=1),
)


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(module, "STAGES", {"llama": SHORT})
    monkeypatch.setattr(module, "PROBE_EVERY", 2)
    monkeypatch.setattr(module, "PROBED", 2)


class StopError(Exception):
    """Stands for a run that is stopped."""


def test_a_stopped_run_goes_on_to_the_same_weights_and_log(short, monkeypatch, tmp_path):
    module.pretrain(tmp_path / "whole", architecture="llama", rows_per_task=30)

    steps = iter(range(3))

    def stopping(pool, random, stage):
        if next(steps, None) is None:
            raise StopError
        return draw_step(pool, random, stage)

    monkeypatch.setattr(module, "draw_step", stopping)
    with pytest.raises(StopError):
        module.pretrain(tmp_path / "stopped", architecture="llama", rows_per_task=30)
    monkeypatch.setattr(module, "draw_step", draw_step)
    module.pretrain(tmp_path / "stopped", architecture="llama", rows_per_task=30)
    whole, stopped = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "stopped"))
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)
    logs = [(tmp_path / name / "pretraining.csv").read_text() for name in ("whole", "stopped")]
    assert logs[0] == logs[1]


def test_the_step_size_warms_up_stays_and_falls_to_a_twentieth():
    total = 8000
    sizes = [module.learning_rate(step, total) for step in (0, module.WARMUP, total // 2, total - 1)]
    assert sizes[0] < sizes[1] == sizes[2] == module.PEAK_LR
    assert sizes[3] == pytest.approx(module.PEAK_LR / 20, rel=0.02)


def test_each_step_belongs_to_its_stage():
    assert [module.stage_at(step, SHORT) for step in range(4)] == [SHORT[0], SHORT[0], SHORT[1], SHORT[1]]


def test_groups_hold_every_document_once_and_no_more_positions_than_allowed():
    documents = [([1] * length, [0.0] + [1.0] * (length - 1)) for length in (5, 30, 7, 12, 12)]
    groups = list(pad(documents, tokens=40))
    assert sum(len(ids) for ids, _ in groups) == len(documents)
    assert sum(int(weights.sum()) for _, weights in groups) == sum(len(ids) - 1 for ids, _ in documents)
    assert all(ids.numel() <= 40 for ids, _ in groups)
