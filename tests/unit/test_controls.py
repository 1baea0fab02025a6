import numpy as np
import pytest
import torch
from toy import toy_model

from mazo.controls import SCORES, below_percentile, control_mask
from mazo.errors import MaskError
from mazo.maskable import maskable_weights
from mazo.masks import jaccard, load_mask, save_mask

WEIGHTS = maskable_weights(toy_model(layers=3))


def mask_of(rule, *, density=0.1, seed=0, layer=None):
    return control_mask(WEIGHTS, rule=rule, density=density, seed=seed, layer=layer)


def marks(mask, name):
    rows, columns = mask.shapes[name]
    flat = torch.zeros(rows * columns, dtype=torch.bool)
    flat[mask.kept[name]] = True
    return flat.view(rows, columns)


@pytest.mark.parametrize("density", [0.1, 0.5])
@pytest.mark.parametrize("rule", SCORES)
def test_every_row_of_every_matrix_keeps_as_many_weights_as_mazos_mask(rule, density):
    mask = mask_of(rule, density=density)
    assert set(mask.kept) == set(WEIGHTS)
    for name, weight in WEIGHTS.items():
        assert marks(mask, name).sum(1).tolist() == [max(1, round(density * weight.shape[1]))] * len(weight)
    assert mask.settings == {"rule": rule, "density": density}


@pytest.mark.parametrize(("rule", "sign"), [("largest", 1), ("smallest", -1)])
def test_size_decides_within_each_row(rule, sign):
    mask = mask_of(rule)
    for name, weight in WEIGHTS.items():
        size, kept = sign * weight.abs(), marks(mask, name)
        for row, own in zip(size, kept, strict=True):
            assert row[own].min() > row[~own].max()


def test_random_masks_follow_from_seed_and_name_alone():
    first, again, other = mask_of("random"), mask_of("random"), mask_of("random", seed=1)
    assert first.hash() == again.hash() != other.hash()
    (name, weight), *_ = WEIGHTS.items()
    alone = control_mask({name: weight * 0}, rule="random", density=0.1, seed=0, layer=None)
    assert torch.equal(alone.kept[name], first.kept[name])
    equal = [own for own in WEIGHTS if WEIGHTS[own].shape == weight.shape]
    assert not torch.equal(first.kept[equal[0]], first.kept[equal[1]])
    overlap = jaccard(first, other)
    # Two independent masks of density rho share rho / (2 - rho) of their union.
    assert sum(overlap.values()) / len(overlap) == pytest.approx(0.125 / (2 - 0.125), abs=0.03)


def test_random_masks_reach_every_column_alike():
    counts = torch.zeros(16)
    for seed in range(400):
        mask = control_mask({"w": torch.zeros(1, 16)}, rule="random", density=0.25, seed=seed, layer=None)
        counts[mask.kept["w"]] += 1
    assert counts.sum() == 1600
    assert (counts - 100).abs().max() < 5 * (100 * 0.75) ** 0.5


@pytest.mark.parametrize(("layer", "chosen"), [(None, 1), (0, 0), (2, 2)])
def test_one_whole_block_is_kept_and_nothing_of_the_others(tmp_path, layer, chosen):
    save_mask(mask_of("layer", layer=layer), tmp_path / "mask")
    mask = load_mask(tmp_path / "mask")
    for name in WEIGHTS:
        assert marks(mask, name).all() if f".{chosen}." in name else not marks(mask, name).any()
    assert mask.density == pytest.approx(1 / 3)
    assert mask.settings == {"rule": "layer", "layer": chosen}


@pytest.mark.parametrize("density", [0.2, 0.5])
def test_sparse_mezo_keeps_the_small_weights_of_a_matrix_whatever_the_row(density):
    mask = mask_of("sparse_mezo", density=density)
    for name, weight in WEIGHTS.items():
        threshold = np.sort(weight.abs().numpy(), axis=None)[round(density * weight.numel()) - 1]
        assert torch.equal(marks(mask, name), weight.abs() <= threshold.item())
        assert len(mask.kept[name]) == round(density * weight.numel())
    assert len(set(marks(mask, name).sum(1).tolist())) > 1
    assert mask.settings == {"rule": "sparse_mezo", "density": density}


def test_weights_of_equal_size_are_kept_together():
    weight = torch.tensor([[0.0, 0.0, 0.0], [1.0, -1.0, 2.0]])
    assert below_percentile(weight, density=1 / 6).tolist() == [[True] * 3, [False] * 3]
    assert below_percentile(weight, density=4 / 6).tolist() == [[True] * 3, [True, True, False]]


def test_a_block_that_is_not_there_is_refused():
    with pytest.raises(MaskError, match=r"mask.layer: wanted one of 0, 1, 2; found 3"):
        mask_of("layer", layer=3)
    with pytest.raises(MaskError, match="wants weights of numbered blocks; found w"):
        control_mask({"w": torch.zeros(2, 2)}, rule="layer", density=0.1, seed=0, layer=None)


def test_an_unknown_rule_raises():
    with pytest.raises(KeyError, match="magnitude"):
        mask_of("magnitude")


@pytest.mark.parametrize("rule", ["smallest", "largest", "sparse_mezo"])
def test_a_matrix_whose_weights_are_all_of_one_size_has_no_mask_by_size(rule):
    """A fresh adapter's B is 0 everywhere: the lowest columns would win every tie."""
    weights = {"lora_A": torch.randn(2, 4, generator=torch.Generator().manual_seed(0)), "lora_B": torch.zeros(4, 2)}
    with pytest.raises(
        MaskError, match=f"mask.rule: {rule} wants weights of several sizes; found lora_B with all at 0"
    ):
        control_mask(weights, rule=rule, density=0.5, seed=0, layer=None)
    assert len(control_mask(weights, rule="random", density=0.5, seed=0, layer=None).kept["lora_B"]) == 4
