"""library: how large the library of one's own is that an app brings, for each ABI: what a download has of it.

Runs in the tool's own process. An AAR is a zip archive with jni/ABI/NAME.so; an app's download has those of one ABI, and
compressed, as the archive of its own parts is. The size of another file is its own, compressed alike.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO

from tflite_build.engines.contract import Invalid, Request
from tflite_build.planning.action import ProjectFile, Step
from tflite_build.planning.resolve import Resolved

from .tools import Tools

ID = "library"
SIZES = "library.json"
_KEY = "runtime.library"
_PIECE = 1 << 20
_LEVEL = 6  # of deflate, as build tools for Android take it


def step(model: Resolved, tools: Tools) -> Step | None:
    """The step, where the spec names such a library."""
    library = model.loaded.spec.runtime.library
    if not library:
        return None
    given = ProjectFile(model.loaded.folder / library)
    return Step(ID, "library", tools.local("library"), {"name": library}, {"library": given})


def run(request: Request) -> None:
    """Write `library.json`: ABI ("" of a file that is no archive) -> bytes of a download.

    Raises:
        Invalid: If the file is a damaged archive, or an archive without libraries.
    """
    file, name = request.inputs["library"], str(request.params["name"])
    if not zipfile.is_zipfile(file):
        if name.endswith((".aar", ".zip")):
            raise Invalid(f"'{name}' is no zip archive, as an AAR is", _KEY, "build it again")
        with file.open("rb") as stream:
            request.write_json(SIZES, {"": _deflated(stream)})
        return
    sizes: dict[str, int] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                place = PurePosixPath(member.filename)
                if place.suffix == ".so" and len(place.parts) == 3 and place.parts[0] == "jni":
                    with archive.open(member) as stream:
                        sizes[place.parts[1]] = sizes.get(place.parts[1], 0) + _deflated(stream)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise Invalid(f"'{name}' is a damaged archive: {error}", _KEY, "build it again") from None
    if not sizes:
        raise Invalid(f"'{name}' has no jni/ABI/NAME.so, as an AAR with a runtime has", _KEY)
    request.write_json(SIZES, sizes)


def _deflated(stream: IO[bytes]) -> int:
    """The bytes of a stream once compressed."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    size = 0
    while piece := stream.read(_PIECE):
        size += len(packer.compress(piece))
    return size + len(packer.flush())
