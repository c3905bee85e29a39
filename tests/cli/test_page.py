"""The evaluation as a page: read in a real browser, from the disk, with nothing from elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from harness import Ran

ROOT = Path(__file__).resolve().parents[2]
# Appended to a copy: does what a reader does, and leaves what he then sees in the title.
USED = """
<script>
const seen = [];
const shown = () => [...document.querySelectorAll(".layers")].filter(c => c.offsetHeight).map(c => c.dataset.chart);
seen.push(shown().join());
chosen.value = "1";
chosen.dispatchEvent(new Event("change"));
seen.push(shown().join());
const counts = () => [...table.tBodies[0].rows].map(r => Number(r.cells[1].dataset.value));
table.querySelectorAll("thead button")[1].click();
seen.push(counts().join());
table.querySelectorAll("thead button")[1].click();
seen.push(counts().join());
seen.push(document.querySelectorAll("#graph rect").length, document.getElementById("graph").getBBox().width > 0);
document.title = seen.join("|");
</script>
"""


@pytest.fixture(scope="module")
def browser() -> Path:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        message = "Chromium is not installed (apt-get install chromium)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return Path(found)


def opened(browser: Path, page: Path) -> tuple[str, str]:
    """The document as the browser has it in the end, and what it complains of."""
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--enable-logging=stderr",
        f"--user-data-dir={page}.profile",
    ]
    done = subprocess.run(
        [browser, *options, "--virtual-time-budget=2000", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> Path:
    folder = tmp_path_factory.mktemp("work")
    shutil.copytree(ROOT / "examples" / "digits", folder / "digits", ignore=shutil.ignore_patterns("build"))
    assert module_cli("build", "digits:float32", cwd=folder).code == 0
    assert module_cli("build", "digits:int8", cwd=folder).code == 0
    ran = module_cli("evaluate", "digits", "--no-time", "--html", "page.html", cwd=folder)
    assert (ran.code, ran.err.splitlines()[-1]) == (0, "wrote page.html"), ran.text
    return folder / "page.html"


class Links(HTMLParser):
    """Everything that a page names elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "action", "xlink:href")]


def test_it_holds_all_that_it_shows(page: Path, browser: Path) -> None:
    text = page.read_text("utf-8")
    links = Links()
    links.feed(text)
    assert links.found == [] and "url(" not in text and "@import" not in text
    dom, complaints = opened(browser, page)
    assert complaints == ""
    for part in ("runtimes", "accelerators", "files", "sizes", "plot", "operators", "graph"):
        assert f'id="{part}"' in dom, part
    assert re.search(r"<td>int8</td><td class=\"number\">15\.1 kB</td>", dom)
    assert "conv2d_1" in dom and "97.78%" in dom


def test_it_answers_its_reader(page: Path, browser: Path) -> None:
    used = page.with_name("used.html")
    used.write_text(page.read_text("utf-8").replace("</body>", f"{USED}</body>"), "utf-8")
    dom, complaints = opened(browser, used)
    assert complaints == ""
    before, after, falling, rising, boxes, wide = re.search(r"<title>(.*?)</title>", dom)[1].split("|")  # type: ignore[index]
    assert (before, after) == ("0", "1"), "one chart at a time, the chosen one"
    numbers = [int(n) for n in falling.split(",")]
    assert numbers == sorted(numbers, reverse=True) and [int(n) for n in rising.split(",")] == sorted(numbers)
    assert int(boxes) == 7 + 2 and wide == "true"


def test_names_are_text(tmp_path: Path, browser: Path, module_cli: Callable[..., Ran]) -> None:
    """Whatever a file calls its tensors, and itself."""
    odd = tmp_path / "<script>alert(1)</script>&amp;.tflite".replace("/", "∕")
    shutil.copy(ROOT / "tests" / "fixtures" / "tflite" / "two-signatures.tflite", odd)
    ran = module_cli("evaluate", odd, "--no-time", "--html", tmp_path / "odd.html")
    assert ran.code == 0, ran.text
    dom, complaints = opened(browser, tmp_path / "odd.html")
    assert complaints == "" and dom.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;∕script&gt;&amp;amp;" in dom


def test_a_page_that_cannot_be_written(page: Path, module_cli: Callable[..., Ran]) -> None:
    ran = module_cli("evaluate", page.parent / "digits", "--no-time", "--html", page / "x.html")
    assert ran.code == 5 and "is a file, where a folder is needed" in ran.err
