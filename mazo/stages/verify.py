"""Stage: a fresh run's tables against the reference's."""

from pathlib import Path

from mazo.errors import DataError
from mazo.verify import BEYOND, TABLES, Move, compare_tables


def run(*, reference: Path, results: Path) -> None:
    """Print the cells that moved in the main table, the comparison and the ranks.

    Ranks are measured by nothing of their own: they may move where scores did. Tables that the reference lacks are left
    out, but for the main one.

    :param reference: Folder of the reference's ``tables``.
    :param results: That of the fresh run.

    Raises :class:`mazo.errors.DataError` where a cell moved beyond its standard errors, or a rank without a score.
    """
    moves: dict[str, list[Move]] = {}
    for table in TABLES:
        if table != "main" and not (reference / "tables" / f"{table}.csv").exists():
            continue
        moves[table], total = compare_tables(reference / "tables", results / "tables", table=table)
        print(f"{table}: {total - len(moves[table])} of {total} cells are equal to the reference, {reference}")
        for move in moves[table]:
            print(f"moved: {move}")
    judged = [table for table in moves if table != "ranks" or not moves["main"]]
    if beyond := [f"{table} {move}" for table in judged for move in moves[table] if move.errors > BEYOND]:
        told = "; ".join(beyond)
        raise DataError(f"{results}: wanted cells within {BEYOND:g} standard errors of the reference; found {told}")
