"""Sources with an address: what the hash promises is built, and nothing else ever leaves the download."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import struct
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from harness import Said, Workshop
from syrupy.assertion import SnapshotAssertion

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "tests" / "fixtures" / "tflite" / "float32.tflite").read_bytes()
SAVED = ROOT / "tests" / "fixtures" / "init" / "two"
KERAS = ROOT / "tests" / "fixtures" / "init" / "sequential.keras"


@dataclass
class Site:
    """A web server on this machine: what it gives, how it misbehaves, and what was asked of it."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            site.asked.append(path)
            redirects = {
                "/to-file.tflite": "file:///etc/hostname",
                "/to-ftp.tflite": "ftp://127.0.0.1/m.tflite",
                "/moved.tflite": "/m.tflite",
                "/circle.tflite": "/circle.tflite",
            }
            if path in redirects:
                self.send_response(302)
                self.send_header("Location", redirects[path])
                self.end_headers()
            elif path == "/hangs-up.tflite":
                self.connection.close()
            elif path == "/breaks-off.tflite":
                self.send_response(200)
                self.send_header("Content-Length", str(len(MODEL)))
                self.end_headers()
                self.wfile.write(MODEL[:1000])
            elif path == "/breaks-off-in-a-chunk.tflite":
                self.protocol_version = "HTTP/1.1"
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"800\r\n" + MODEL[:1000])
                self.close_connection = True
            elif path == "/fails.tflite":
                self.send_error(503)
            elif path in site.files:
                self.send_response(200)
                self.send_header("Content-Length", str(len(site.files[path])))
                self.end_headers()
                self.wfile.write(site.files[path])
            else:
                self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def zipped(*members: tuple[str, bytes, int]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return data.getvalue()


def tarred(mode: str, *members: tuple[str, bytes | tarfile.TarInfo]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=f"w:{mode}") as archive:
        for name, content in members:
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return data.getvalue()


def linked(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def bomb() -> bytes:
    """A small .tar.gz whose header announces 3 GB."""
    info = tarfile.TarInfo("m.tflite")
    info.size = 3_000_000_000
    return gzip.compress(info.tobuf() + bytes(1 << 20))


def zip_bomb() -> bytes:
    """A .zip whose list announces 3 GB for its member."""
    data = bytearray(zipped(("m.tflite", bytes(100_000), 0)))
    entry = data.index(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 3_000_000_000)
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(zipped(("m.tflite", MODEL, 0)))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def latin1(name: str) -> bytes:
    """A .tar of long ago, names in Latin-1: the model at `name`, beside it a file that is called é."""
    members = [("m\u00e9moire.txt", b"hello"), (name, MODEL)]
    data = b""
    for member, content in members:
        info = tarfile.TarInfo(member)
        info.size = len(content)
        data += info.tobuf(tarfile.USTAR_FORMAT, "latin-1") + content + bytes(-len(content) % 512)
    return data + bytes(1024)


def nul_in_a_name() -> bytes:
    info = tarfile.TarInfo("m.tflite")
    info.pax_headers = {"path": "m\0.tflite"}
    return tarred("", ("m.tflite", info))


def folder_zip(folder: Path, at: str) -> bytes:
    members = [(f"{at}{p.relative_to(folder)}", p.read_bytes(), 0) for p in sorted(folder.rglob("*")) if p.is_file()]
    return zipped(*members)


GOOD_ZIP = zipped(("notes/", b"", 0o40755), ("notes/readme.txt", b"hello", 0), ("models/m.tflite", MODEL, 0o100644))
FILES = {
    "/m.tflite": MODEL,
    "/m.zip": GOOD_ZIP,
    **{f"/m.tar.{s}": tarred(s, ("./models/m.tflite", MODEL), ("other", b"x")) for s in ("gz", "xz")},
    "/saved.zip": folder_zip(SAVED, "export/1/"),
    "/root.zip": folder_zip(SAVED, ""),
    "/climbs.zip": zipped(("../evil.txt", b"x", 0), ("m.tflite", MODEL, 0)),
    "/climbs.tar": tarred("", ("models/../../evil.txt", b"x"), ("m.tflite", MODEL)),
    "/absolute.tar.gz": tarred("gz", ("/tmp/evil.txt", b"x"), ("m.tflite", MODEL)),
    "/windows.zip": zipped(("C:\\evil.txt", b"x", 0), ("m.tflite", MODEL, 0)),
    "/link.tar": tarred("", ("l", linked("m.tflite", "/etc/passwd"))),
    "/hardlink.tar": tarred("", ("m.tflite", MODEL), ("h", linked("h", "m.tflite", tarfile.LNKTYPE))),
    "/device.tar": tarred("", ("m.tflite", linked("m.tflite", "", tarfile.CHRTYPE))),
    "/link.zip": zipped(("m.tflite", b"/etc/passwd", 0o120777)),
    "/pipe.zip": zipped(("m.tflite", b"", 0o010644)),
    "/cut.zip": GOOD_ZIP[:-40],
    "/cut.tar.gz": tarred("gz", ("m.tflite", MODEL))[:-400],
    "/flipped.zip": GOOD_ZIP.replace(MODEL[:1], b"", 1)[:200] + bytes(40) + GOOD_ZIP[240:],
    "/flipped.tar.xz": tarred("xz", ("m.tflite", MODEL))[:300] + bytes(40) + tarred("xz", ("m.tflite", MODEL))[340:],
    "/text.tar.xz": b"no archive at all",
    "/bomb.tar.gz": bomb(),
    "/bomb.zip": zip_bomb(),
    "/encrypted.zip": encrypted(),
    "/sequential.keras": KERAS.read_bytes(),
    "/keras.tar.gz": tarred("gz", ("deep/sequential.keras", KERAS.read_bytes())),
    "/nonsense.keras": b"nonsense of some length",
    "/nonsense.tflite": b"nonsense of some length",
    "/latin1.tar": latin1("models/m.tflite"),
    "/latin1-inside.tar": latin1("models/m\u00e9.tflite"),
    "/latin1.zip": zipped(("m\u00e9.tflite", MODEL, 0)).replace("\u00e9".encode(), b"\xe9\xe9"),
    "/nul.tar": nul_in_a_name(),
    "/folder-is-file.zip": zipped(("m.tflite", MODEL, 0), ("m.tflite/inner", b"x", 0)),
}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    site = Site(files=dict(FILES))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(site))
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        yield site
    server.shutdown()
    server.server_close()


def source(site: Site, file: str, path: str = "", format_: str = "tflite", sha256: str = "", port: str = "") -> str:
    address = port or site.address
    digest = sha256 or hashlib.sha256(site.files.get(file.partition("?")[0], MODEL)).hexdigest()
    lines = [f'format = "{format_}"', f'url = "{address}{file}"', f'sha256 = "{digest}"']
    lines += [f'path = "{path}"'] if path else []
    lines += ['signatures = ["apply"]'] if format_ == "saved_model" else []
    return "\n".join(lines)


GOOD = {
    "single": ("/m.tflite",),
    "query": ("/m.tflite?version=3",),
    "moved": ("/moved.tflite",),
    "zip": ("/m.zip", "models/m.tflite"),
    "gz": ("/m.tar.gz", "models/m.tflite"),
    "xz": ("/m.tar.xz", "./models/m.tflite"),
    "latin1-beside": ("/latin1.tar", "models/m.tflite"),
    "saved": ("/saved.zip", "export/1", "saved_model"),
    "root": ("/root.zip", ".", "saved_model"),
    "keras": ("/sequential.keras", "", "keras"),
    "keras-in-archive": ("/keras.tar.gz", "deep/sequential.keras", "keras"),
}
BESIDE = {"tflite": "m.tflite", "saved_model": "model", "keras": "sequential.keras"}
WRONG: dict[str, tuple[int, tuple[str, ...]]] = {
    "wrong-hash": (2, ("/m.tflite", "", "tflite", "0" * 64)),
    "not-there": (2, ("/nothing.tflite",)),
    "server-fails": (3, ("/fails.tflite",)),
    "breaks-off": (3, ("/breaks-off.tflite",)),
    "breaks-off-in-a-chunk": (3, ("/breaks-off-in-a-chunk.tflite",)),
    "hangs-up": (3, ("/hangs-up.tflite",)),
    "nobody-listens": (3, ("/m.tflite", "", "tflite", "0" * 64, "http://127.0.0.1:9")),
    "bad-port": (2, ("/m.tflite", "", "tflite", "0" * 64, "http://127.0.0.1:port")),
    "to-file": (2, ("/to-file.tflite",)),
    "to-ftp": (2, ("/to-ftp.tflite",)),
    "circle": (2, ("/circle.tflite",)),
    "climbs-zip": (2, ("/climbs.zip", "m.tflite")),
    "climbs-tar": (2, ("/climbs.tar", "m.tflite")),
    "absolute": (2, ("/absolute.tar.gz", "m.tflite")),
    "windows": (2, ("/windows.zip", "m.tflite")),
    "link-tar": (2, ("/link.tar", "m.tflite")),
    "hardlink-tar": (2, ("/hardlink.tar", "m.tflite")),
    "device-tar": (2, ("/device.tar", "m.tflite")),
    "link-zip": (2, ("/link.zip", "m.tflite")),
    "pipe-zip": (2, ("/pipe.zip", "m.tflite")),
    "cut-zip": (2, ("/cut.zip", "models/m.tflite")),
    "cut-gz": (2, ("/cut.tar.gz", "m.tflite")),
    "flipped-zip": (2, ("/flipped.zip", "models/m.tflite")),
    "flipped-xz": (2, ("/flipped.tar.xz", "m.tflite")),
    "no-archive": (2, ("/text.tar.xz", "m.tflite")),
    "bomb-tar": (2, ("/bomb.tar.gz", "m.tflite")),
    "bomb-zip": (2, ("/bomb.zip", "m.tflite")),
    "encrypted": (2, ("/encrypted.zip", "m.tflite")),
    "file-and-folder": (2, ("/folder-is-file.zip", "m.tflite")),
    "latin1-tar": (2, ("/latin1-inside.tar", "models", "saved_model")),
    "latin1-all": (2, ("/latin1.tar", ".", "saved_model")),
    "latin1-listed": (2, ("/latin1.tar", "m.tflite")),
    "latin1-zip": (2, ("/latin1.zip", "m.tflite")),
    "nul": (2, ("/nul.tar", "m.tflite")),
    "no-such-member": (2, ("/m.zip", "models/n.tflite")),
    "no-member-named": (2, ("/m.zip",)),
    "member-of-a-file": (2, ("/m.tflite", "n.tflite")),
    "folder-for-a-file": (2, ("/m.zip", "models")),
    "all-for-a-file": (2, ("/m.zip", ".")),
    "folder-above": (2, ("/saved.zip", "export", "saved_model")),
    "all-above": (2, ("/saved.zip", ".", "saved_model")),
    "file-for-a-folder": (2, ("/m.zip", "models/m.tflite", "saved_model")),
    "nonsense": (2, ("/nonsense.tflite",)),
    "nonsense-keras": (2, ("/nonsense.keras", "", "keras")),
}


@pytest.fixture(scope="module")
def built(workshop: Workshop, site: Site) -> dict[str, Said]:
    """All of them, in one build."""
    for name, arguments in {**GOOD, **{n: a for n, (_, a) in WRONG.items()}}.items():
        workshop.model(name, source(site, *arguments), {})
    for format_, path in BESIDE.items():
        chosen = '\nsignatures = ["apply"]' if format_ == "saved_model" else ""
        workshop.model(f"beside-{format_}", f'format = "{format_}"\npath = "{path}"{chosen}', {})
    (workshop.folder / "beside-tflite" / "m.tflite").write_bytes(MODEL)
    shutil.copytree(SAVED, workshop.folder / "beside-saved_model" / "model")
    shutil.copy(KERAS, workshop.folder / "beside-keras")
    return workshop.build()


@pytest.mark.parametrize("name", GOOD)
def test_it_is_built_like_one_beside_the_spec(name: str, built: dict[str, Said]) -> None:
    said = built[name]
    assert said.ok, said.text
    format_ = GOOD[name][2] if len(GOOD[name]) > 2 else "tflite"
    assert said.sha256() == built[f"beside-{format_}"].sha256()


@pytest.mark.parametrize("name", WRONG)
def test_error(name: str, built: dict[str, Said], site: Site, workshop: Workshop, snapshot: SnapshotAssertion) -> None:
    said = built[name]
    error = said.error
    port = site.address.rpartition(":")[2]
    text = "\n".join(str(error[k]) for k in ("code", "line", "key", "message", "hint", "detail"))
    assert text.replace(port, "PORT") == snapshot
    assert error["code"] == WRONG[name][0]
    assert error["file"] and error["line"]
    assert not (workshop.folder / name / "build").exists()
    assert not (workshop.folder / name / "model.lock").exists()


def test_nothing_is_written_where_it_should_not(built: dict[str, Said], workshop: Workshop, module_cache: Path) -> None:
    assert built
    for place in (workshop.folder.parent, Path("/tmp")):
        assert not list(place.glob("**/evil.txt" if place == workshop.folder.parent else "evil.txt"))
    assert not list(module_cache.rglob("evil.txt"))
    assert not [p for p in module_cache.glob("store/*/tmp/*") if p.is_dir()]


def test_the_lock_holds_the_address(built: dict[str, Said], workshop: Workshop, site: Site) -> None:
    assert built["zip"].ok
    lock = (workshop.folder / "zip" / "model.lock").read_text("utf-8")
    assert f'"{site.address}/m.zip" = "{hashlib.sha256(GOOD_ZIP).hexdigest()}"' in lock


def test_what_was_fetched_once_needs_no_network(
    built: dict[str, Said], workshop: Workshop, site: Site, module_cli: Callable[..., Any]
) -> None:
    assert built["zip"].ok
    before = len(site.asked)
    shutil.rmtree(workshop.folder / "zip" / "build")
    again = workshop.build("zip", options=("--offline",))["zip"]
    assert again.ok
    assert "fetch" not in again.ran
    workshop.model("offline", source(site, "/m.tflite?new=1"), {})
    ran = module_cli("build", "--offline", workshop.folder / "offline", cwd=workshop.folder)
    assert ran.code == 3
    assert ran.err == (
        f"error: '{site.address}/m.tflite?new=1' was not fetched yet, and --offline forbids to fetch it\n"
        f" --> offline/model.toml:6\n"
        f'6 | url = "{site.address}/m.tflite?new=1"\n'
        "help: build once without --offline\n"
    )
    assert len(site.asked) == before
