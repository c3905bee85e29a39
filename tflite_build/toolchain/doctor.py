"""What of this machine matters for builds, found out without a network."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import pins, provision

_ENOUGH = 3_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


def examine(root: Path) -> list[Finding]:
    """All findings; `root` is the cache folder."""
    return [_python(), _uv(), _machine(), *_toolchains(root), *_cache(root)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", True, f"{version} at {sys.executable}")


def _uv() -> Finding:
    try:
        from uv import find_uv_bin

        return Finding("uv", True, find_uv_bin())
    except (ImportError, FileNotFoundError):
        return Finding("uv", False, "not found", "install it with `python3 -m pip install uv`")


def _machine() -> Finding:
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.1f} GB of memory"
    return Finding("machine", True, f"{pins.this_platform()}, {os.cpu_count()} processors{memory}")


def _toolchains(root: Path) -> list[Finding]:
    here = pins.this_platform()
    there = provision.installed(root)
    findings = []
    for name in pins.names():
        toolchain = pins.load(name)
        one = next((i for i in there if i.name == name and i.current), None)
        if one is not None:
            findings.append(Finding(f"toolchain {name}", True, f"installed, {one.size / 1e9:.1f} GB"))
        elif name not in pins.used():
            findings.append(Finding(f"toolchain {name}", True, "not installed; no build needs it"))
        elif here in toolchain.platforms:
            findings.append(
                Finding(
                    f"toolchain {name}", True, f"not installed; the first build that needs it does ({toolchain.size})"
                )
            )
        else:
            findings.append(Finding(f"toolchain {name}", True, f"does not exist for {here}"))
    old = [i for i in there if not i.current]
    if old:
        size = sum(i.size for i in old) / 1e9
        findings.append(
            Finding(
                "old toolchains",
                True,
                f"{', '.join(i.path.name for i in old)}: {size:.1f} GB that nothing needs",
                f"remove them with `rm -r {' '.join(str(i.path) for i in old)}`",
            )
        )
    return findings


def _cache(root: Path) -> list[Finding]:
    existing = next(p for p in (root, *root.parents) if p.exists())
    free = shutil.disk_usage(existing).free
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=root):
            pass
    except OSError as error:
        return [
            Finding(
                "cache",
                False,
                f"{root} cannot be written: {error.strerror}",
                "set TFLITE_BUILD_CACHE to a folder that can be written",
            )
        ]
    enough = free > _ENOUGH
    return [
        Finding(
            "cache",
            enough,
            f"{root}, {free / 1e9:.0f} GB free, {'shares' if _reflinks(root) else 'copies'} blocks of outputs",
            "" if enough else "a toolchain takes up to 1.6 GB; free some space or set TFLITE_BUILD_CACHE",
        )
    ]


def _reflinks(root: Path) -> bool:
    try:
        import fcntl

        with tempfile.NamedTemporaryFile(dir=root) as a, tempfile.NamedTemporaryFile(dir=root) as b:
            a.write(b"x" * 4096)
            a.flush()
            fcntl.ioctl(b.fileno(), 0x40049409, a.fileno())  # FICLONE
        return True
    except (ImportError, OSError):
        return False
