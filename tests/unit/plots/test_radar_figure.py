import pytest
from hand_made import three_methods

from mazo.plots.radar import draw_radar
from mazo.plots.style import write_figure
from mazo.tables.main import make_sections


def test_the_radar_has_one_axis_a_task_one_polygon_a_method_and_the_means_in_its_legend():
    (axes,) = draw_radar(make_sections(three_methods())).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["RTE", "SQuAD"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "Zero-shot (30.0)",
        "mtl_zo (47.5)",
        "Ma_ZO & co (50.0)",
    ]
    assert axes.lines[1].get_ydata() == pytest.approx([70, 25, 70])
    assert axes.get_ylim() == (0, 100)


def test_every_model_and_mix_has_its_own_panel():
    others = [r.model_copy(update={"run": r.run.model_copy(update={"mix": "b"})}) for r in three_methods()]
    assert len(draw_radar(make_sections([*three_methods(), *others])).axes) == 2


def test_two_drawings_give_the_same_bytes_without_a_date(tmp_path):
    for name in ("a", "b"):
        write_figure(draw_radar(make_sections(three_methods())), tmp_path / name)
    for suffix in ("svg", "png"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    assert b"<dc:date>" not in (tmp_path / "a.svg").read_bytes()
