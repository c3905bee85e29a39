"""library: how large the runtime is that an app brings as a library of its own, for each ABI: what a download has of it.

Runs in the tool's own process. An AAR is a zip archive with jni/ABI/NAME.so; an app's download has those of one ABI, and
compressed, as the archive of its own parts is. An ELF file is compressed alike, and counts for every ABI: which one it is
for is not read.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import IO

from tflite_build.engines.contract import Invalid, Request
from tflite_build.planning.action import ProjectFile, Step
from tflite_build.planning.resolve import Resolved
from tflite_build.tflite.archive import DAMAGES

from .custom_operators import library_input
from .tools import Tools

ID = "library"
SIZES = "library.json"
ANY = ""  # how the ABI of an ELF file is called
_PIECE = 1 << 20
_LEVEL = 6  # of deflate, as build tools for Android take it
_AGAIN = "build it again"


def step(model: Resolved, tools: Tools) -> Step | None:
    """The step, where the spec names such a library."""
    paths = model.loaded.spec.runtime.library
    if not paths:
        return None
    given = {library_input(i): ProjectFile(model.loaded.folder / path) for i, path in enumerate(paths)}
    return Step(ID, "library", tools.local("library"), {"names": list(paths)}, given)


def run(request: Request) -> None:
    """Write `library.json`: ABI -> bytes of a download. All of several libraries count; `ANY` where all are ELF files.

    Raises:
        Invalid: If one is neither an archive nor an ELF file, is damaged, or has no libraries; or if no ABI has all.
    """
    found = [_sizes(request.inputs[library_input(i)], name, i) for i, name in enumerate(request.params["names"])]
    request.write_json(SIZES, _together(found, request.params["names"]))


def _together(found: list[Mapping[str, int]], names: list[str]) -> dict[str, int]:
    """The sizes of all libraries: ABI -> bytes."""
    everywhere = sum(sizes.get(ANY, 0) for sizes in found)
    of_abis = [sizes for sizes in found if ANY not in sizes]
    if not of_abis:
        return {ANY: everywhere}
    common = set.intersection(*(set(sizes) for sizes in of_abis))
    if not common:
        raise Invalid(f"{' and '.join(map(repr, names))} have no ABI in common", _key(len(names) - 1), _AGAIN)
    return {abi: everywhere + sum(sizes[abi] for sizes in of_abis) for abi in sorted(common)}


def _sizes(file: Path, name: str, number: int) -> Mapping[str, int]:
    """What one file has: ABI -> bytes of a download."""
    key = _key(number)
    with file.open("rb") as stream:
        start = stream.read(8)
        if start.startswith(b"\x7fELF"):
            stream.seek(0)
            return {ANY: _deflated(stream)}
    if not zipfile.is_zipfile(file):
        if start == b"version ":
            raise Invalid(f"'{name}' is a pointer of Git LFS, not the file", key, "run `git lfs pull`")
        raise Invalid(f"'{name}' is neither an AAR, which is a zip archive, nor a library (ELF)", key, _AGAIN)
    sizes: dict[str, int] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                place = PurePosixPath(member.filename)
                if place.suffix == ".so" and len(place.parts) == 3 and place.parts[0] == "jni":
                    with archive.open(member) as stream:
                        sizes[place.parts[1]] = sizes.get(place.parts[1], 0) + _deflated(stream)
    except DAMAGES as error:
        raise Invalid(f"'{name}' is a damaged archive: {error}", key, _AGAIN) from None
    if not sizes:
        raise Invalid(f"'{name}' has no jni/ABI/NAME.so, as an AAR with a runtime has", key)
    return sizes


def _key(number: int) -> str:
    return f"runtime.library.{number}"


def _deflated(stream: IO[bytes]) -> int:
    """The bytes of a stream once compressed."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    size = 0
    while piece := stream.read(_PIECE):
        size += len(packer.compress(piece))
    return size + len(packer.flush())
