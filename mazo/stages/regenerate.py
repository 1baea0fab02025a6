"""Stage: a pack to every table and figure of its suite, and whether the tables are those of a reference."""

from pathlib import Path

from mazo.config import Suite
from mazo.configfile import load_suite
from mazo.errors import DataError
from mazo.files import whole_folder
from mazo.grid import is_single_task, is_trained, runs
from mazo.pack import CLAIMS, CONFIG, PUBLISHED, unpack
from mazo.stages import claims, compare, convergence, figures, published, sizes, tables, transfer, tuning
from mazo.suite_items import SuiteItems
from mazo.tables.published import has_published, read_published
from mazo.verify import compare_files


def run(*, records: Path, reference: Path, out: Path) -> None:
    """Unpack ``records`` into a new folder, make its tables and figures, and compare them with the reference's.

    :param reference: Folder of the reference's ``tables``.

    Raises :class:`mazo.errors.DataError` where a table of the reference does not come out byte for byte.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out}: wanted a new folder; found one that is taken")
    with whole_folder(out) as folder:
        unpack(records, folder)
        make_outputs(load_suite(folder / CONFIG), folder)
    found = compare_files(reference / "tables", out / "tables")
    for name, outcome in found.items():
        print(f"{name}: {outcome or 'equal, byte for byte'}")
    if unequal := ", ".join(f"{name} {outcome}" for name, outcome in found.items() if outcome):
        raise DataError(f"{out / 'tables'}: wanted the tables of {reference}, byte for byte; found {unequal}")


def make_outputs(suite: Suite, results: Path) -> None:
    """Write the tables and figures that the stages write, those that need asking for where there is what they need."""
    items = SuiteItems(results)
    tables.run(suite, results=results)
    sizes.run(suite, results=results)
    compare.run(suite, results=results, items=items)
    figures.run(suite, results=results)
    if any(is_trained(run) for run in runs(suite)):
        convergence.run(suite, results=results)
    if any(is_single_task(suite, method) for method in suite.methods):
        transfer.run(suite, results=results)
    if has_published(suite, read_published(results / PUBLISHED)):
        published.run(suite, results=results, published=results / PUBLISHED)
    if (results / "probe").exists():
        claims.run(suite, results=results, claims=results / CLAIMS, items=items)
    if (results / "tune").exists():
        tuning.run(suite, results=results)
