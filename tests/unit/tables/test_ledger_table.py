import pytest
from test_ledger import rows

from mazo.errors import ConfigError
from mazo.tables.ledger import read_csv, to_markdown, write_ledger


def test_the_table_comes_back_from_its_file_as_it_was(tmp_path):
    write_ledger(rows(), tmp_path)
    assert read_csv(tmp_path / "ledger.csv") == rows()


def test_the_markdown_shows_losses_differences_and_trials():
    lines = to_markdown(rows()).splitlines()
    assert lines[2:7] == [
        "| `default` |  | 0.01, kept | 1.500 ± 0.500 |  |",
        "| `default` |  | 0.005, best of 2 | 1.400 ± 0.500 |  |",
        "| `mask.scores.alpha` | `0.0` | 0.01, kept | 1.700 ± 0.600 | +0.200 ± 0.100 |",
        "| `mask.scores.gradient` | `zo, gradient_directions 4` | 0.01, kept | 1.000 ± 0.500 | -0.500 ± 0.000 |",
        "| `mask.density` | `0.05` | 0.01, best of 2 | 1.000 ± 0.000 | -0.400 ± 0.500 |",
    ]
    assert "after 5 steps of 2 examples a task, on 4 dev examples a task" in lines[-1]
    assert "2 seeds" in lines[-1] and "best of 2" in lines[-1] and "Untrained model: abc." in lines[-1]


@pytest.mark.parametrize("text", ["choice,value\na,b\n", "nonsense", "choice\x00\n"])
def test_a_file_that_is_no_ledgers_table_is_refused(tmp_path, text):
    (tmp_path / "ledger.csv").write_text(text + "\nx")
    with pytest.raises(ConfigError, match=r"ledger\.csv: wanted the ledger's table as CSV"):
        read_csv(tmp_path / "ledger.csv")


def test_a_table_that_is_absent_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.csv: wanted the ledger's table"):
        read_csv(tmp_path / "absent.csv")
