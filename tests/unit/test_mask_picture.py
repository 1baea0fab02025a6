import numpy as np
import torch

from mazo.mask_picture import draw_mask, kept_shares
from mazo.masks import Mask


def test_a_cell_holds_the_share_of_its_weights_that_are_kept():
    mask = Mask({"w": torch.tensor([0, 1, 4, 15])}, {"w": (4, 4)})
    np.testing.assert_allclose(kept_shares(mask, "w", cells=2), [[0.75, 0.0], [0.0, 0.25]])
    np.testing.assert_allclose(kept_shares(mask, "w", cells=1), [[0.25]])


def test_cells_of_unequal_size_and_small_matrices_count_every_kept_weight_once():
    for rows, columns, cells in ((5, 7, 3), (1, 9, 4), (3, 2, 48)):
        kept = torch.arange(0, rows * columns, 2)
        shares = kept_shares(Mask({"w": kept}, {"w": (rows, columns)}), "w", cells=cells)
        assert shares.shape == (min(rows, cells), min(columns, cells))
        edges = [np.linspace(0, size, min(size, cells) + 1).round() for size in (rows, columns)]
        assert (shares * np.outer(np.diff(edges[0]), np.diff(edges[1]))).sum() == len(kept)


def test_a_picture_has_a_titled_panel_a_matrix():
    names = [f"model.layers.{block}.mlp.up_proj.weight" for block in range(9)]
    mask = Mask({name: torch.tensor([3]) for name in names}, dict.fromkeys(names, (4, 4)))
    titles = [axes.get_title() for axes in draw_mask(mask).axes if axes.get_title()]
    assert titles == [f"{block}.mlp.up_proj" for block in range(9)]
