from pathlib import Path

from claims_by_hand import hand_suite, outcome, write_suite

from mazo.claims import load_claims
from mazo.plots.claims import draw_claims
from mazo.stages.claims import judge_suite
from mazo.suite_items import SuiteItems

CLAIMS = load_claims(Path(__file__).resolve().parents[3] / "config" / "claims.yaml")


def test_a_panel_a_claim_has_its_threshold_and_a_line_a_row_held_against(tmp_path):
    settings = hand_suite()
    write_suite(settings, tmp_path, outcome(train_peak={"mazo": 100, "mtl_zo": 1, "famo": 1, "adam": 90}))
    figure = draw_claims(judge_suite(settings, CLAIMS, results=tmp_path, items=SuiteItems(tmp_path)))
    panels = {axes.get_title(loc="left"): axes for axes in figure.axes}
    assert list(panels) == [claim.title for claim in CLAIMS.claims]
    beats = panels["MaZO beats zeroth-order methods"]
    assert [label.get_text() for label in beats.get_yticklabels()] == ["mtl_zo", "FAMO"]
    assert list(beats.lines[0].get_xdata()) == [0, 0]
    assert beats.lines[2].get_xdata()[0] == 40
    assert beats.lines[2].get_marker() == "o"
    memory = panels["Less memory than backpropagation"]
    assert memory.lines[2].get_marker() == "s"
