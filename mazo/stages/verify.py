"""Stage: a fresh run's tables against the reference's."""

from pathlib import Path

from mazo.errors import DataError
from mazo.verify import BEYOND, compare_tables


def run(*, reference: Path, results: Path) -> None:
    """Print the cells that moved; raises :class:`mazo.errors.DataError` where one moved beyond its standard errors.

    :param reference: Folder of the reference's ``tables/main.csv``.
    :param results: That of the fresh run.
    """
    moves, total = compare_tables(reference / "tables" / "main.csv", results / "tables" / "main.csv")
    print(f"{total - len(moves)} of {total} cells are equal to the reference, {reference}")
    for move in moves:
        print(f"moved: {move}")
    if beyond := [move for move in moves if move.errors > BEYOND]:
        told = "; ".join(map(str, beyond))
        raise DataError(f"{results}: wanted cells within {BEYOND:g} standard errors of the reference; found {told}")
