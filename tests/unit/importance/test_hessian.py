import torch

from mazo.importance.hessian import SecondMoment, damped


def moment(*parts: torch.Tensor) -> SecondMoment:
    moment = SecondMoment(parts[0].shape[1], device=torch.device("cpu"))
    for part in parts:
        moment.add(part)
    return moment


def test_the_gram_matrix_is_two_over_n_times_x_x_transposed_however_the_tokens_are_cut():
    inputs = torch.randn(30, 5, generator=torch.Generator().manual_seed(0))
    wanted = 2 / 30 * inputs.T @ inputs
    torch.testing.assert_close(moment(inputs).gram(), wanted)
    torch.testing.assert_close(moment(inputs[:7], inputs[7:]).gram(), wanted)


def test_the_diagonal_hessian_is_the_gram_matrix_without_correlations():
    inputs = torch.randn(30, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(moment(inputs).diagonal(), torch.diag(moment(inputs).gram().diagonal()))


def test_the_fisher_matrix_weighs_each_tokens_inputs_with_its_squared_slope():
    inputs = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([0.0, 1.0, 2.0, 0.0, 0.5, 3.0])
    fisher = SecondMoment(3, device=torch.device("cpu"))
    fisher.add(inputs, weights)
    wanted = 4 * sum(w * torch.outer(x, x) for w, x in zip(weights, inputs, strict=True))
    torch.testing.assert_close(fisher.fisher(4), wanted)


def test_damping_gives_dead_inputs_one_and_every_input_a_share_of_the_mean():
    hessian = torch.tensor([[3.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    wanted = torch.tensor([[3.2, 1.0, 0.0], [1.0, 2.2, 0.0], [0.0, 0.0, 1.2]])
    torch.testing.assert_close(damped(hessian, damp=0.1), wanted)
    torch.linalg.cholesky(damped(torch.zeros(3, 3), damp=0.01))
