import torch

from mazo.importance.parts import PartFiles


def test_tensors_come_back_bit_for_bit_under_any_name(tmp_path):
    parts = PartFiles(tmp_path / "parts", key="a")
    assert "slopes/rte" not in parts
    parts["slopes/rte"] = torch.tensor([0.1, -3e-39, float("inf")])
    parts["x.weight"] = torch.arange(6.0).view(2, 3).T
    again = PartFiles(tmp_path / "parts", key="a")
    assert torch.equal(again["slopes/rte"], torch.tensor([0.1, -3e-39, float("inf")]))
    assert torch.equal(again["x.weight"], torch.arange(6.0).view(2, 3).T)


def test_another_key_sees_none_of_them_and_removes_them(tmp_path):
    PartFiles(tmp_path / "parts", key="a")["x"] = torch.ones(1)
    assert "x" not in PartFiles(tmp_path / "parts", key="b")
    assert "x" not in PartFiles(tmp_path / "parts", key="a")


def test_a_tensor_half_written_is_not_there(tmp_path):
    parts = PartFiles(tmp_path / "parts", key="a")
    parts["x"] = torch.ones(1)
    (file,) = (tmp_path / "parts" / "a").iterdir()
    file.rename(file.with_name(f".{file.name}.123.part"))
    assert "x" not in parts


def test_removed_parts_leave_no_folder(tmp_path):
    parts = PartFiles(tmp_path / "parts", key="a")
    parts["x"] = torch.ones(1)
    parts.remove()
    assert not (tmp_path / "parts").exists()
