"""The scripts of benchmarks/, one step long: they still run, and write into their pages."""

import re
import runpy
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import torch

from mazo.batches import collate
from mazo.losses import task_losses

REPOSITORY = Path(__file__).resolve().parents[1]


def test_the_precision_table_is_written_into_its_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "benchmarks.md").read_text())
    main = runpy.run_path(str(REPOSITORY / "benchmarks" / "precision.py"))["main"]
    # A masked run, the same in 16 bits, an unmasked one, and one that drifts.
    variants = [main.__globals__["VARIANTS"][i] for i in (0, 1, 4, 6)]
    main.__globals__.update(VARIANTS=variants)
    main(["--num-steps", "2", "--seeds", "0", "--out", str(page)])
    table = page.read_text().partition("<!-- precision: begin -->")[2].partition("<!-- precision: end -->")[0]
    rows = [line.removesuffix(" |").split(" | ") for line in table.splitlines() if line.startswith(("| kept", "| all"))]
    assert [(row[1], row[2]) for row in rows] == [(v.dtype, v.held) for v in variants]
    assert [(row[5], row[6]) for row in rows[:3]] == [("0.00%", "+0.000")] * 3
    assert float(rows[3][5].rstrip("%")) > 0
    assert [row[7] == "1.000" for row in rows if row[1] == "float32"] == [True, True]


def test_the_replay_table_is_written_into_its_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "benchmarks.md").read_text())
    main = runpy.run_path(str(REPOSITORY / "benchmarks" / "replay_speed.py"))["main"]
    # Two of the kinds of runs, and no bound on the speed: a test does not race the clock.
    main.__globals__.update(VARIANTS=main.__globals__["VARIANTS"][-2:], WANTED_RATIO=0)
    main(["--steps", "1", "--repeats", "1", "--batch", "1", "--out", str(page)])
    text = page.read_text().partition("<!-- replay: begin -->")[2].partition("<!-- replay: end -->")[0]
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith(("| mask", "| all weights"))]
    assert rows == ["| mask, density 10 %", "| mask, density 1 %", "| all weights"]
    assert "Replay equals training bit for bit in 4 kinds of runs" in text
    assert 700_000 < int(text.split(" bytes by extrapolation, ")[1].split()[0].replace(",", "")) < 1_000_000


def test_the_table_of_a_large_model_is_written_into_its_page(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "benchmarks.md").read_text())
    main = runpy.run_path(str(REPOSITORY / "benchmarks" / "seven_billion.py"))["main"]
    sizes = {"width": 32, "depth": 2, "mlp": 64, "vocabulary": 100, "tokens": 8, "examples": 3, "steps": 2}
    options = [text for name, size in sizes.items() for text in (f"--{name}", str(size))]
    main(["--device", "cpu", *options, "--density", "0.1", "--out", str(page)])
    table = page.read_text().partition("<!-- seven_billion: begin -->")[2].partition("<!-- seven_billion: end -->")[0]
    kept = 2 * (4 * 32 * 3 + 2 * 64 * 3 + 32 * 6)  # per block: q, k, v, o; gate, up; down; 10 % of each row
    assert f"| MaZO, density 10 % | {kept:,} | " in table and f"| MaZO in place, density 10 % | {kept:,} | " in table
    assert "| MTL-ZO in place | " in table and "Scores of" not in table
    for bound in ("time", "memory"):
        assert len(re.findall(rf"{bound} [0-9.]+, wanted at most 1.[0-9]+: (?:not )?within", table)) == 4


def test_the_table_of_steps_is_written_into_its_page(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "performance.md").read_text())
    main = runpy.run_path(str(REPOSITORY / "benchmarks" / "steps.py"))["main"]
    tiny = replace(main.__globals__["SHAPES"]["0.75M"], width=32, depth=1, mlp=64, heads=2)
    monkeypatch.setitem(main.__globals__["SHAPES"], "0.75M", tiny)
    monkeypatch.setitem(main.__globals__["TIMES"], "0.75M", 1)
    picture = tmp_path / "steps.svg"
    main(["--sizes", "0.75M", "--repeats", "2", "--plot", str(picture), "--out", str(page)])
    table = page.read_text().partition("<!-- steps: begin -->")[2].partition("<!-- steps: end -->")[0]
    for row in ("MaZO, density 10 %", "MTL-ZO, rademacher", "LoRA", "AdamW", "MeZO, published step"):
        assert f"| {row} | " in table
    assert picture.read_text().count("<svg") == 1


def test_the_published_step_moves_along_its_own_z_by_the_slope_that_it_measures(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    llama, published = import_module("llama"), import_module("mezo_published")
    shape = llama.Shape(width=32, depth=1, mlp=64, heads=2, vocabulary=50)
    model = llama.random_llama(shape)
    before = [weight.clone() for weight in model.parameters()]
    examples = llama.random_examples(tasks=1, per_task=3, tokens=5, vocabulary=50)
    published.PublishedStep(model, examples, lr=1e-2).step()
    stream = torch.Generator().manual_seed(1)
    z = torch.cat([torch.normal(0.0, 1.0, size=weight.shape, generator=stream).flatten() for weight in before])
    moved = torch.cat([(new - old).flatten() for new, old in zip(model.parameters(), before, strict=True)])
    loss = partial(task_losses, model, collate(examples, pad_id=2, micro_batch=8), num_tasks=1)
    for weight, old in zip(model.parameters(), before, strict=True):
        weight.data = old
    with torch.enable_grad():
        weights = [weight.requires_grad_() for weight in model.parameters()]
        gradients = torch.autograd.grad(loss().sum(), weights)
    slope = torch.cat([gradient.flatten() for gradient in gradients]) @ z
    torch.testing.assert_close(moved, -1e-2 * slope * z, rtol=0.02, atol=1e-5)


def test_the_table_of_exponents_is_written_into_its_page(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "performance.md").read_text())
    main = runpy.run_path(str(REPOSITORY / "benchmarks" / "scaling.py"))["main"]
    main(["--small", "--repeats", "1", "--out", str(page)])
    table = page.read_text().partition("<!-- scaling: begin -->")[2].partition("<!-- scaling: end -->")[0]
    assert "| prompts in the batch | 4 to 32 | " in table


def test_a_workflows_cost_counts_steps_and_seeds_as_often_as_the_whole_suite_has_them(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks")
    whole = import_module("workflow_cost").whole
    train = {"command": ["mazo", "train", "--method", "mazo", "--seed", "0"], "seconds": {"imports": 4.0, "steps": 2.0}}
    plain = {"command": ["mazo", "evaluate", "--method", "zero_shot", "--seed", "0"], "seconds": {"imports": 4.0}}
    other = {"command": ["snakemake"], "seconds": {"other": 5.0, "imports": 1.0}}
    found = whole([train, plain, other], step_factor=50.0, seeds=3, seedless=["zero_shot"])
    rest = "the rest of the steps: directions, moves, updates, log"
    assert found == {"imports": 3 * 4.0 + 4.0 + 1.0, rest: 3 * 50 * 2.0, "other": 5.0}
