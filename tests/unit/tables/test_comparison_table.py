import csv
import io

import pytest
from hand_made import suite
from test_comparison import MAZO, SCORES, write_all

from mazo.comparison import compare
from mazo.suite_items import SuiteItems
from mazo.tables.comparison import to_csv, to_latex, to_markdown, write_comparison


@pytest.fixture
def settings():
    return suite(statistics={"resamples": 400, "confidence": 0.9})


@pytest.fixture
def found(settings, tmp_path):
    write_all(settings, tmp_path, SCORES)
    return compare(settings, SuiteItems(tmp_path))


def test_csv_has_a_line_a_method_and_column_in_percent_points(found):
    lines = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert [(line["method"], line["task"]) for line in lines][:3] == [
        ("zero_shot", "rte"),
        ("zero_shot", "squad"),
        ("zero_shot", "mean"),
    ]
    (line,) = [line for line in lines if (line["method"], line["task"]) == ("mtl_zo", "rte")]
    assert (line["difference"], line["reference"], line["only_method"]) == ("-33.3333", "mazo", "1")
    assert float(line["p_holm"]) >= float(line["p"])
    assert lines[1]["mcnemar_p"] == ""


def test_markdown_shows_difference_star_interval_and_what_they_are(found, settings):
    text = to_markdown(found, settings)
    lines = text.splitlines()
    assert lines[0] == "### m, mix two: difference from Ma_ZO & co"
    assert lines[2] == "| Method | RTE | SQuAD | Mean | p of the mean |"
    low, high = (100 * bound for bound in (found[1].estimate.low, found[1].estimate.high))
    assert f"-75.0* [{low:+.1f}, {high:+.1f}]" in lines[4]
    assert "90 % percentile intervals of a paired bootstrap over 3 seeds and the test items, 400 resamples" in text
    assert "| mtl_zo | 1 : 5 |" in text
    assert "*: below 0.1." in text


def test_latex_escapes_the_reference_and_sets_numbers_as_mathematics(found, settings):
    text = to_latex(found, settings)
    assert r"m, mix two: difference from Ma\_ZO \& co in percent points with 90\,\% intervals" in text
    assert "$-75.0$* [$" in text
    assert text.count(r"\toprule") == 1


def test_a_suite_of_one_method_still_has_its_files(settings, tmp_path):
    write_comparison([], settings, tmp_path)
    assert (tmp_path / "comparison.md").read_text() == "One method alone: there is nothing to compare.\n"
    assert (tmp_path / "comparison.csv").read_text().count("\n") == 1


def test_one_seed_speaks_of_its_items_alone(tmp_path):
    single = suite(seeds=[0], statistics={"resamples": 50})
    write_all(single, tmp_path, SCORES | {"mazo": MAZO[:1]})
    text = to_markdown(compare(single, SuiteItems(tmp_path)), single)
    assert "over the test items of one seed" in text


def test_two_writes_give_the_same_bytes(settings, tmp_path):
    write_all(settings, tmp_path, SCORES)
    for name in ("a", "b"):
        write_comparison(compare(settings, SuiteItems(tmp_path)), settings, tmp_path / name)
    for suffix in ("csv", "md", "tex"):
        assert (tmp_path / "a" / f"comparison.{suffix}").read_bytes() == (
            tmp_path / "b" / f"comparison.{suffix}"
        ).read_bytes()
