from pathlib import Path

import pytest
from hand_made import three_methods

from mazo.errors import DataError
from mazo.tables.published import read_published, write_published

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "published.yaml"
OURS = """
embedded:llama:
  - label: Theirs
    source: A paper, table 3
    scores: {rte: 71.5}
"""


def written(tmp_path, text):
    (tmp_path / "published.yaml").write_text(text)
    write_published(three_methods(), read_published(tmp_path / "published.yaml"), tmp_path)
    return (tmp_path / "published.md").read_text()


def test_published_rows_stand_below_ours_with_their_source(tmp_path):
    page = written(tmp_path, OURS)
    assert page.index("| mtl_zo | 70.0 | 25.0 | this suite |") < page.index("| Theirs | 71.5 |  | [1] |")
    assert "[1] A paper, table 3." in page
    assert "no baseline of ours" in page
    assert (tmp_path / "published.csv").read_text().splitlines()[1] == 'm,two,"Theirs","A paper, table 3",rte,71.5'


@pytest.mark.parametrize("text", ["", "other/model: []"])
def test_a_model_without_published_figures_says_so(tmp_path, text):
    assert "No published figures of this model are at hand." in written(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("m: [{label: a, source: b, scores: {cola: 1.0}}]", r"m\.0\.scores\.cola"),
        ("m: [{label: a, source: b, scores: {rte: 101.0}}]", r"m\.0\.scores\.rte: .*less than or equal to 100"),
        ("m: [{label: a, scores: {rte: 1.0}}]", r"m\.0\.source: Field required"),
        ("m: [", "published.yaml"),
    ],
)
def test_a_row_at_fault_is_named(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        written(tmp_path, text)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(DataError, match="wanted published figures"):
        read_published(tmp_path / "none.yaml")


def test_every_shipped_row_names_its_source_and_none_claims_to_be_the_papers():
    rows = [row for own in read_published(SHIPPED).values() for row in own]
    assert rows
    assert all(row.source and "MaZO" not in row.label for row in rows)
