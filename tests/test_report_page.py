"""The page in a real browser: opened from a file, with no network, on a phone's width and on a desk's."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest
from claims_by_hand import hand_suite, outcome, write_suite

from mazo.stages import claims, compare, convergence, figures, html, tables

REPOSITORY = Path(__file__).resolve().parents[1]
BROWSER = shutil.which("chromium")
NO_NETWORK = ["--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking", "--disable-component-update"]
CHECK = """
<script>
const found = (query) => [...document.querySelectorAll(query)];
const order = (table) => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent.trim());
window.addEventListener("load", () => {
  const scores = document.querySelector("#scores table");
  const button = scores.tHead.rows[0].cells[3].querySelector("button");
  const before = order(scores);
  button.focus();
  const isFocused = document.activeElement === button;
  button.click();
  const up = order(scores);
  const state = button.parentElement.getAttribute("aria-sort");
  button.click();
  const report = {
    width: innerWidth,
    scrolls: document.scrollingElement.scrollWidth - innerWidth,
    tables: found("table").filter((table) => table.offsetHeight > 20).length,
    figures: found("figure img").filter((img) => img.complete && img.naturalWidth > 0 && img.offsetWidth > 200).length,
    without_text: found("figure img").filter((img) => img.alt.length < 20).length,
    requests: performance.getEntriesByType("resource").map((entry) => entry.name).filter((n) => !n.startsWith("data:")),
    dark: getComputedStyle(document.querySelector("figure img")).filter,
    ink: getComputedStyle(document.body).color,
    paper: getComputedStyle(document.body).backgroundColor,
    before, up, state, isFocused, down: order(scores), down_state: button.parentElement.getAttribute("aria-sort"),
  };
  parent.postMessage(JSON.stringify(report), "*");
});
</script>
"""
FRAME = """<!DOCTYPE html>
<meta charset="utf-8"><pre id="check"></pre>
<script>addEventListener("message", (event) => document.querySelector("pre").append(event.data));</script>
<iframe src="{page}" width="{width}" height="900" style="border: 0"></iframe>
"""
"""A browser's window has a least width; a frame may be as narrow as a phone."""


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """The page of a suite written by hand, with a check of its own at the end."""
    if BROWSER is None:
        pytest.skip("needs Debian's chromium, which is not installed")
    results, settings = tmp_path_factory.mktemp("page"), hand_suite()
    write_suite(settings, results, outcome())
    tables.run(settings, results=results)
    compare.run(settings, results=results)
    figures.run(settings, results=results)
    convergence.run(settings, results=results)
    claims.run(settings, results=results, claims=REPOSITORY / "config" / "claims.yaml")
    html.run(
        settings,
        results=results,
        captions=REPOSITORY / "workflow" / "report",
        assumptions=REPOSITORY / "docs" / "assumptions.md",
    )
    path = results / "report.html"
    path.write_text(path.read_text().replace("</body>", f"{CHECK}</body>"))
    return path


def opened(page: Path, *options: str, width: int = 1280) -> dict:
    """Open a page in the browser and return what it finds of itself; nothing may reach the console."""
    frame = page.with_name("frame.html")
    frame.write_text(FRAME.format(page=page.as_uri(), width=width))
    here = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,1000"]
    told = [f"--user-data-dir={page.parent / 'profile'}", "--enable-logging=stderr", "--virtual-time-budget=5000"]
    command = [str(BROWSER), *here, *NO_NETWORK, *options, *told, "--dump-dom", frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "CONSOLE" not in done.stderr, done.stderr
    found = re.search(r'<pre id="check">(.+?)</pre>', done.stdout, flags=re.DOTALL)
    assert found, done.stdout[-2000:]
    return json.loads(unescape(found[1]))


@pytest.mark.parametrize("width", [360, 1280], ids=["phone", "desk"])
def test_everything_shows_with_no_request_and_the_page_itself_scrolls_downwards_alone(page, width):
    found = opened(page, width=width)
    assert found["width"] == width
    assert found["scrolls"] <= 0
    assert found["figures"] == 5  # claims, radar, forest, ranks, loss
    assert found["tables"] == 10  # two in differences and in cost, one in each other section
    assert found["without_text"] == 0
    assert found["requests"] == []


def test_a_heading_sorts_its_table_up_and_down_and_says_so(page):
    found = opened(page)
    assert found["isFocused"]
    assert found["before"] == ["Zero-shot", "mtl_zo", "Ma_ZO & co", "FAMO", "AdamW"]
    assert found["up"] == ["Zero-shot", "FAMO", "mtl_zo", "AdamW", "Ma_ZO & co"]
    assert found["state"] == "ascending"
    assert found["down"] == found["up"][::-1]
    assert found["down_state"] == "descending"


def test_in_the_dark_page_and_drawings_turn_over(page):
    light, dark = (opened(page, *o) for o in ([], ["--force-dark-mode"]))
    assert light["dark"] == "none"
    assert "invert" in dark["dark"]
    assert contrast(light) > 7
    assert contrast(dark) > 7


def test_the_console_is_heard(page):
    """A page that asks for a picture from elsewhere fails the check that the tests above pass."""
    bad = page.with_name("bad.html")
    bad.write_text(page.read_text().replace("</main>", '<img src="https://example.org/a.png" alt=""></main>'))
    with pytest.raises(AssertionError, match="Content Security Policy"):
        opened(bad)


def contrast(found: dict) -> float:
    """The contrast of text and page (WCAG 2)."""
    lights = sorted(luminance(found[key]) for key in ("ink", "paper"))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
