import numpy as np
import pytest
import torch

from mazo.gaps import Gaps, GapsByName


@pytest.mark.parametrize(
    ("positions", "integers"),
    [
        ([], "uint8"),
        ([0], "uint8"),
        ([5, 6, 261], "uint8"),
        ([256], "uint16"),
        ([1, 257, 65_792], "uint16"),
        ([3, 65_539], "uint32"),
        ([0, 2**32], "uint64"),
    ],
)
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_positions_come_back_from_the_shortest_integers_that_hold_their_steps(positions, integers, dtype):
    if positions and positions[-1] >= 2**31 and dtype == torch.int32:
        pytest.skip("no such position")
    gaps = Gaps.of(torch.tensor(positions, dtype=dtype))
    assert gaps.steps.dtype == integers
    assert gaps.positions().tolist() == positions
    assert len(gaps) == len(positions)


def test_a_stretch_has_the_positions_it_had_and_shares_their_memory():
    positions = torch.randperm(100_000, generator=torch.Generator().manual_seed(0))[:5000].sort().values
    gaps = Gaps.of(positions)
    for start, end in [(0, 10), (4990, 5000), (17, 3001), (20, 20)]:
        stretch = gaps[start:end]
        assert stretch.positions().tolist() == positions[start:end].tolist()
        assert np.shares_memory(stretch.steps, gaps.steps) or start == end
    assert gaps[10:20].positions().tolist() == positions[10:20].tolist()  # before one that was asked for earlier
    assert gaps.end == positions[-1] + 1 and Gaps.of(positions[:0]).end == 0
    assert gaps[100:300][50:60].positions().tolist() == positions[150:160].tolist()


@pytest.mark.parametrize("positions", [[-1], [3, 3], [3, 2], [0, 0]])
def test_positions_that_do_not_ascend_are_refused(positions):
    with pytest.raises(ValueError, match="wanted ascending"):
        Gaps.of(torch.tensor(positions))


def test_positions_by_name_are_a_mapping_to_tensors():
    held = GapsByName({"w": Gaps.of(torch.tensor([1, 5])), "v": Gaps.of(torch.tensor([0]))})
    assert {name: places.tolist() for name, places in held.items()} == {"w": [1, 5], "v": [0]}
    assert held["w"].dtype == torch.int64 and "u" not in held and len(held) == 2
