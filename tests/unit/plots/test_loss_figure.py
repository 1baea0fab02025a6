import numpy as np
import pandas as pd
import pytest
from hand_made import three_methods

from mazo.curve import read_curve
from mazo.errors import DataError
from mazo.plots.loss import draw_losses, mean_curve
from mazo.plots.radar import draw_radar
from mazo.plots.style import write_figure
from mazo.tables.main import make_sections


def frame(*losses: tuple[int, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(losses, columns=["step", "task", "split", "loss"])


def two_seeds() -> list[pd.DataFrame]:
    """Dev losses whose means over the two tasks are 2 and 4 at step 0, and 1 and 1 at step 10."""
    return [
        frame((0, "rte", "dev", 1.0), (0, "squad", "dev", 3.0), (10, "rte", "dev", 1.0), (10, "squad", "dev", 1.0)),
        frame((0, "rte", "dev", 4.0), (0, "squad", "dev", 4.0), (10, "rte", "dev", 0.5), (10, "squad", "dev", 1.5)),
    ]


def train_too(frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    return [pd.concat([f, f.assign(split="train")]) for f in frames]


def test_a_curve_is_the_mean_over_tasks_then_over_seeds_with_its_standard_error():
    curve = mean_curve(two_seeds(), split="dev")
    assert curve.steps.tolist() == [0, 10]
    assert curve.mean.tolist() == [3, 1]
    assert curve.error == pytest.approx(np.array([1.0, 0.0]))  # 2 and 4: deviation sqrt(2), over sqrt(2)


def test_one_seed_has_no_band():
    assert mean_curve(two_seeds()[:1], split="dev").error.tolist() == [0, 0]


def test_the_loss_figure_has_a_line_a_trained_method_in_both_panels():
    panels = {"m, mix two": {"Zero-shot": [], "MTL-ZO": train_too(two_seeds()), "MaZO": train_too(two_seeds())}}
    train, dev = draw_losses(panels).axes
    assert len(train.lines) == len(dev.lines) == 2
    assert [text.get_text() for text in dev.get_legend().get_texts()] == ["MTL-ZO", "MaZO"]
    assert dev.lines[0].get_ydata().tolist() == [3, 1]


def test_a_method_has_the_same_colour_in_both_figures():
    methods = {"Zero-shot": [], "mtl_zo": train_too(two_seeds()), "mazo": train_too(two_seeds())}
    (radar,) = draw_radar(make_sections(three_methods())).axes
    train, _ = draw_losses({"m, mix two": methods}).axes
    assert [line.get_color() for line in train.lines] == [line.get_color() for line in radar.lines[1:]]


def test_many_methods_are_told_apart_and_their_legend_hides_no_curve():
    methods = {f"method {number}": train_too(two_seeds()) for number in range(20)}
    figure = draw_losses({"m, mix two": methods})
    dev = figure.axes[1]
    assert len({(line.get_color(), line.get_linestyle()) for line in dev.lines}) == 20
    figure.draw_without_rendering()
    legend = dev.get_legend()
    assert legend.get_window_extent().x0 > dev.get_window_extent().x1
    assert legend.get_window_extent().y0 > 0


def test_a_suite_that_trains_nothing_still_has_its_figure(tmp_path):
    write_figure(draw_losses({"m, mix two": {"Zero-shot": []}}), tmp_path / "loss")
    assert (tmp_path / "loss.png").stat().st_size > 1000


def test_a_curve_with_other_columns_or_none_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone.csv: a run's loss curve cannot be read"):
        read_curve(tmp_path / "gone.csv")
    (tmp_path / "curve.csv").write_text("step,loss\n0,1\n")
    with pytest.raises(DataError, match="wanted columns step, task, split, loss; found step, loss"):
        read_curve(tmp_path / "curve.csv")


def test_more_methods_than_colours_still_draw():
    methods = {f"m{i}": train_too(two_seeds()) for i in range(10)}

    assert len(draw_losses({"t": methods}).axes[0].lines) == 10
