import pytest
import torch
from toy_problem import Weights, bits, quadratic_losses

from mazo.zeroth_order.direction import Direction
from mazo.zeroth_order.estimate import losses_along_, one_sided_, two_point_
from mazo.zeroth_order.hold import hold


def held(model: Weights, *, num_directions: int = 1, distribution: str = "gaussian"):
    coordinates = hold(dict(model.named_parameters()), mask=None, mask_mode="direction", precision="master")
    sizes = {name: tensor.size for name, tensor in coordinates.items()}
    return coordinates, [Direction(0, 0, index, distribution, sizes) for index in range(num_directions)]


def flat(z: Direction) -> torch.Tensor:
    return torch.cat([z.draw(name) for name in z.sizes]).double()


def gradients(model: Weights, *, tasks: int = 3) -> torch.Tensor:
    """Return theta - target_t, the exact gradients of the quadratic losses."""
    generator = torch.Generator().manual_seed(1)
    targets = torch.randn(tasks, len(model.flat()), generator=generator, dtype=torch.float64)
    return model.flat() - targets


@pytest.mark.parametrize("eps", [1e-2, 1.0, 10.0])
@pytest.mark.parametrize("distribution", ["gaussian", "rademacher", "sphere"])
def test_on_a_quadratic_the_two_point_estimate_is_the_directional_derivative_for_any_eps(eps, distribution):
    model = Weights()
    coordinates, (z,) = held(model, distribution=distribution)
    _, slopes = two_point_(coordinates, [z], eps=eps, closure=quadratic_losses(model))
    torch.testing.assert_close(slopes[0].double(), gradients(model) @ flat(z), rtol=1e-4, atol=1e-3)


def test_the_one_sided_estimate_is_off_by_half_eps_times_the_curvature_along_z():
    model = Weights()
    coordinates, (z,) = held(model)
    losses, slopes = one_sided_(coordinates, [z], eps=0.5, closure=quadratic_losses(model))
    curvature = flat(z).square().sum()
    torch.testing.assert_close(slopes[0].double(), gradients(model) @ flat(z) + 0.25 * curvature, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(losses, quadratic_losses(model)().float())


def test_the_matrix_of_the_tasks_estimated_gradients_has_rank_one():
    model = Weights()
    coordinates, (z,) = held(model)
    _, slopes = two_point_(coordinates, [z], eps=1e-2, closure=quadratic_losses(model))
    singular = torch.linalg.svdvals(torch.outer(slopes[0].double(), flat(z)))
    assert singular[1] < 1e-12 * singular[0]


def test_the_mean_over_directions_nears_the_gradient_as_theory_says():
    model = Weights()
    for num_directions in (16, 64, 1024):
        coordinates, directions = held(model, num_directions=num_directions)
        _, slopes = two_point_(coordinates, directions, eps=1e-2, closure=quadratic_losses(model))
        mean = sum(slope * flat(z) for slope, z in zip(slopes[:, 0].double(), directions, strict=True))
        cosine = torch.cosine_similarity(mean, gradients(model)[0], dim=0).item()
        # E|g_hat|^2 = |g|^2 (q + d + 1) / q for normal directions, so the cosine is about sqrt(q / (q + d + 1)).
        theory = (num_directions / (num_directions + len(model.flat()) + 1)) ** 0.5
        assert cosine == pytest.approx(theory, abs=0.08)


def test_weights_are_restored_when_the_closure_fails():
    model = Weights()
    before = bits(model)
    coordinates, (z,) = held(model)

    def fail() -> torch.Tensor:
        assert bits(model) != before
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        losses_along_(coordinates, z, points=(1.0, -1.0), closure=fail)
    assert bits(model) == before


def test_in_place_moves_go_plus_eps_minus_two_eps_plus_eps():
    model = Weights()
    theta = model.flat()
    coordinates = hold(dict(model.named_parameters()), mask=None, mask_mode="direction", precision="in_place")
    z = Direction(0, 0, 0, "gaussian", {name: tensor.size for name, tensor in coordinates.items()})
    seen = []

    def watch() -> torch.Tensor:
        seen.append(model.flat())
        return torch.zeros(1)

    losses_along_(coordinates, z, points=(0.5, -0.5), closure=watch)
    torch.testing.assert_close(
        torch.stack(seen), torch.stack([theta + 0.5 * flat(z), theta - 0.5 * flat(z)]), rtol=1e-5, atol=1e-5
    )
    torch.testing.assert_close(model.flat(), theta, rtol=1e-5, atol=1e-5)
