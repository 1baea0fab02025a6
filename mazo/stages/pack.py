"""Stage: all that a suite's tables are made from, as one small file."""

from pathlib import Path

from mazo.config import Suite
from mazo.pack import write_pack


def run(suite: Suite, *, results: Path, claims: Path, published: Path, out: Path) -> None:
    """Write the pack, and print its size."""
    write_pack(suite, results, out, claims=claims, published=published)
    print(f"{out}: {out.stat().st_size:,} bytes")
