"""How a verification looks: each file, whether it came out as locked, and what is not the same in it."""

from __future__ import annotations

from collections.abc import Sequence

from tflite_build.run.verify import Verified, VerifiedFile

from . import console

_DIGITS = 12  # of a hash


def show(models: Sequence[Verified]) -> None:
    """Print what came out."""
    for model in models:
        console.line(model.name)
        console.table([], [[file.name, _verdict(file)] for file in model.files], indent="  ")
    files = [file for model in models for file in model.files]
    wrong = sum(not file.ok for file in files)
    console.line()
    if wrong:
        console.line(f"{wrong} of {len(files)} files did not come out as model.lock says")
    else:
        console.line(f"{len(files)} file{' is' if len(files) == 1 else 's are'} byte for byte as model.lock says")


def _verdict(file: VerifiedFile) -> str:
    if file.ok:
        return "same"
    now = f"{file.sha256[:_DIGITS]} now, " if file.sha256 else ""
    if not file.expected:
        return f"differs: {file.sha256[:_DIGITS]} now, and model.lock does not know it"
    unknown = "the locked file is not there any more to be looked into"
    return "\n".join([f"differs: {now}{file.expected[:_DIGITS]} locked", *(file.differences or (unknown,))])
