"""A ledger of one alternative, small: from settings to the page of assumptions, with no test row read."""

import yaml
from test_ledger import method
from test_smoke_workflow import REPOSITORY, snakemake

from mazo.cli import main
from mazo.tables.ledger import read_csv

SCORES = {"calibration_examples": 2}
LEDGER = {
    "suite": "tiny",
    "models": {"mini-llama": {"path": "embedded:llama"}},
    "mixes": {"two": ["rte", "copa"]},
    "methods": {
        "default": method(mask={"scores": SCORES}),
        "alpha_0": method(mask={"scores": SCORES | {"alpha": 0.0}}),
    },
    "seeds": [0],
    "data": {"train": 8, "dev": 4, "test": 1},
    "training": {"num_steps": 2, "batch_per_task": 1, "dev_every": 2, "dev_examples": 4},
}


def test_a_ledger_runs_to_its_table_and_its_effects_to_the_page(tmp_path):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(LEDGER, sort_keys=False))
    said = snakemake(tmp_path, "--configfile", tmp_path / "tiny.yaml", "--", "ledger")
    table = tmp_path / "results" / "tiny" / "tables" / "ledger.csv"
    assert [(row.choice, row.value) for row in read_csv(table)] == [
        ("default", "default"),
        ("mask.scores.alpha", "0.0"),
    ]
    assert "(Rule: train)" in said
    assert "(Rule: evaluate)" not in said
    assert not list(tmp_path.rglob("samples.jsonl"))
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "assumptions.md").read_text())
    assert main(["effects", "--table", str(table), "--out", str(page)]) == 0
    assert "dev loss: `0.0` " in page.read_text()
