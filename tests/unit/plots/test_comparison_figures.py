import numpy as np
import pytest
from hand_made import suite, three_methods
from samples_by_hand import write_all
from test_comparison import SCORES
from transfer_by_hand import transfer

from mazo.comparison import compare
from mazo.plots.forest import draw_forest
from mazo.plots.ranks import draw_ranks
from mazo.plots.style import write_figure
from mazo.plots.transfer import draw_transfers
from mazo.suite_items import SuiteItems
from mazo.tables.main import make_sections
from mazo.tables.ranks import rank_section


def ticks(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


@pytest.fixture
def settings():
    return suite(mixes={"two": ["rte", "squad"], "one": ["rte"]}, statistics={"resamples": 400})


@pytest.fixture
def found(settings, tmp_path):
    write_all(settings, tmp_path, SCORES)
    return compare(settings, SuiteItems(tmp_path))


def test_the_forest_has_the_mean_first_then_a_panel_a_task_and_a_row_a_mix(found, settings):
    figure = draw_forest(found, settings)
    drawn = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in drawn] == ["Mean", "RTE", "SQuAD", "Mean", "RTE"]
    assert ticks(drawn[0]) == ["Zero-shot", "mtl_zo"]
    assert figure.get_supxlabel() == "difference from Ma_ZO & co, percent points"


def test_a_line_is_its_interval_and_a_filled_point_a_difference_after_correction(found, settings):
    squad = draw_forest(found, settings).axes[2]
    (mtl,) = [c for c in found if (c.row.mix, c.row.name, c.column) == ("two", "mtl_zo", "squad")]
    line, point = squad.lines[3:5]  # after zero and the first method's two
    assert line.get_xdata() == pytest.approx([100 * mtl.estimate.low, 100 * mtl.estimate.high])
    assert point.get_xdata() == pytest.approx([-62.5])
    filled = point.get_markerfacecolor() != "white"
    assert filled == (mtl.p_holm < 0.05)


def test_a_forest_of_nothing_is_an_empty_figure(settings, tmp_path):
    write_figure(draw_forest([], settings), tmp_path / "forest")
    assert (tmp_path / "forest.svg").exists()


def test_the_rank_plot_has_the_best_on_top_and_bars_one_critical_difference_long():
    (section,) = make_sections(three_methods())
    ranking = rank_section(section, level=0.05)
    (axes,) = draw_ranks([ranking]).axes
    assert ticks(axes) == ["Ma_ZO & co", "mtl_zo", "Zero-shot"]
    assert axes.lines[0].get_xdata() == pytest.approx([1, 2, 3])
    (start, _), (end, _) = axes.collections[0].get_segments()[0]
    assert end - start == pytest.approx(ranking.critical)


def test_the_heat_map_has_a_cell_a_pair_of_tasks_and_the_shared_models_row():
    (axes,) = draw_transfers([transfer()]).axes
    assert ticks(axes) == ["RTE", "SQuAD", "Shared model"]
    assert np.asarray(axes.images[0].get_array()) == pytest.approx(
        np.array([[80, 20, 50], [50, 80, 65], [65, 50, 57.5]])
    )
    assert [text.get_text() for text in axes.texts][:3] == ["80.0", "20.0", "50.0"]


def test_two_drawings_give_the_same_bytes(found, settings, tmp_path):
    for name in ("a", "b"):
        write_figure(draw_forest(found, settings), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
