"""The `toolchain` commands."""

from __future__ import annotations

from collections.abc import Sequence

from tflite_build.store.store import cache_root
from tflite_build.toolchain import pins, provision

from . import console


def show(as_json: bool) -> None:
    """List all toolchains."""
    there = {i.name: i for i in provision.installed(cache_root()) if i.current}
    if as_json:
        console.json_document(
            {
                "version": 1,
                "toolchains": [
                    {
                        "name": name,
                        "digest": pins.load(name).digest,
                        "packages": dict(pins.load(name).packages),
                        "installed": str(there[name].path) if name in there else None,
                        "size": there[name].size if name in there else None,
                    }
                    for name in pins.names()
                ],
            }
        )
        return
    rows = []
    for name in pins.names():
        toolchain = pins.load(name)
        state = f"installed, {console.size(there[name].size)}" if name in there else "not installed"
        rows.append([name, state, toolchain.headline])
    console.table(["toolchain", "state", "holds"], rows)


def install(names: Sequence[str]) -> None:
    """Install `names`, or all that builds use."""
    for name in names or pins.used():
        provision.ensure(pins.load(name), cache_root(), offline=False, report=console.line)
        console.line(f"{name}: installed")


def remove(names: Sequence[str]) -> None:
    """Remove `names`."""
    for name in names:
        pins.load(name)  # an unknown name is an error with the likely word
    for name in names:
        gone = provision.remove(name, cache_root(), console.line)
        console.line(f"{name}: removed" if gone else f"{name}: was not installed")
