"""Stage: the records of single-task runs to the transfer matrix, as table and heat map."""

from pathlib import Path

from mazo.config import Suite
from mazo.errors import ConfigError
from mazo.plots.style import write_figure
from mazo.plots.transfer import draw_transfers
from mazo.tables.transfer import read_transfers, write_transfer


def run(suite: Suite, *, results: Path) -> None:
    """Write ``tables/transfer.{csv,md,tex}`` and ``figures/transfer.{svg,png}``.

    Raises :class:`mazo.errors.ConfigError` for a suite without a single-task method.
    """
    transfers = read_transfers(suite, results)
    if not transfers:
        raise ConfigError("methods: wanted one with scope: single_task for a transfer matrix; found none")
    write_transfer(transfers, results / "tables")
    write_figure(draw_transfers(transfers), results / "figures" / "transfer")
