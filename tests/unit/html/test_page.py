"""The page of a suite written by hand."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from claims_by_hand import hand_suite, outcome, write_suite

from mazo.errors import DataError
from mazo.html.page import count_verdicts, make_sections
from mazo.stages import claims, compare, convergence, figures, html, tables

REPOSITORY = Path(__file__).resolve().parents[3]
CAPTIONS = REPOSITORY / "workflow" / "report"


class Reader(HTMLParser):
    """Gathers what a page is made of, and holds that every element is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.found, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def attributes(self, tag):
        return [attrs for name, attrs in self.found if name == tag]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder, settings = tmp_path_factory.mktemp("results"), hand_suite()
    write_suite(settings, folder, outcome(score_peak=200))
    for stage in (tables, compare, figures, convergence):
        stage.run(settings, results=folder)
    claims.run(settings, results=folder, claims=REPOSITORY / "config" / "claims.yaml")
    return folder


def written(results):
    html.run(hand_suite(), results=results, captions=CAPTIONS, assumptions=REPOSITORY / "docs" / "assumptions.md")
    return (results / "report.html").read_text()


@pytest.fixture(scope="module")
def page(results):
    reader = Reader()
    reader.feed(written(results))
    assert reader.open == []
    return reader


def test_the_page_holds_everything_that_it_shows(results, page):
    text = (results / "report.html").read_text()
    assert all(attrs["src"].startswith("data:image/svg+xml;base64,") for attrs in page.attributes("img"))
    assert {attrs["href"][:1] for attrs in page.attributes("a")} == {"#"}
    assert [attrs["href"] for attrs in page.attributes("link")] == ["data:,"]
    assert [attrs for attrs in page.attributes("script") if attrs] == []
    assert not re.search(r"url\(|@import", text)
    assert "default-src 'none'" in text


def test_every_link_leads_to_a_section(page):
    names = [attrs["id"] for attrs in page.attributes("section")]
    assert [attrs["href"] for attrs in page.attributes("a")] == [f"#{name}" for name in names]
    assert names[-3:] == ["assumptions", "provenance", "cite"]


def test_every_figure_has_a_text_and_every_column_a_head(page):
    assert len(page.attributes("img")) == 5
    assert all(len(attrs["alt"]) > 40 for attrs in page.attributes("img"))
    assert {attrs["scope"] for attrs in page.attributes("th")} == {"col", "row"}
    assert {attrs["tabindex"] for attrs in page.attributes("div") if attrs.get("class") == "scroll"} == {"0"}


def test_verdicts_are_counted_a_claim_and_not_a_row_held_against(results, page):
    assert count_verdicts(make_sections(results, CAPTIONS)) == {"supported": 12, "not supported": 1}
    assert "12 supported" in page.text


def test_scores_assumptions_provenance_and_citation_are_there(page):
    text = " ".join(" ".join(page.text).split())
    for part in ("Ma_ZO & co", "methods.*.mask.density", "zhang2025mazo", '"resamples": 200', "mazo 0, code 0"):
        assert part in text


def test_equal_results_give_equal_bytes(results):
    assert written(results) == written(results)


def test_a_suite_without_claims_has_a_page_without_their_section(tmp_path, results):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "main.md").write_text((results / "tables" / "main.md").read_text())
    assert [section.name for section in make_sections(tmp_path, CAPTIONS)] == ["scores"]


def test_a_drawing_that_is_none_is_named(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "radar.svg").write_text("<svg/>")
    with pytest.raises(DataError, match=r"radar\.svg: wanted a drawing with width and height"):
        make_sections(tmp_path, CAPTIONS)
