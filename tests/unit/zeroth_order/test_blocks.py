from collections import defaultdict

import pytest
import torch
from torch import Tensor
from toy_problem import Weights, bits, mask_of

from mazo.zeroth_order.blocks import blocks
from mazo.zeroth_order.direction import DISTRIBUTIONS, FACTORED, Direction
from mazo.zeroth_order.distributions import BLOCK
from mazo.zeroth_order.hold import hold
from mazo.zeroth_order.write import in_memory

HOW = {"mask_mode": "direction", "precision": "master"}


def held(model: Weights, *, distribution: str = "gaussian", density: float | None = None):
    mask = None if density is None else mask_of(model, density=density)
    coordinates = hold(dict(model.named_parameters()), mask=mask, **HOW)
    shapes = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
    factored = FACTORED[distribution](shapes, rank=2, period=1) if distribution in FACTORED else None
    sizes = {name: tensor.size for name, tensor in coordinates.items()}
    return coordinates, Direction(0, 0, 0, distribution, sizes, factored)


def test_blocks_cover_every_number_once_in_order():
    coordinates, _ = held(Weights(width=80_000))
    found = [(block.name, block.start, block.part.size) for block in blocks(coordinates)]
    rest = 320_000 - BLOCK
    assert found == [
        *(("first", 0, BLOCK), ("first", BLOCK, rest)),
        *(("second", 0, BLOCK), ("second", BLOCK, rest), ("norm", 0, 80_000)),
    ]


@pytest.mark.parametrize(("distribution", "density"), [("gaussian", 0.5), *((name, None) for name in DISTRIBUTIONS)])
def test_blocks_have_a_direction_between_them(distribution, density):
    coordinates, z = held(Weights(width=160_001), distribution=distribution, density=density)
    drawn: dict[str, list[Tensor]] = defaultdict(list)
    for block in blocks(coordinates):
        drawn[block.name].append(in_memory(block.numbers(z)))
    assert set(drawn) == set(coordinates)
    for name, stretches in drawn.items():
        assert torch.equal(torch.cat(stretches), z.draw(name))


def test_a_block_is_moved_and_stepped_alone():
    model = Weights(width=80_000)
    before = bits(model)
    coordinates, _ = held(model)
    (start, part) = coordinates["first"].parts[1]
    part.step_(lambda theta: theta.add_(1.0))
    assert bits(model) == before  # theta alone is stepped
    part.settle_()
    changed = torch.frombuffer(bytearray(bits(model)["first"]), dtype=torch.float32)
    old = torch.frombuffer(bytearray(before["first"]), dtype=torch.float32)
    assert torch.equal(changed[:start], old[:start]) and torch.equal(changed[start:], old[start:] + 1)
    coordinates["first"].settle_()  # the whole and its parts share theta
    assert torch.equal(model.first.flatten(), changed)
