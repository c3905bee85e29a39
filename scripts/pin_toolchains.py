"""Pins the toolchains, and what tests read files with: NAME.in -> NAME.txt, every version exact, every file with its hash.

    uv run scripts/pin_toolchains.py [NAME ...]

The pins hold for all platforms of a toolchain at once (environment markers tell them apart). No index is named: whoever
installs uses their own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tflite_build.toolchain import uv

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "specs" / "toolchains"
READERS = ROOT / "tests" / "metadata"  # what tests hold metadata against
PLATFORMS = {
    "core": ("linux-x86_64", "macos-arm64"),  # litert-converter has no wheel for others
    "litert": ("linux-x86_64", "linux-aarch64", "macos-arm64"),
    "tensorflow": ("linux-x86_64", "linux-aarch64"),  # tensorflow-cpu has no wheel for macOS
    "flex": ("linux-x86_64",),
    "tflite-support": ("linux-x86_64",),
    "mediapipe": ("linux-x86_64", "linux-aarch64", "macos-arm64"),
}
SIZES = {  # on disk, byte-compiled
    "core": "0.6 GB",
    "litert": "0.7 GB",
    "tensorflow": "1.5 GB",
    "flex": "1.2 GB",
    "tflite-support": "0.5 GB",
    "mediapipe": "0.7 GB",
}


def pin(name: str) -> None:
    """Write NAME.txt."""
    platforms = PLATFORMS[name]
    folder = READERS if (READERS / f"{name}.in").is_file() else FOLDER
    pins = uv.compile_pins(folder / f"{name}.in", "3.11", f"pinning the toolchain '{name}'")
    head = [
        f"# Pins of the toolchain '{name}', made by scripts/pin_toolchains.py from {name}.in.",
        "# python: 3.11",
        f"# platforms: {', '.join(platforms)}",
        f"# size: {SIZES[name]}",
    ]
    text = "\n".join([*head, pins]) + "\n"
    if "://" in text:
        raise SystemExit(f"{name}: the pins name an address")
    (folder / f"{name}.txt").write_text(text, "utf-8")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or sorted(PLATFORMS):
        pin(chosen)
