"""Stage: what some files hold, told on the terminal."""

from collections.abc import Sequence
from pathlib import Path

from mazo.errors import ConfigError, DataError
from mazo.masks import Mask, load_mask
from mazo.records import Record, read_record
from mazo.reports import log_report, mask_report, overlap_report, record_report
from mazo.zeroth_order import RunLog, read_log

WANTED = "wanted a mask (mask.safetensors), a step log (steps.log) or a record (record.json)"


def run(*, paths: Sequence[Path], picture: Path | None) -> None:
    """Print a report a file; two masks are compared too, and the picture is the first mask's.

    Raises :class:`mazo.errors.MazoError` for a file that is none of the three.
    """
    found = {path: read(path) for path in paths}
    reports = [report(path, content) for path, content in found.items()]
    masks = [content for content in found.values() if isinstance(content, Mask)]
    if len(masks) == 2:
        reports.append(overlap_report(*masks))
    print("\n\n".join(reports))
    if picture is not None:
        _draw(masks, picture)


def read(path: Path) -> Mask | RunLog | Record:
    """Read a file of any of the three kinds, told apart by how it begins."""
    if not path.is_file():
        raise DataError(f"{path}: {WANTED}; found {'a folder' if path.is_dir() else 'nothing'}")
    with path.open("rb") as file:
        first_line = file.readline(1 << 16)
    if int.from_bytes(first_line[:8], "little") < path.stat().st_size and first_line[8:9] == b"{":
        return load_mask(path)
    if first_line.startswith(b"{") and b'"format": "mazo-steps' in first_line:
        return read_log(path)
    if first_line.startswith(b"{"):
        return read_record(path)
    raise DataError(f"{path}: {WANTED}; found {first_line[:40]!r}")


def report(path: Path, content: Mask | RunLog | Record) -> str:
    """Describe what was read."""
    match content:
        case Mask():
            return mask_report(path, content)
        case RunLog():
            return log_report(path, content)
        case Record():
            return record_report(path, content)


def _draw(masks: Sequence[Mask], picture: Path) -> None:
    from mazo.mask_picture import draw_mask
    from mazo.plots.style import write_picture

    if not masks:
        raise ConfigError("--picture: wanted a mask to draw; found none among the files")
    write_picture(draw_mask(masks[0]), picture)
