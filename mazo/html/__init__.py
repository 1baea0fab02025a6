"""A suite's results as one page that reads offline: the tables as written, the figures inline, no request anywhere."""

from pathlib import Path

HERE = Path(__file__).parent
ASSETS = [HERE / name for name in ("page.html.jinja", "page.css", "page.js")]
