"""The custom operators that a spec allows, as the steps have them that convert or run files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tflite_build.planning.action import Input, ProjectFile, Step
from tflite_build.spec.load import LoadedSpec

_PARAM = "custom_ops"  # as engines/files/custom_operators.py reads it
_CONVERTING = frozenset({"convert.tensorflow"})
_RUNNING = frozenset(
    {
        "adopt",
        "compare",
        "accuracy",
        "calibrate",
        "quantize.litert",
        "quantize.tensorflow",
        "layers",
        "timing",
        "execute",
        "goldens",
    }
)
_LIBRARY = "library"


def given(loaded: LoadedSpec, step: Step) -> Step:
    """The step with the names of the operators, and with the libraries that run them where it runs files."""
    if not loaded.spec.compatibility.custom_ops or step.kind not in _CONVERTING | _RUNNING:
        return step
    params, files = described(loaded)
    if step.kind in _CONVERTING:
        return replace(step, params={**step.params, _PARAM: dict.fromkeys(params[_PARAM])})
    return replace(step, params={**step.params, **params}, inputs={**step.inputs, **files})


def described(loaded: LoadedSpec) -> tuple[dict[str, Any], dict[str, Input]]:
    """The parameters and inputs that tell a step of them; nothing where the spec allows none."""
    said: dict[str, Any] = {}
    files: dict[str, Input] = {}
    for number, (name, operator) in enumerate(sorted(loaded.spec.compatibility.custom_ops.items())):
        said[name] = None
        if operator.library:
            files[library_input(number)] = ProjectFile(loaded.folder / operator.library)
            said[name] = {
                "input": library_input(number),
                "library": operator.library,
                "registerer": operator.registerer,
                "interface": operator.interface,
            }
    return ({_PARAM: said} if said else {}), files


def paths(files: dict[str, Input]) -> dict[str, Path]:
    """Inputs of `described`, as a step has them that no plan knows."""
    return {name: file.path for name, file in files.items() if isinstance(file, ProjectFile)}


def library_input(number: int) -> str:
    """How a step's input is called that is a library of the app's: no file hangs on it, and each machine has its own."""
    return f"{_LIBRARY}{number}"


def is_library(name: str) -> bool:
    """Whether `library_input` gives this name."""
    return name.startswith(_LIBRARY) and name.removeprefix(_LIBRARY).isdigit()
