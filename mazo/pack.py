"""A suite's results in one small file: all that its tables, figures and claims are made from.

A tar archive under xz that holds ``config.json``, the files of the runs that are read again (``record.json``,
``train.json``, ``curve.csv``), the reports of the rows and their lengths, what was measured of the gradients and the
trials of the tuning where there are any, the files of the claims and of published figures, and ``samples.json``, to
which the samples are reduced. Rows, masks, logs of steps and the models' answers are left out.
"""

import io
import json
import lzma
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mazo.config import Run, Suite
from mazo.curve import read_curve
from mazo.errors import DataError
from mazo.files import write_bytes
from mazo.grid import is_trained, probe_file, run_folder, runs
from mazo.reading import reading
from mazo.records import read_record, read_training
from mazo.samples import Items
from mazo.suite_items import REDUCED, SuiteItems, write_reduced
from mazo.tuning import tuning_path

PACK = "records.tar.xz"
"""A pack's name in a suite's folder, and in a reference's."""
CONFIG, CLAIMS, PUBLISHED = "config.json", "claims.yaml", "published.yaml"
"""Names inside a pack."""


def write_pack(suite: Suite, results: Path, out: Path, *, claims: Path, published: Path) -> None:
    """Pack a suite's results; equal results give equal bytes.

    :param results: The suite's folder.
    :param claims: The file of the claims.
    :param published: The file of published figures.

    Raises :class:`mazo.errors.DataError` for a file that is absent or damaged.
    """
    sources = {name: results / name for name in [*_wanted(suite), *_present(suite, results)]}
    contents = {name: _read(path) for name, path in (sources | {CLAIMS: claims, PUBLISHED: published}).items()}
    with tempfile.TemporaryDirectory() as folder:
        write_reduced(suite, results, Path(folder, REDUCED))
        contents[REDUCED] = _read(Path(folder, REDUCED))
        items = SuiteItems(Path(folder))
        for run in runs(suite):
            _check_run(run, results / run_folder(run), items=items.of(run))
    contents[CONFIG] = (suite.model_dump_json(indent=1) + "\n").encode()
    write_bytes(out, lzma.compress(_archive(contents)))


def _wanted(suite: Suite) -> list[str]:
    files = [f"data/{task}/report.json" for task in suite.tasks]
    files += [f"data/lengths/{model}.json" for model in suite.models]
    for run in runs(suite):
        own = ["record.json", *(["train.json", "curve.csv"] if is_trained(run) else [])]
        files += [f"{run_folder(run)}/{name}" for name in own]
    return files


def _present(suite: Suite, results: Path) -> list[str]:
    """List what a suite has only where it was asked for."""
    trials = [
        tuning_path(model, mix, method) for model in suite.models for mix in suite.mixes for method in suite.tune.grids
    ]
    return [name for name in [*map(probe_file, runs(suite)), *trials] if (results / name).exists()]


def _check_run(run: Run, folder: Path, *, items: Mapping[str, Items]) -> None:
    """Insist that a run's files can be read again, and that it has as many samples as its record says."""
    counts = {task: score.n for task, score in read_record(folder / "record.json").metrics.items()}
    for task, own in items.items():
        if (found := len(own.scores)) != counts.get(task):
            wanted = counts.get(task, "no")
            raise DataError(
                f"{folder / 'samples.jsonl'}: {task}: wanted {wanted} rows, as in record.json; found {found}"
            )
    if is_trained(run):
        read_training(folder / "train.json")
        read_curve(folder / "curve.csv")


def _read(path: Path) -> bytes:
    with reading(path, "wanted a file of a finished suite; found none"):
        data = path.read_bytes()
        if path.suffix == ".json":
            json.loads(data)
        return data


def _archive(contents: dict[str, bytes]) -> bytes:
    """Write a tar archive with nothing of the machine or the day in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(contents.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def unpack(pack: Path, folder: Path) -> None:
    """Write a pack's files as they lay below the suite's folder.

    :raises DataError: a file that is absent or is no such archive.
    """
    try:
        with tarfile.open(pack, mode="r:xz") as archive:
            archive.extractall(folder, filter="data")
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError) as error:
        raise DataError(f"{pack}: wanted what `mazo pack` wrote; found {error}") from error


@contextmanager
def records_below(results: Path) -> Iterator[Path]:
    """Give the folder in which a suite's records lie: its own, or where that holds a pack alone one for the while."""
    if not (results / PACK).exists() or (results / "runs").exists():
        yield results
        return
    with tempfile.TemporaryDirectory() as folder:
        unpack(results / PACK, Path(folder))
        yield Path(folder)
