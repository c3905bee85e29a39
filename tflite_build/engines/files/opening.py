"""The files of a step, ready to run with the user's kernels of their custom operators."""

from __future__ import annotations

from pathlib import Path

from tflite_build.engines.contract import Request

from .compiled_model import CompiledModelRunner
from .custom_operators import libraries, of
from .runner import Kernels, Runner


def runner(
    request: Request,
    model: Path | bytes | None = None,
    threads: int = 1,
    kernels: Kernels = "default",
    *,
    keep: bool = False,
) -> Runner:
    """The file that a step is given as `model`, or another one, with the libraries that it is given.

    Raises:
        Refused: The runtime does not load the file.
        Invalid: A library is no good, or registers with an API that cannot do what is asked.
    """
    opened = request.inputs["model"] if model is None else model
    given = libraries(request, of(opened))
    if given and given[0].interface == "compiled-model":
        return CompiledModelRunner(opened, given, kernels, keep=keep)
    return Runner(opened, threads, kernels, keep=keep, libraries=given)
