"""The steps that run in the tool itself are named by the code that runs in them."""

from __future__ import annotations

import hashlib
import http.server
import io
import shutil
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tflite_build import resources
from tflite_build.actions import fetch, pack, runtime, signatures, tools
from tflite_build.engines.contract import Request

FIXTURES = Path(__file__).parent.parent / "fixtures"
# What they have in common with all else: how a request is written down, and the words of errors.
COMMON = {"engines/contract.py", "errors.py", "resources.py", "actions/convert.py"}


def files_that_run(step: Callable[[Request], object], request: Request) -> set[str]:
    """The files of the package, functions of which are called by `step`."""
    found: set[str] = set()

    def see(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(resources.package()):
            found.add(path.relative_to(resources.package()).as_posix())

    request.outputs.mkdir(parents=True)
    sys.setprofile(see)
    try:
        step(request)
    finally:
        sys.setprofile(None)
    return found


def test_what_runs_in_them_is_in_their_identity(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("m.tflite", b"content")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(data.getvalue())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/m.zip"
        sha256 = hashlib.sha256(data.getvalue()).hexdigest()
        requests: dict[str, tuple[Callable[[Request], object], dict[str, Any], dict[str, Path]]] = {
            "fetch": (fetch.run, {"url": url, "sha256": sha256, "member": "m.tflite"}, {}),
            "pack": (pack.run, {"names": {}}, {"model": FIXTURES / "tflite" / "int8.tflite"}),
            "runtime": (
                runtime.run,
                {"name": "m", "abis": ["x86"], "tree": "tflite"},
                {"int8": FIXTURES / "tflite" / "int8.tflite"},
            ),
            "signatures": (
                signatures.run,
                {"tags": None, "signatures": None, "declared": {}},
                {"saved_model": FIXTURES / "saved_models" / "keras3_export"},
            ),
        }
        for kind, (run, params, inputs) in requests.items():
            ran = files_that_run(run, Request(kind, params, inputs, tmp_path / kind / "out"))
            named = {p.relative_to(resources.package().parent).as_posix() for p in tools.local_sources(kind)}
            assert ran and {f"tflite_build/{name}" for name in ran - COMMON} <= named, kind
        server.shutdown()
    assert resources.specs("operators.toml") in tools.local_sources("pack")
    assert {*resources.templates("runtime").iterdir()} <= {*tools.local_sources("runtime")}


def test_another_code_is_another_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def identities() -> dict[str, str]:
        tools._local_digest.cache_clear()
        return {kind: tools.Tools({}, "").local(kind).code for kind in ("fetch", "pack", "signatures")}

    before = identities()
    copied = tmp_path / "tflite_build"
    shutil.copytree(resources.package(), copied, ignore=shutil.ignore_patterns("__pycache__"))
    with monkeypatch.context() as patch:
        patch.setattr(resources, "package", lambda: copied)
        assert identities() == before
        for file, changed in (
            ("tflite/versions.py", {"pack"}),
            ("actions/unpack.py", {"fetch"}),
            ("engines/sources/saved_model_file.py", {"signatures"}),
        ):
            earlier = identities()
            with (copied / file).open("a") as code:
                code.write("\n# changed\n")
            assert {kind for kind, identity in identities().items() if identity != earlier[kind]} == changed
    assert identities() == before
