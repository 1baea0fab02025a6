import torch

from mazo.curve import Curve


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
