import pytest
import torch
from torch import nn

from mazo.importance.calibration import calibrate

REAL = [torch.tensor([[True, True, True], [True, False, False]]), torch.tensor([[True, True, False]])]


@pytest.fixture
def network() -> nn.Sequential:
    layers = [nn.Linear(4, 3, bias=False), nn.Tanh(), nn.Linear(3, 2, bias=False)]
    network = nn.Sequential(*layers).requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for weight in network.parameters():
        weight.copy_(torch.randn(weight.shape, generator=generator))
    return network


def layers_of(network: nn.Module) -> dict[str, nn.Linear]:
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Linear)}


def inputs() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(*real.shape, 4, generator=generator) for real in REAL]


def parts(network: nn.Module):
    """Two micro-batches of a mean loss over four real tokens and two more, padding left out."""
    return [
        (real, lambda real=real, values=values: network(values)[real].square().sum() / 6)
        for real, values in zip(REAL, inputs(), strict=True)
    ]


def test_gradients_are_those_of_the_mean_loss_and_are_freed(network):
    found = calibrate(layers_of(network), parts(network), gradients=True, hessian="gram").gradients
    assert all(weight.grad is None and not weight.requires_grad for weight in network.parameters())
    network.requires_grad_(True)
    sum(loss() for _, loss in parts(network)).backward()
    for name, layer in layers_of(network).items():
        torch.testing.assert_close(found[name], layer.weight.grad)


def test_the_gram_matrix_holds_real_tokens_and_no_padding(network):
    moments = calibrate(layers_of(network), parts(network), gradients=False, hessian="gram").moments
    tokens = torch.cat([values[real] for values, real in zip(inputs(), REAL, strict=True)])
    torch.testing.assert_close(moments["0"].gram(), 2 / 6 * tokens.T @ tokens)
    hidden = network[:2](tokens)
    torch.testing.assert_close(moments["2"].gram(), 2 / 6 * hidden.T @ hidden)


def test_the_fisher_weights_are_the_mean_squared_slopes_of_the_layers_outputs(network):
    moments = calibrate(layers_of(network), parts(network), gradients=True, hessian="fisher").moments
    tokens = torch.cat([values[real] for values, real in zip(inputs(), REAL, strict=True)])
    hidden = network[:2](tokens)
    slopes = 2 / 6 * network[2](hidden)
    wanted = 6 * (hidden * slopes.square().mean(1, keepdim=True)).T @ hidden
    torch.testing.assert_close(moments["2"].fisher(6), wanted)


def test_hooks_are_gone_afterwards_and_only_the_asked_layers_are_recorded(network):
    recorder = calibrate({"2": network[2]}, parts(network), gradients=True, hessian="gram")
    assert set(recorder.gradients) == set(recorder.moments) == {"2"}
    assert not any(layer._forward_hooks for layer in network)
    assert not any(weight._post_accumulate_grad_hooks for weight in network.parameters())


def test_a_failing_loss_leaves_no_hook_behind(network):
    def fail() -> torch.Tensor:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        calibrate(layers_of(network), [(REAL[0], fail)], gradients=True, hessian="gram")
    assert not any(layer._forward_hooks for layer in network)
    assert not any(weight.requires_grad for weight in network.parameters())
