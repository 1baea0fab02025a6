import pytest
from hand_made import record, three_methods

from mazo.statistics import critical_difference
from mazo.tables.main import make_sections
from mazo.tables.ranks import rank_section, to_csv, to_latex, to_markdown, write_ranks


def ranking(records=None, *, level=0.05):
    (section,) = make_sections(records or three_methods())
    return rank_section(section, level=level)


def tied():
    """On RTE 0.5, 0.8, 0.8; on SQuAD 0.1, 0.1, 0.3, the first sum with another rounding than the second."""
    return [
        record("zero_shot", 0, {"rte": 0.5, "squad": 0.1 + 0.2}),
        record("mtl_zo", 0, {"rte": 0.8, "squad": 0.3}),
        record("mazo", 0, {"rte": 0.8, "squad": 0.4}),
    ]


def test_methods_are_ranked_on_every_task_by_their_mean_over_seeds():
    found = ranking()
    assert found.ranks.tolist() == [[3, 3], [2, 2], [1, 1]]  # MaZO's SQuAD is higher by less than the table shows
    assert found.averages.tolist() == [3, 2, 1]
    assert found.ties == {}


def test_ties_share_the_mean_of_their_places_and_are_stated():
    found = ranking(tied())
    assert found.ranks.tolist() == [[3, 2.5], [1.5, 2.5], [1.5, 1]]
    assert found.ties == {"rte": [["mtl_zo", "Ma_ZO & co"]], "squad": [["Zero-shot", "mtl_zo"]]}
    assert "Ties: RTE mtl_zo = Ma_ZO & co, SQuAD Zero-shot = mtl_zo." in to_markdown([found])
    assert "Ties: none." in to_markdown([ranking()])


def test_markdown_and_csv_read_as_written_here():
    lines = to_markdown([ranking(tied())]).splitlines()
    assert lines[2] == "| Method | RTE | SQuAD | Average |"
    assert lines[5] == "| mtl_zo | 1.5 | 2.5 | 2.00 |"
    assert "m,two,mtl_zo,squad,2.5\nm,two,mtl_zo,average,2.0000\n" in to_csv([ranking(tied())])
    assert r"Ma\_ZO \& co & 1.5 & 1 & 1.25" in to_latex([ranking(tied())])


def test_the_critical_difference_is_that_of_the_methods_tasks_and_level():
    found = ranking(level=0.1)
    assert found.critical == pytest.approx(critical_difference(3, num_tasks=2, level=0.1))
    assert f"more than {found.critical:.2f} apart differ at the 0.1 level" in to_markdown([found])


def test_one_method_alone_has_no_critical_difference():
    alone = ranking([record("mazo", 0, {"rte": 0.5, "squad": 0.5})])
    assert alone.critical is None
    assert "apart" not in to_markdown([alone])


def test_two_writes_give_the_same_bytes_and_leave_out_costs(tmp_path):
    write_ranks(three_methods(), tmp_path / "a", level=0.05)
    write_ranks([r.model_copy(update={"stages": {}}) for r in three_methods()], tmp_path / "b", level=0.05)
    for suffix in ("csv", "md", "tex"):
        assert (tmp_path / "a" / f"ranks.{suffix}").read_bytes() == (tmp_path / "b" / f"ranks.{suffix}").read_bytes()
