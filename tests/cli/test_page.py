"""The evaluation as a page: read in a real browser, from the disk, with nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from harness import Ran, inside

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
    assert re.search(r"<td>int8</td><td class=\"number\">16\.0 kB</td>", dom)
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


INT8 = ROOT / "tests" / "fixtures" / "tflite" / "int8.tflite"


@pytest.fixture
def shell(cache: Path, tmp_path: Path) -> Callable[..., Ran]:
    """The command line inside of this process, in this test's folder, beside `m.tflite`."""
    run = inside(cache)
    shutil.copy(INT8, tmp_path / "m.tflite")
    return lambda *arguments: run(*arguments, cwd=tmp_path)


def test_a_page_replaces_pages_alone(shell: Callable[..., Ran], tmp_path: Path) -> None:
    """Neither what is evaluated nor anything else, however it is named, and before anything is done."""
    (tmp_path / "model.toml").write_text(
        'spec = 1\n[model]\nname = "m"\n[source]\nformat = "tflite"\npath = "m.tflite"\n'
    )
    (tmp_path / "notes.html").write_text("<!doctype html><title>mine</title>")
    (tmp_path / "link.html").symlink_to("m.tflite")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    for model in ("m.tflite", "."):
        for place in ("m.tflite", "link.html", "model.toml", "notes.html", str(tmp_path / "m.tflite")):
            ran = shell("evaluate", model, "--no-time", "--html", place)
            said = f"error: --html would replace '{place}', which is something else\n"
            assert (ran.code, ran.out, ran.err) == (64, "", said + "help: name another file, or remove it\n"), place
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


def test_a_link_to_a_page_is_followed(shell: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "page.html").symlink_to("pages/one.html")
    for _ in range(2):
        assert shell("evaluate", "m.tflite", "--no-time", "--html", "page.html").code == 0
    assert (tmp_path / "page.html").is_symlink() and (tmp_path / "pages" / "one.html").read_text().endswith("</html>")
    assert [p.name for p in (tmp_path / "pages").iterdir()] == ["one.html"]


def test_pipes_and_devices_are_written_into(shell: Callable[..., Ran], tmp_path: Path, cli: Callable[..., Ran]) -> None:
    """And never read, which might not end."""
    ran = shell("evaluate", "m.tflite", "--no-time", "--html", "/dev/full")
    assert ran.code == 5 and "cannot write /dev/full: No space left on device" in ran.err
    ran = cli("evaluate", tmp_path / "m.tflite", "--no-time", "--html", "/dev/stdout")
    assert ran.code == 0 and ran.out.startswith("<!doctype html>") and ran.out.endswith("</html>"), ran.text
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text()), daemon=True)
    reader.start()
    assert shell("evaluate", "m.tflite", "--no-time", "--html", "pipe").code == 0
    reader.join(30)
    assert read == [ran.out] and (tmp_path / "pipe").is_fifo()


def test_a_place_is_looked_at_before_the_model(shell: Callable[..., Ran], tmp_path: Path) -> None:
    """Even where that is none; and programs are told as everywhere."""
    (tmp_path / "none.tflite").write_bytes(b"no model at all")
    for place, said in (
        ("m.tflite/x.html", "'m.tflite' is a file, where a folder is needed"),
        ("m.tflite", "--html would replace 'm.tflite', which is something else"),
    ):
        ran = shell("evaluate", "none.tflite", "--json", "--html", place)
        (error,) = json.loads(ran.out)["errors"]
        assert said in error["message"] and error["code"] == ran.code


def test_a_name_that_is_not_utf8(cli: Callable[..., Ran], tmp_path: Path) -> None:
    """JSON is what strict parsers take, and a page is UTF-8."""
    odd = os.fsdecode(b"b\xff\xfe.tflite")
    shutil.copy(INT8, tmp_path / odd)
    value = json.loads(cli("evaluate", "--json", "--no-time", tmp_path / odd).out)
    assert value["name"] == "b\ufffd\ufffd"
    json.dumps(value, ensure_ascii=False).encode()
    ran = cli("evaluate", "--no-time", tmp_path / odd, "--html", tmp_path / "page.html")
    assert ran.code == 0, ran.text
    assert r"<h1>b\udcff\udcfe" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize("command", [("inspect", "pipe"), ("diff", "pipe", "m.tflite"), ("evaluate", "pipe")])
def test_a_pipe_is_no_model(shell: Callable[..., Ran], tmp_path: Path, command: tuple[str, ...]) -> None:
    """Told at once, rather than waited for."""
    os.mkfifo(tmp_path / "pipe")
    ran = shell(*command)
    assert (ran.code, ran.err) == (64, "error: 'pipe' is a pipe, socket or device, not a file\n")
