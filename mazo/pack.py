"""A suite's results in one small file: all that its tables, figures and claims are made from.

A tar archive under xz that holds ``config.json``, the files of the runs that are read again (``record.json``,
``train.json``, ``curve.csv``), the reports of the rows and their lengths, what was measured of the gradients and the
trials of the tuning where there are any, the files of the claims and of published figures, and ``samples.json``, to
which the samples are reduced. Rows, masks, logs of steps and the models' answers are left out.
"""

import io
import lzma
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mazo.config import Suite
from mazo.errors import DataError
from mazo.files import write_bytes
from mazo.grid import is_trained, probe_file, run_folder, runs
from mazo.suite_items import REDUCED, write_reduced
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

    Raises :class:`mazo.errors.DataError` for a file that is absent, and for damaged samples.
    """
    sources = {name: results / name for name in [*_wanted(suite), *_present(suite, results)]}
    with tempfile.TemporaryDirectory() as folder:
        write_reduced(suite, results, Path(folder, REDUCED))
        sources |= {REDUCED: Path(folder, REDUCED), CLAIMS: claims, PUBLISHED: published}
        contents = {name: _read(path) for name, path in sources.items()}
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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: wanted a file of a finished suite; found none ({error.strerror})") from None


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
