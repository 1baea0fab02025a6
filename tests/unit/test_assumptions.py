import pytest
from test_ledger import REPOSITORY, rows

from mazo.assumptions import BEGIN, END, with_effects
from mazo.cli import main
from mazo.errors import ConfigError
from mazo.tables.ledger import write_ledger

PAGE = f"""# Assumed

| choice | key | default | alternatives | effect |
|---|---|---|---|---|
| Greedy | `methods.*.mask.scores.alpha` | 1 | 0 | not yet measured |
| Gradient | `methods.*.mask.scores.gradient` | `backward` | `zo` | dev loss: `zo` +9.000 |
| Density | `methods.*.mask.density` | 0.1 | 0.05 | not yet measured |
| Damping | `methods.*.mask.scores.damp` | 0.01 | 0.1 | dev loss: `0.1` +9.000 |
| Form | | derived |  | held by a test |

{BEGIN}
old
{END}

The end.
"""


def test_effects_are_filled_by_key_and_stale_ones_taken_out():
    lines = with_effects(PAGE, [rows()]).splitlines()
    assert lines[:4] == PAGE.splitlines()[:4]
    assert [line.rpartition(" | ")[2] for line in lines[4:9]] == [
        "dev loss: `0.0` +0.200 ± 0.100 |",
        "dev loss: `zo, gradient_directions 4` -0.500 ± 0.000 |",
        "dev loss: `0.05` -0.400 ± 0.500 |",
        "not yet measured |",
        "held by a test |",
    ]
    assert "old" not in lines
    assert "Untrained model: abc." in lines[lines.index(BEGIN) + 1]
    assert lines[-1] == "The end."


def test_filling_twice_changes_nothing_more():
    once = with_effects(PAGE, [rows()])
    assert with_effects(once, [rows()]) == once


def test_a_page_without_markers_or_without_a_measured_choice_is_refused():
    with pytest.raises(ConfigError, match="wanted a page with the lines"):
        with_effects("# Assumed\n", [rows()])
    with pytest.raises(ConfigError, match=r"wanted a row with the key methods\.\*\.mask\.density; found none"):
        with_effects(PAGE.replace("mask.density", "mask.rule"), [rows()])


def test_the_command_fills_the_shipped_page(tmp_path):
    write_ledger(rows(), tmp_path)
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "assumptions.md").read_text())
    assert main(["effects", "--table", str(tmp_path / "ledger.csv"), "--out", str(page)]) == 0
    assert page.read_text().count("dev loss: ") == 3
