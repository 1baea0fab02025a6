"""Scores of two single-task models on both tasks, two seeds."""

from hand_made import suite

from mazo.grid import rows
from mazo.tables.transfer import make_transfer

ALONE = {"kind": "zeroth_order", "lr": 1e-3, "scope": "single_task", "label": "Alone_ZO"}
SUITE = suite(methods={"alone": ALONE, "mtl_zo": {"kind": "zeroth_order", "lr": 1e-5}}, seeds=[0, 1])
SCORES = {
    "squad": [{"rte": 0.4, "squad": 0.8}, {"rte": 0.6, "squad": 0.8}],
    "rte": [{"rte": 0.9, "squad": 0.1}, {"rte": 0.7, "squad": 0.3}],
}


def transfer():
    return make_transfer(next(rows(SUITE)), SCORES)
