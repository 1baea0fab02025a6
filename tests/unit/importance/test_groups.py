from torch import nn

from mazo.importance.groups import FLOOR, layer_groups, needed_bytes


def linear(inputs: int, outputs: int) -> nn.Linear:
    return nn.Linear(inputs, outputs, bias=False, device="meta")


def test_a_layer_needs_three_hessians_and_seven_matrices_of_its_weights_shape():
    assert needed_bytes(linear(100, 10)) == 4 * (3 * 100 * 100 + 7 * 100 * 10)


def test_layers_are_cut_in_order_by_number():
    layers = {name: linear(2, 2) for name in "abcde"}
    assert layer_groups(layers, at_once=2) == [["a", "b"], ["c", "d"], ["e"]]
    assert layer_groups({}, at_once=2) == layer_groups({}, at_once=None) == []


def test_small_layers_all_fit_into_one_pass():
    layers = {str(number): linear(64, 64) for number in range(100)}
    assert layer_groups(layers, at_once=None) == [list(layers)]


def test_a_large_models_layers_share_what_its_largest_layer_needs_alone():
    shapes = {"q": (4096, 4096), "k": (4096, 4096), "gate": (4096, 11008), "down": (11008, 4096)}
    layers = {f"{block}.{part}": linear(*shape) for block in range(3) for part, shape in shapes.items()}
    groups = layer_groups(layers, at_once=None)
    assert [name for group in groups for name in group] == list(layers)
    assert groups == [
        names for block in range(3) for names in ([f"{block}.{p}" for p in shapes][:3], [f"{block}.down"])
    ]
    assert needed_bytes(layers["0.down"]) > FLOOR
