import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from mazo.errors import MaskError
from mazo.masks import Mask, jaccard, load_mask, mask_from_marks, mask_from_scores, save_mask, top_k_per_row, union


def scores(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@given(rows=st.integers(1, 6), columns=st.integers(1, 40), density=st.floats(1e-3, 1), seed=st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_every_row_keeps_exactly_k_weights_and_none_below_a_frozen_one(rows, columns, density, seed):
    matrix = scores(rows, columns, seed=seed)
    kept = top_k_per_row(matrix, density=density)
    assert kept.sum(1).tolist() == [max(1, round(density * columns))] * rows
    for row, marks in zip(matrix, kept, strict=True):
        assert marks.all() or row[marks].min() >= row[~marks].max()


def test_ties_go_to_the_lower_column():
    kept = top_k_per_row(torch.tensor([[1.0, 2.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0]]), density=0.5)
    assert kept.tolist() == [[False, True, True, False], [True, True, False, False]]


@pytest.mark.parametrize("values", [2, 5, 1000])
@pytest.mark.parametrize("density", [0.05, 0.3, 1.0])
def test_the_kept_are_the_first_in_a_stable_order_of_the_row(values, density):
    matrix = (scores(40, 60) * values).floor() / 7  # many ties, few, or none
    columns = matrix.argsort(dim=1, descending=True, stable=True)[:, : round(density * 60)]
    kept = top_k_per_row(matrix, density=density)
    assert torch.equal(kept, torch.zeros(40, 60, dtype=torch.bool).scatter_(1, columns, True))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_scores_of_16_bits_make_a_mask(dtype):
    matrix = scores(20, 40).to(dtype)
    assert torch.equal(top_k_per_row(matrix, density=0.2), top_k_per_row(matrix.float(), density=0.2))


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(MaskError, match="found 2 that are not"):
        top_k_per_row(torch.tensor([[1.0, float("nan"), float("inf")]]), density=0.5)


@pytest.mark.parametrize("density", [0.0, -0.1, 1.5])
def test_a_density_out_of_range_is_refused(density):
    with pytest.raises(MaskError, match=r"density: wanted a share in \(0, 1\]"):
        top_k_per_row(scores(2, 4), density=density)


@pytest.mark.parametrize("density", [0.01, 0.05, 0.5, 1.0])
def test_a_saved_mask_comes_back_equal_and_equal_masks_have_equal_bytes(tmp_path, density):
    mask = mask_from_scores({"b": scores(8, 200), "a": scores(3, 7)}, density=density, settings={"alpha": 1.0})
    save_mask(mask, tmp_path / "one")
    save_mask(mask, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    loaded = load_mask(tmp_path / "one")
    assert loaded.hash() == mask.hash()
    assert loaded.shapes == mask.shapes == {"b": (8, 200), "a": (3, 7)}
    assert loaded.settings == {"density": density, "alpha": 1.0}
    assert all(torch.equal(loaded.kept[name], mask.kept[name]) for name in mask.kept)


def test_the_smaller_of_indices_and_bits_is_stored(tmp_path):
    for density, kind, size in ((0.01, "columns", 64 * 10 * 2 + 64 * 4), (0.5, "bits", 64 * 1000 // 8)):
        save_mask(mask_from_scores({"w": scores(64, 1000)}, density=density), tmp_path / "mask")
        with safe_open(tmp_path / "mask", framework="numpy") as file:
            assert any(key.endswith(kind) for key in file.keys())  # noqa: SIM118
            assert sum(file.get_tensor(key).nbytes for key in file.keys()) == size  # noqa: SIM118
            about = json.loads(file.metadata()["mazo"])
        assert about["density"] == pytest.approx(density, abs=1e-3)


def test_rows_with_unequal_counts_are_stored_too(tmp_path):
    marks = torch.zeros(3, 100, dtype=torch.bool)
    marks[0, 5] = marks[2, :4] = True
    mask = mask_from_marks({"w": marks}, settings={})
    save_mask(mask, tmp_path / "mask")
    assert load_mask(tmp_path / "mask").kept["w"].tolist() == [5, 200, 201, 202, 203]


def test_a_changed_position_changes_the_hash_and_settings_do_not():
    mask = Mask({"w": torch.tensor([1, 5])}, {"w": (2, 4)})
    assert mask.hash() == Mask(mask.kept, mask.shapes, {"alpha": 1.0}).hash()
    assert mask.hash() != Mask({"w": torch.tensor([1, 6])}, mask.shapes).hash()
    assert mask.hash() != Mask(mask.kept, {"w": (4, 2)}).hash()
    assert mask.density == 0.25


def test_a_damaged_file_is_refused(tmp_path):
    save_mask(mask_from_scores({"w": scores(8, 200)}, density=0.05), tmp_path / "mask")
    content = bytearray((tmp_path / "mask").read_bytes())
    content[-1] ^= 1
    (tmp_path / "mask").write_bytes(content)
    with pytest.raises(MaskError, match="the file is damaged"):
        load_mask(tmp_path / "mask")
    for name, content in (("text", b"not a mask"), ("absent", None)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(MaskError, match=f"{name}: wanted a mask file"):
            load_mask(tmp_path / name)


def test_the_overlap_of_two_masks_is_their_intersection_over_their_union():
    first = Mask({"v": torch.tensor([0]), "w": torch.tensor([0, 1, 2])}, {"v": (1, 2), "w": (2, 4)})
    second = Mask({"w": torch.tensor([1, 2, 3])}, {"w": (2, 4)})
    assert jaccard(first, second) == {"w": 0.5}
    assert jaccard(first, first) == {"v": 1.0, "w": 1.0}
    nothing = Mask({"w": torch.tensor([], dtype=torch.int64)}, {"w": (2, 4)})
    assert jaccard(nothing, nothing) == {"w": 1.0}
    assert jaccard(nothing, second) == {"w": 0.0}


def test_the_union_of_two_masks_keeps_what_either_keeps(tmp_path):
    first = Mask({"v": torch.tensor([0]), "w": torch.tensor([0, 2])}, {"v": (1, 2), "w": (2, 4)}, {"density": 0.5})
    second = Mask({"w": torch.tensor([1, 2, 3]), "x": torch.tensor([1])}, {"w": (2, 4), "x": (1, 2)})
    both = union(first, second)
    assert {name: kept.tolist() for name, kept in both.kept.items()} == {"v": [0], "w": [0, 1, 2, 3], "x": [1]}
    save_mask(both, tmp_path / "mask")
    assert load_mask(tmp_path / "mask").hash() == both.hash()
    with pytest.raises(MaskError, match=r"w: wanted the mask's shape \(4, 2\)"):
        union(first, Mask({"w": torch.tensor([1])}, {"w": (4, 2)}))


@pytest.mark.parametrize("positions", [[3, 1], [1, 1], [-1, 2], [0, 8], [10**10]])
def test_positions_out_of_order_or_of_the_matrix_are_refused(positions):
    with pytest.raises(MaskError, match=r"mask: .*wanted"):
        Mask({"w": torch.tensor(positions)}, {"w": (2, 4)})
