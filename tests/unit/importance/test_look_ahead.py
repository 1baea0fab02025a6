import pytest
import torch
from test_score import TASKS
from toy import toy_model

from mazo.adapter_settings import Lora
from mazo.adapters import add_adapter_
from mazo.importance.look_ahead import step_off_zero_
from mazo.importance.score import score_tasks
from mazo.losses import task_losses
from mazo.maskable import maskable_weights
from mazo.masks import jaccard, mask_from_scores
from mazo.methods import ScoreSettings

LORA = Lora(kind="lora", rank=4, alpha=8.0)


def adapted():
    model = toy_model()
    return model, add_adapter_(model, LORA, num_tasks=2, run_seed=1)


def gradients(weights, model, batches):
    with torch.enable_grad():
        for weight in weights.values():
            weight.requires_grad_(True)
        found = torch.autograd.grad(task_losses(model, batches, num_tasks=1).sum(), list(weights.values()))
        for weight in weights.values():
            weight.requires_grad_(False)
    return dict(zip(weights, found, strict=True))


def test_b_moves_against_the_mean_of_the_tasks_gradients_and_a_stays():
    model, factors = adapted()
    before = {name: weight.clone() for name, weight in factors.items()}
    slopes = [gradients(factors, model, batches) for batches in TASKS.values()]
    step_off_zero_(model, TASKS, settings=ScoreSettings(greedy_lr=0.01))
    for name, weight in factors.items():
        if "lora_A" in name:
            assert torch.equal(weight, before[name])
            assert not slopes[0][name].any()  # what the step is for
        else:
            torch.testing.assert_close(weight, -0.01 * (slopes[0][name] + slopes[1][name]) / 2, rtol=1e-4, atol=1e-8)


def test_as_gradient_after_the_step_is_that_of_the_derivation():
    """A's gradient is -lr (alpha / r)^2 A G'G, with G the gradient of the frozen matrix, for a step small enough."""
    model, factors = adapted()
    frozen = {name: layer.base_layer.weight for name, layer in model.named_modules() if hasattr(layer, "base_layer")}
    base = gradients(frozen, model, TASKS["a"])
    step_off_zero_(model, {"a": TASKS["a"]}, settings=ScoreSettings(greedy_lr=1e-3))
    found = gradients(factors, model, TASKS["a"])
    for name, g in base.items():
        a = factors[f"{name}.lora_A.default.weight"]
        wanted = -1e-3 * (8.0 / 4) ** 2 * a @ g.T @ g
        own = found[f"{name}.lora_A.default.weight"]
        assert torch.cosine_similarity(own.flatten(), wanted.flatten(), dim=0) > 0.99
        assert own.norm().item() == pytest.approx(wanted.norm().item(), rel=0.1)


def test_the_factors_alone_are_scored_and_as_mask_is_not_that_of_its_size():
    model, factors = adapted()
    assert list(maskable_weights(model)) == list(factors)
    at_zero = score_tasks(model, TASKS, settings=ScoreSettings())
    step_off_zero_(model, TASKS, settings=ScoreSettings())
    scores = score_tasks(model, TASKS, settings=ScoreSettings())
    assert {name: matrix.shape for name, matrix in scores.items()} == {n: w.shape for n, w in factors.items()}
    of_a = [name for name in factors if "lora_A" in name]
    sizes = mask_from_scores({name: factors[name].abs() for name in of_a}, density=0.25)
    ahead = mask_from_scores({name: scores[name] for name in of_a}, density=0.25)
    before = mask_from_scores({name: at_zero[name] for name in of_a}, density=0.25)
    assert set(jaccard(before, sizes).values()) == {1.0}
    assert sum(jaccard(ahead, sizes).values()) / len(of_a) < 0.5


def test_finished_steps_are_taken_from_the_parts():
    model, factors = adapted()
    parts = {}
    step_off_zero_(model, TASKS, settings=ScoreSettings(), parts=parts)
    assert len(parts) == len(factors) / 2
    again, others = adapted()
    step_off_zero_(again, {}, settings=ScoreSettings(), parts=parts)
    assert all(torch.equal(weight, others[name]) for name, weight in factors.items())


def test_steps_from_forwards_alone_point_along_those_from_a_backward_pass():
    model, factors = adapted()
    other, others = adapted()
    step_off_zero_(model, TASKS, settings=ScoreSettings())
    step_off_zero_(other, TASKS, settings=ScoreSettings(gradient="zo", gradient_directions=100))
    first, second = (torch.cat([w.flatten() for n, w in f.items() if "lora_B" in n]) for f in (factors, others))
    theory = (100 / (100 + len(first) + 1)) ** 0.5  # the slopes do not answer to A
    assert torch.cosine_similarity(first, second, dim=0).item() == pytest.approx(theory, abs=0.07)


def test_a_model_without_an_adapter_is_left_as_it_is():
    model = toy_model()
    step_off_zero_(model, TASKS, settings=ScoreSettings())
    assert all(torch.equal(w, v) for w, v in zip(model.parameters(), toy_model().parameters(), strict=True))
