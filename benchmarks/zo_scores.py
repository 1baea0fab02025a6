"""How far scores from forwards alone agree with those from a backward pass, against the number of directions.

    python benchmarks/zo_scores.py --out docs/benchmarks.md      # about three minutes on one CPU core

Every figure is measured, and predicted (in brackets) with no two-point estimate at all: from the true gradient g plus
normal noise of the estimator's variance, (|g|^2 + g_m^2) / q for weight m and q directions. Where the two agree, the
estimate is as good as q directions can be.
"""

import argparse
import math

import torch
from embedded import load
from page import deliver, markdown_table, out_option
from torch import Tensor, nn

from mazo.importance.combine import task_score
from mazo.importance.global_score import global_score
from mazo.importance.greedy_score import greedy_score
from mazo.importance.hessian import damped
from mazo.importance.score import layer_statistics, task_slopes
from mazo.importance.zo_gradient import zo_gradient
from mazo.maskable import maskable_layers
from mazo.masks import jaccard, mask_from_marks, top_k_per_row
from mazo.methods import ScoreSettings
from mazo.seeding import torch_generator

SETTINGS = ScoreSettings()
DENSITY = 0.1
MEASURED, PREDICTED = (16, 64, 256, 1024, 4096), (65_536, 1_048_576, 16_777_216)
HEAD = ["task", "directions", "cos", "S_global", "S_global, diagonal H", "S_greedy", "S", "masks of S"]
Gradients = dict[str, Tensor]


def scores(layer: nn.Linear, gradient: Tensor, hessian: Tensor) -> dict[str, Tensor]:
    """Return a layer's scores: the parts alone, and all as they are combined by default."""
    combined = {key: getattr(SETTINGS, key) for key in ("alpha", "beta", "greedy_lr", "part_normalization")}
    return {
        "S_global": global_score(gradient, hessian),
        "S_global, diagonal H": global_score(gradient, hessian.diagonal().diag()),
        "S_greedy": greedy_score(gradient, hessian, lr=SETTINGS.greedy_lr),
        "S": task_score(layer.weight, gradient, hessian=hessian, **combined),
    }


def rank_correlation(first: Tensor, second: Tensor) -> float:
    """Return the mean over the rows of Spearman's correlation; ties, which hardly occur, get ranks in order."""
    ranks = [scores.argsort(1).argsort(1).double() for scores in (first, second)]
    ranks = [nn.functional.normalize(rank - rank.mean(1, keepdim=True), dim=1) for rank in ranks]
    return (ranks[0] * ranks[1]).sum(1).mean().item()


def noisy(gradients: Gradients, q: int) -> Gradients:
    """Return gradients with the noise of a mean of q estimates."""
    norm = sum(gradient.square().sum() for gradient in gradients.values())
    draw = torch_generator(0, "noise", q)
    return {
        name: gradient + ((norm + gradient.square()) / q).sqrt() * torch.randn(gradient.shape, generator=draw)
        for name, gradient in gradients.items()
    }


def cosine(first: Gradients, second: Gradients) -> float:
    """Return the cosine of two gradients over all layers."""
    return nn.functional.cosine_similarity(
        *(torch.cat([found[name].flatten() for name in first]) for found in (first, second)), dim=0
    ).item()


def compare(layers: dict[str, nn.Linear], hessians: Gradients, true: Gradients, found: Gradients) -> list[float]:
    """Return a line's figures: cosine, each score's mean rank correlation over the layers, the masks' overlap."""
    pairs = [[scores(layers[n], gradients[n], hessians[n]) for gradients in (true, found)] for n in layers]
    masks = [
        mask_from_marks(
            {n: top_k_per_row(pair[side]["S"], density=DENSITY) for n, pair in zip(layers, pairs, strict=True)},
            settings={},
        )
        for side in (0, 1)
    ]
    correlations = [
        sum(rank_correlation(first[key], second[key]) for first, second in pairs) / len(pairs) for key in HEAD[3:7]
    ]
    overlaps = jaccard(*masks).values()
    return [cosine(true, found), *correlations, sum(overlaps) / len(overlaps)]


def lines_of(task: str, *, examples: int, most: int) -> list[list[str]]:
    """Return the task's lines of the table."""
    model, batches = load([task], num_examples=examples)
    layers = maskable_layers(model)
    found = layer_statistics(model, layers, batches=batches[task], settings=SETTINGS)
    hessians = {name: damped(moment.gram(), damp=SETTINGS.damp) for name, moment in found.moments.items()}
    true, measured = found.gradients, [q for q in MEASURED if q <= most]
    slopes = task_slopes(
        model,
        batches[task],
        settings=ScoreSettings(gradient="zo", gradient_directions=max(measured)),
        seed=0,
    )
    lines = []
    for q in (*measured, *PREDICTED):
        predicted = [f"({value:.2f})" for value in compare(layers, hessians, true, noisy(true, q))]
        figures = ["" for _ in predicted]
        if q in measured:
            estimates = {n: zo_gradient(slopes[:q], layer.weight, name=n, seed=0) for n, layer in layers.items()}
            figures = [f"{value:.2f}" for value in compare(layers, hessians, true, estimates)]
        lines.append([task, f"{q:,}", *(f"{f} {p}".strip() for f, p in zip(figures, predicted, strict=True))])
    norm = math.sqrt(sum(gradient.square().sum().item() for gradient in true.values()))
    print(f"{task}: |g| {norm:.4g}, mean square slope over |g|^2 {slopes.square().mean().item() / norm**2:.3f} (1)")
    return lines


def main() -> None:
    """Measure for the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=["rte"])
    parser.add_argument("--examples", type=int, default=8, help="calibration examples a task")
    parser.add_argument("--directions", type=int, default=max(MEASURED), help="the most that are measured")
    out_option(parser)
    options = parser.parse_args()
    lines = [
        line for task in options.tasks for line in lines_of(task, examples=options.examples, most=options.directions)
    ]
    deliver("zo_scores", markdown_table(HEAD, lines, words=1), page=options.out)


if __name__ == "__main__":
    with torch.no_grad():
        main()
