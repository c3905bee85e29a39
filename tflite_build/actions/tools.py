"""Who does the steps: the identity of each toolchain as actions name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tflite_build import resources
from tflite_build.planning.action import Tool
from tflite_build.planning.resolve import Resolved
from tflite_build.spec.apps import APPS
from tflite_build.store.digest import canonical, of_bytes

_WRAP = (
    "actions/wrap.py",
    "actions/associated.py",
    "wrap",
    "languages.py",
    "tflite",
    "engines/preprocessing/layout.py",
)
_WRAP_TABLES = ("runtimes/capabilities.toml", "runtimes/litert.toml", "operators.toml")
# What decides the outputs of the steps that run in the tool itself: files and folders of its package.
_LOCAL_CODE = {
    "fetch": ("actions/fetch.py", "actions/download.py", "actions/unpack.py", "tflite/archive.py"),
    "signatures": ("actions/signatures.py", "engines"),
    "pack": ("actions/pack.py", "actions/metadata.py", "actions/described.py", "actions/associated.py", "tflite"),
    "runtime": ("actions/runtime.py", "tflite"),
    **{f"wrap.{platform}": _WRAP for platform in APPS},
    "library": ("actions/library.py", "actions/custom_operators.py", "tflite/archive.py"),
}
_LOCAL_DATA: Mapping[str, tuple[tuple[Callable[..., Path], str], ...]] = {
    "pack": ((resources.specs, "operators.toml"),),
    "runtime": ((resources.templates, "runtime"),),
    "wrap.android": (
        (resources.templates, "android"),
        (resources.specs, "languages/kotlin.toml"),
        *((resources.specs, table) for table in _WRAP_TABLES),
    ),
    "wrap.ios": (
        (resources.templates, "ios"),
        (resources.specs, "languages/swift.toml"),
        *((resources.specs, table) for table in _WRAP_TABLES),
    ),
}


@dataclass(frozen=True, slots=True)
class Tools:
    """The pins of all toolchains, the user's packages, and the digest of the engines' code.

    Attributes:
        pins: Toolchain name -> digest of its pins.
        code: Digest of the engines' code.
        packages: Digest of the user's pinned packages, or "".
    """

    pins: Mapping[str, str]
    code: str
    packages: str = ""

    def tool(self, toolchain: str, *, user_code: bool = False) -> Tool:
        """The tool for a step. The user's packages matter only where the user's code runs."""
        pins = self.pins[toolchain]
        return Tool(toolchain, f"{pins}+{self.packages}" if user_code and self.packages else pins, self.code)

    def runner(self, model: Resolved, *, user_code: bool = False) -> Tool:
        """The tool for a step that runs files of `model`: only one toolchain has the select kernels of TensorFlow."""
        select = bool(model.loaded.spec.compatibility.select_tf_ops) and model.engine in ("", "tensorflow")
        return self.tool("flex" if select else "core", user_code=user_code)

    def local(self, kind: str) -> Tool:
        """The tool itself, for steps of `kind`."""
        return Tool("", "", _local_digest(kind))


def local_sources(kind: str) -> tuple[Path, ...]:
    """The files that decide what a step of `kind` gives, which runs in the tool itself."""
    found = [path for name in _LOCAL_CODE[kind] for path in _files(resources.package() / name, "*.py")]
    found += [path for root, name in _LOCAL_DATA.get(kind, ()) for path in _files(root(name), "*.jinja")]
    return tuple(found)


def _files(path: Path, pattern: str) -> list[Path]:
    return [path] if path.suffix else sorted(path.rglob(pattern))


@cache
def _local_digest(kind: str) -> str:
    return of_bytes(canonical([of_bytes(path.read_bytes()).sha256 for path in local_sources(kind)])).sha256
