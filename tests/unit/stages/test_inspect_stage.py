import json

import pytest
import torch
from hand_made import record
from safetensors.torch import save_file

from mazo.cli import main
from mazo.masks import mask_from_scores, save_mask
from mazo.records import write_record
from mazo.zeroth_order.log import LogWriter


@pytest.fixture
def files(tmp_path):
    for name, density in (("a", 0.25), ("b", 0.5)):
        save_mask(mask_from_scores({"w": torch.arange(16.0).view(2, 8)}, density=density), tmp_path / name)
    LogWriter(tmp_path / "log", {"tasks": ["a"], "num_directions": 1}).finish({})
    write_record(record("mazo", 1, {"rte": 0.75}), tmp_path / "record")
    return tmp_path


def test_every_kind_of_file_is_told_in_the_order_given_and_two_masks_compared(files, capsys):
    assert main(["inspect", *(str(files / name) for name in ("log", "a", "record", "b"))]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if line and not line.startswith(" ")]
    wanted = [f"{files / 'log'}: step log", f"{files / 'a'}: mask", f"{files / 'record'}: record"]
    assert [head for head in heads if ": " in head or head.startswith("overlap")] == [
        *wanted,
        f"{files / 'b'}: mask",
        "overlap of the two masks",
    ]
    assert any(line.split() == ["w", "0.5000"] for line in lines)


@pytest.mark.parametrize("name", ["mask.png", "mask.svg"])
def test_the_picture_of_a_mask_is_written_the_same_every_time(files, name):
    for _ in range(2):
        assert main(["inspect", str(files / "a"), "--picture", str(files / name)]) == 0
    assert (files / name).read_bytes()[1:4] in (b"PNG", b"?xm")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "wanted a mask (mask.safetensors), a step log (steps.log) or a record (record.json); found nothing"),
        (b"", "found b''"),
        (b"\x00\x01binary", "found b'\\x00\\x01binary'"),
        (b'{"a": 1}', "not a run's record"),
        (b"{not json", "not a run's record"),
        (b'{"format": "mazo-steps-9"}\n', "wanted a step log of format mazo-steps-1"),
    ],
)
def test_anything_else_is_one_line_and_status_2(tmp_path, capsys, content, message):
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    assert main(["inspect", str(tmp_path / "file")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"mazo: {tmp_path / 'file'}: ")
    assert message in error
    assert error.count("\n") == 1


def test_a_folder_tensors_without_a_mask_and_a_picture_of_no_mask_are_refused(files, capsys):
    save_file({"w": torch.zeros(2)}, files / "weights")
    for arguments, message in (
        ([str(files)], "found a folder"),
        ([str(files / "weights")], "wanted a mask of format mazo-mask-1, found tensors without one"),
        ([str(files / "log"), "--picture", "x.png"], "--picture: wanted a mask to draw"),
        ([str(files / "a"), "--picture", "x.pdf"], "x.pdf: wanted a name that ends in .svg or .png; found '.pdf'"),
    ):
        assert main(["inspect", *arguments]) == 2
        assert message in capsys.readouterr().err


def test_a_record_names_its_fault(files, capsys):
    content = json.loads((files / "record").read_text())
    del content["forwards"]
    (files / "record").write_text(json.dumps(content))
    assert main(["inspect", str(files / "record")]) == 2
    assert "not a run's record: forwards: Field required" in capsys.readouterr().err
