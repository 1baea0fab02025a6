"""How the scaling of the score's parts decides what a mask depends on: its overlap with the magnitude mask and others.

    python benchmarks/mask_overlap.py --out docs/benchmarks.md      # half a minute on one CPU core

No test row and no trained model is read: the masks are those of the embedded model, from calibration examples.
"""

import argparse
from itertools import combinations

from embedded import load
from page import deliver, markdown_table, out_option
from torch import Tensor

from mazo.importance.calibration import Recorder
from mazo.importance.score import layer_score, layer_statistics
from mazo.maskable import maskable_layers, maskable_weights
from mazo.masks import Mask, jaccard, mask_from_scores
from mazo.methods import ScoreSettings

TASKS = ["sst2", "boolq", "rte", "wsc", "wic", "multirc", "copa", "squad"]
DENSITY = 0.1
EXAMPLES = 64
DEFAULT = ScoreSettings()
ROWS = (
    *({"part_normalization": name} for name in ("none", "sum", "max", "z-score")),
    *({"beta": beta} for beta in (0.0, 1.0)),
    *({"alpha": alpha} for alpha in (0.0, 10.0)),
)
HEAD = ["changed from the defaults", "magnitude mask", "mask with beta 0", "two tasks", "two draws of the examples"]


def mask_of(scores: dict[str, Tensor]) -> Mask:
    """Keep the highest tenth of every row."""
    return mask_from_scores(scores, density=DENSITY)


def overlap(*masks: Mask) -> float:
    """Return the mean Jaccard overlap over the layers and over all pairs of masks."""
    values = [value for pair in combinations(masks, 2) for value in jaccard(*pair).values()]
    return sum(values) / len(values)


def main() -> None:
    """Measure for the table."""
    parser = argparse.ArgumentParser(description="what a mask depends on")
    out_option(parser)
    options = parser.parse_args()
    draws = []
    for seed in (0, 1):
        model, batches = load(TASKS, num_examples=EXAMPLES, seed=seed)
        layers = maskable_layers(model)
        draws.append({task: layer_statistics(model, layers, batches=batches[task], settings=DEFAULT) for task in TASKS})
    sizes = mask_of({name: weight.abs() for name, weight in maskable_weights(model).items()})

    def mask(statistics: dict[str, Recorder], settings: ScoreSettings) -> Mask:
        """Return the mask that some tasks' statistics give, which are gathered once and kept."""
        sums: dict[str, Tensor] = {}
        for found in statistics.values():
            copy = Recorder(gradients=dict(found.gradients), moments=dict(found.moments))
            for name, layer in layers.items():
                score = layer_score(layer, name, copy, batches=[], settings=settings)
                sums[f"{name}.weight"] = sums.get(f"{name}.weight", 0) + score
        return mask_of(sums)

    rows = []
    for changes in ROWS:
        settings = ScoreSettings(**changes)
        whole, without = (mask(draws[0], s) for s in (settings, settings.model_copy(update={"beta": 0.0})))
        apart = [mask({task: draws[0][task]}, settings) for task in TASKS]
        figures = [overlap(whole, sizes), overlap(whole, without), overlap(*apart)]
        figures.append(overlap(whole, mask(draws[1], settings)))
        changed = ", ".join(f"`{key}: {value}`" for key, value in changes.items())
        is_default = settings == DEFAULT
        rows.append([f"{changed} (the default)" if is_default else changed, *(f"{figure:.3f}" for figure in figures)])
    deliver("mask_overlap", markdown_table(HEAD, rows, words=1), page=options.out)


if __name__ == "__main__":
    main()
