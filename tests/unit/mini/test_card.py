"""The model card: it describes the model whose configuration it is given."""

import pytest

from mazo.mini.card import write_card
from mazo.mini.initial import new_model

TITLES = {"copa": "COPA", "average": "Average"}


def card(architecture):
    return write_card(
        "mini",
        config=new_model(300, seed=0, architecture=architecture).config.to_dict() | {"architectures": ["Kind"]},
        table=[{"method": "Zero-shot", "task": task, "mean": "61.25", "standard_error": "0.5"} for task in TITLES],
        log=[{"step": "7", "tokens": "1234", "loss": "0.5", "alone_copa": "0.25", "series_copa": "1.0"}],
        conflict={"tasks": ["copa"], "cosines": [[1.0]], "negative_pairs": 0, "pairs": 0, "examples_per_task": 4}
        | {"weights": 1000},
        titles=TITLES,
        probed=64,
    )


@pytest.mark.parametrize(
    ("architecture", "shape"),
    [
        ("llama", "(4 layers, width 128, 4 heads, tied embeddings, 512 tokens of context)"),
        (
            "mistral",
            "(4 layers, width 128, 4 heads on 2 keys and values, tied embeddings, 512 tokens of context, "
            "a sliding window of 128)",
        ),
    ],
)
def test_it_tells_the_models_shape(architecture, shape):
    assert f"A `Kind` of 1,000 weights {shape}" in " ".join(card(architecture).split())
    assert f"results/mini_model/{architecture}/" in card(architecture)


def test_it_holds_what_was_measured():
    lines = card("llama").splitlines()
    assert "| alone | 25 |" in lines
    assert "| after four solved ones | 100 |" in lines
    assert "| Zero-shot | 61.2 ± 0.5 | 61.2 ± 0.5 |" in lines
    assert "| COPA | 1.00 |" in lines
