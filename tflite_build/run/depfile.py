"""What a build made and read, in the syntax of Makefiles, for other build systems: one rule for each model.

The syntax is that of GCC's -MD -MP, which GNU make, ninja, CMake and Xcode read. Knows nothing of how models are built.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tflite_build.errors import BuildError, Problem, UsageError

from .publish import Placement
from .result import ModelResult


def write(file: Path, models: Sequence[ModelResult], begun: float) -> None:
    """Write the rules of `models` to `file`, whole or not at all; nothing is touched where they stand there already.

    Args:
        file: The dependency file.
        models: Results of a build that went well.
        begun: When it began, in seconds since the epoch: what it wrote itself is no reason to build again.

    Raises:
        UsageError: If a path cannot be written in this syntax.
        BuildError: If it is not known what a model was made from.
        StoreError: If the file cannot be written.
    """
    for model in models:
        if not model.inputs:
            raise BuildError(Problem(f"an input of '{model.name}' went while it was built", hint="build again"))
    rules = [_rule(list(model.outputs), list(_inputs(model, begun, file))) for model in models]
    with Placement(named=True) as placement:
        placement.text("\n".join(rules), file)
        placement.commit()


def _inputs(model: ModelResult, begun: float, file: Path) -> Iterator[Path]:
    lock = model.spec.with_suffix(".lock")
    # A folder's time changes with every file that is made in it, so those that builds write into would never be old.
    written = {model.spec.absolute().parent, file.absolute().parent, *(model.folder.absolute() / "_").parents}
    for path in model.inputs:
        if not (path in written and path.is_dir()):
            yield path
    try:
        if lock.stat().st_mtime < begun:
            yield lock.absolute()
    except OSError:
        pass


def _rule(outputs: Sequence[Path], inputs: Sequence[Path]) -> str:
    targets = " ".join(map(_escaped, outputs))
    sources = list(dict.fromkeys(map(_escaped, inputs)))
    phony = "".join(f"{source}:\n" for source in sources)  # so that make does not miss a file that was removed
    return f"{targets}: \\\n" + " \\\n".join(f"  {source}" for source in sources) + f"\n{phony}"


def _escaped(path: Path) -> str:
    """`path` as a word of a rule: from the current folder where it lies below, else absolute."""
    whole = path.absolute()
    text = os.fspath(whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole)
    if re.search(r"[\n\r]", text):
        raise UsageError(Problem(f"{text!r} cannot be written to a dependency file", hint="rename it"))
    text = re.sub(r"(\\*)([ \t#])", lambda m: m[1] * 2 + "\\" + m[2], text)
    return text.replace("$", "$$")
