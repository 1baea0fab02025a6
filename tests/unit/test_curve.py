import pytest
import torch

from mazo.curve import Curve, read_curve
from mazo.errors import DataError
from mazo.files import sha256, write_json


def test_training_losses_are_means_over_each_window_and_dev_losses_stand_as_measured(tmp_path):
    curve = Curve(["a", "b"])
    curve.report_dev(0, torch.tensor([5.0, 6.0]))
    for losses in ([1.0, 2.0], [3.0, 4.0]):
        curve.add_train(torch.tensor(losses))
    curve.report_train(2)
    curve.add_train(torch.tensor([7.0, 8.0]))
    curve.report_train(3)
    curve.write(tmp_path / "curve.csv")
    assert (tmp_path / "curve.csv").read_text().splitlines() == [
        "step,task,split,loss",
        "0,a,dev,5.000000",
        "0,b,dev,6.000000",
        "2,a,train,2.000000",
        "2,b,train,3.000000",
        "3,a,train,7.000000",
        "3,b,train,8.000000",
    ]


def test_a_curve_is_checked_against_the_hash_that_training_left(tmp_path):
    file = tmp_path / "curve.csv"
    file.write_text("step,task,split,loss\n0,a,dev,5.000000\n2,a,dev,4.000000\n")
    assert read_curve(file)["loss"].tolist() == [5.0, 4.0]
    write_json(tmp_path / "train.json", {"checksum": "of before"})
    assert len(read_curve(file)) == 2
    write_json(tmp_path / "train.json", {"curve_checksum": sha256(file)})
    assert len(read_curve(file)) == 2
    file.write_text("step,task,split,loss\n0,a,dev,5.000000\n")
    with pytest.raises(DataError, match=r"curve\.csv: wanted the curve as training left it, hash .*: train again"):
        read_curve(file)


@pytest.mark.parametrize("row", ["0,a,dev,low", "0,a,dev,", "0.5,a,dev,1", "0,a,dev,1,2"])
def test_a_row_that_is_none_is_refused(tmp_path, row):
    (tmp_path / "curve.csv").write_text(f"step,task,split,loss\n0,a,dev,5.000000\n{row}\n")
    with pytest.raises(DataError, match=r"curve\.csv: a run's loss curve cannot be read \("):
        read_curve(tmp_path / "curve.csv")
