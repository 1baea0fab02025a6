import pytest
import torch
from toy import toy_model

from mazo.batches import collate, encode_example
from mazo.encoding import EncodedPair
from mazo.errors import ConfigError
from mazo.importance.combine import NORMALIZATIONS
from mazo.importance.global_score import global_score
from mazo.importance.score import layer_statistics, real_tokens, score_tasks
from mazo.losses import task_losses
from mazo.maskable import maskable_layers, maskable_weights
from mazo.methods import ScoreSettings


def examples(seed: int, *, count: int = 6):
    """Two-candidate examples of random tokens and unequal lengths; the second candidate has two tokens."""
    generator = torch.Generator().manual_seed(seed)

    def tokens(number: int) -> list[int]:
        return torch.randint(3, 300, (number,), generator=generator).tolist()

    pairs = [
        [EncodedPair(context, tokens(1), 0), EncodedPair(context, tokens(2), 0)]
        for context in map(tokens, range(3, 3 + count))
    ]
    return [encode_example(both, task=0, is_choice=True, gold=i % 2) for i, both in enumerate(pairs)]


def batches_of(seed: int, *, micro_batch: int = 4):
    return collate(examples(seed), pad_id=2, micro_batch=micro_batch)


TASKS = {"a": batches_of(0), "b": batches_of(1)}


def test_real_tokens_are_those_of_the_encoded_sequences():
    for batch in batches_of(0, micro_batch=100):
        lengths = [len(row) for example in sorted(examples(0), key=lambda e: e.length) for row in example.sequences]
        assert real_tokens(batch).sum(1).tolist() == lengths
        assert not real_tokens(batch).all()
        assert (batch.input_ids[~real_tokens(batch)] == 2).all()


def test_gradients_are_those_of_the_tasks_mean_loss():
    model = toy_model()
    found = layer_statistics(model, maskable_layers(model), batches=TASKS["a"], settings=ScoreSettings(), seed=0)
    model.requires_grad_(True)
    task_losses(model, TASKS["a"], num_tasks=1).sum().backward()
    for name, weight in maskable_weights(model).items():
        torch.testing.assert_close(found.gradients[name.removesuffix(".weight")], weight.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "settings",
    [{}, {"hessian": "diagonal"}, {"hessian": "fisher"}, {"normalization": "z-score"}, {"alpha": 0.0, "beta": 0.0}],
    ids=str,
)
def test_micro_batches_and_layer_groups_do_not_change_the_scores(settings):
    model = toy_model()
    settings = ScoreSettings(**settings)
    together = score_tasks(model, TASKS, settings=settings)
    apart = score_tasks(
        model,
        {"a": batches_of(0, micro_batch=2), "b": batches_of(1, micro_batch=2)},
        settings=settings,
        layers_at_once=3,
    )
    assert set(together) == set(maskable_weights(model))
    for name, weight in maskable_weights(model).items():
        assert together[name].shape == weight.shape
        torch.testing.assert_close(
            together[name], apart[name], rtol=2e-3, atol=2e-3 * together[name].abs().max().item()
        )


def test_the_score_of_two_tasks_is_the_sum_of_the_normalised_scores_of_each():
    model = toy_model()
    settings = ScoreSettings(alpha=0.0, beta=0.0, normalization="max")
    wanted = {name: torch.zeros_like(weight) for name, weight in maskable_weights(model).items()}
    for batches in TASKS.values():
        found = layer_statistics(model, maskable_layers(model), batches=batches, settings=settings, seed=0)
        for name in wanted:
            hessian = found.moments[name.removesuffix(".weight")].gram()
            hessian = hessian + 0.01 * hessian.diagonal().mean() * torch.eye(len(hessian))
            wanted[name] += NORMALIZATIONS["max"](global_score(found.gradients[name.removesuffix(".weight")], hessian))
    scores = score_tasks(model, TASKS, settings=settings)
    for name in wanted:
        torch.testing.assert_close(scores[name], wanted[name])


def test_gradients_from_forwards_alone_point_along_backward_ones_as_far_as_theory_says():
    model = toy_model(layers=1)
    found = [
        layer_statistics(
            model,
            maskable_layers(model),
            batches=TASKS["a"],
            settings=ScoreSettings(gradient=gradient, gradient_directions=150),
            seed=0,
        ).gradients
        for gradient in ("backward", "zo")
    ]
    assert list(found[1]) == list(maskable_layers(model))
    backward, forwards = (torch.cat([gradients[name].flatten() for name in found[1]]) for gradients in found)
    theory = (150 / (150 + len(backward) + 1)) ** 0.5
    assert torch.cosine_similarity(backward, forwards, dim=0).item() == pytest.approx(theory, abs=0.06)


def test_scoring_leaves_the_model_as_it_was():
    model = toy_model()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    score_tasks(model, TASKS, settings=ScoreSettings())
    for name, weight in model.named_parameters():
        assert torch.equal(weight, before[name])
        assert weight.grad is None and not weight.requires_grad


def test_a_fisher_hessian_without_a_backward_pass_is_refused():
    with pytest.raises(ConfigError, match="fisher needs gradient: backward"):
        score_tasks(toy_model(), TASKS, settings=ScoreSettings(hessian="fisher", gradient="zo"))
