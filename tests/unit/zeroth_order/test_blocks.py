import torch
from toy_problem import Weights, bits, mask_of

from mazo.zeroth_order.blocks import groups
from mazo.zeroth_order.coordinates import hold
from mazo.zeroth_order.direction import FACTORED, Direction
from mazo.zeroth_order.distributions import BLOCK

HOW = {"mask_mode": "direction", "precision": "master"}


def held(model: Weights, *, distribution: str = "gaussian", density: float | None = None):
    mask = None if density is None else mask_of(model, density=density)
    coordinates = hold(dict(model.named_parameters()), mask=mask, **HOW)
    shapes = {name: tuple(weight.shape) for name, weight in model.named_parameters()}
    factored = FACTORED[distribution](shapes, rank=2, period=1) if distribution in FACTORED else None
    sizes = {name: tensor.size for name, tensor in coordinates.items()}
    return coordinates, Direction(0, 0, 0, distribution, sizes, factored)


def test_blocks_cover_every_number_once_in_order_and_fill_a_memory_at_most():
    coordinates, z = held(Weights(width=20_000))
    found = [[(block.name, block.start, block.part.size) for block in group] for group in groups(coordinates, z)]
    rest = 80_000 - BLOCK
    assert found == [
        [("first", 0, BLOCK)],
        [("first", BLOCK, rest)],
        [("second", 0, BLOCK)],
        [("second", BLOCK, rest), ("norm", 0, 20_000)],
    ]


def test_short_tensors_are_drawn_together_each_to_a_place_of_its_own():
    coordinates, z = held(Weights(), density=0.5)
    (group,) = groups(coordinates, z)
    numbers = [block.draw(z) for block in group]
    for block, drawn in zip(group, numbers, strict=True):
        assert torch.equal(drawn, z.draw(block.name))


def test_a_tensor_whose_direction_comes_whole_is_one_block():
    coordinates, z = held(Weights(width=20_000), distribution="low_rank")
    blocks = [block for group in groups(coordinates, z) for block in group]
    assert [(block.name, block.part.size) for block in blocks] == [
        ("first", 80_000),
        ("second", 80_000),
        ("norm", 20_000),
    ]
    assert torch.equal(blocks[0].draw(z), z.draw("first"))


def test_a_block_is_moved_and_stepped_alone():
    model = Weights(width=20_000)
    before = bits(model)
    coordinates, _ = held(model)
    (start, part) = coordinates["first"].parts[1]
    part.step_(lambda theta: theta.add_(1.0))
    changed = torch.frombuffer(bytearray(bits(model)["first"]), dtype=torch.float32)
    old = torch.frombuffer(bytearray(before["first"]), dtype=torch.float32)
    assert torch.equal(changed[:start], old[:start]) and torch.equal(changed[start:], old[start:] + 1)
    coordinates["first"].settle_()  # the whole and its parts share theta
    assert torch.equal(model.first.flatten(), changed)
