"""Functions of the user's, written with JAX, to StableHLO: the step `lower.jax`.

Weights are whatever the user's module has loaded. Knows nothing of .tflite files or of converters.
"""

from __future__ import annotations

import os

# Read once, when JAX is imported.
os.environ["JAX_PLATFORMS"] = "cpu"

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from tflite_build.engines.contract import Invalid, Refused, Request, TensorSpec
from tflite_build.engines.user_code.usercode import Stage
from tflite_build.engines.words import table

from .entries import Entry, entries
from .lower_stablehlo import Program, lower, uncollected
from .lowered import Lowered
from .names import output_name
from .source_shapes import SourceInput


def run(request: Request) -> None:
    """Write `lowered/` (see `lowered`) and `interface.json`.

    Params:
        signatures, declared: See `entries`; shape and type of every input are declared.
        files: As in [source] of model.toml.
        locations: Keep source lines in the program.

    Raises:
        Invalid: The user's code or the spec is wrong.
    """
    asked = entries(request)
    with uncollected(), Stage(request) as stage:
        programs = []
        for entry in asked:
            function = stage.entry(entry.text, entry.key)
            inputs = _inputs(entry, function)
            traced = _Traced(stage, entry, function, [i.name for i in inputs])
            programs.append(Program(entry.signature, traced, inputs))
        lowered = _lower(programs, request)
    request.write_json("interface.json", lowered.interface.to_json())


def _lower(programs: Sequence[Program], request: Request) -> Lowered:
    try:
        return lower(programs, request.outputs / "lowered", bool(request.params.get("locations")))
    except NotImplementedError as error:  # a primitive without a form on the CPU
        raise Refused(f"JAX cannot lower this model: {error}") from None


class _Traced:
    """The user's function on flat inputs, its errors told as theirs."""

    def __init__(self, stage: Stage, entry: Entry, function: Callable[..., Any], names: Sequence[str]) -> None:
        self._stage = stage
        self._entry = entry
        self._function = function
        self._names = names

    def __call__(self, *tensors: Any) -> list[tuple[str, Any]]:
        result = self._entry.call(self._stage, self._function, dict(zip(self._names, tensors, strict=True)))
        leaves = [(_plain(path), leaf) for path, leaf in jax.tree_util.tree_flatten_with_path(result)[0]]
        for path, leaf in leaves:
            if not isinstance(leaf, (jax.Array, np.ndarray, np.generic, bool, int, float, complex)):
                what = f"'{output_name(path)}' is" if path else "it returned"
                found = f"{what} of the type {type(leaf).__name__}, not an array"
                raise Invalid(f"{self._entry.text}: {found}", self._entry.key)
        return self._entry.outputs(leaves)


def _inputs(entry: Entry, function: Callable[..., Any]) -> tuple[TensorSpec, ...]:
    """The function's parameters as inputs."""
    inputs = entry.inputs(SourceInput(name, None, "") for name in entry.parameters(function))
    for tensor in inputs:
        narrow = str(jax.dtypes.canonicalize_dtype(tensor.dtype))
        if narrow != tensor.dtype:
            raise Invalid(
                f"JAX has no {tensor.dtype}: it would take '{tensor.name}' as {narrow}",
                f"{table(entry.signature, entry.alone, tensor.name)}.dtype",
                f'write `dtype = "{narrow}"`',
            )
    return inputs


def _plain(path: Sequence[Any]) -> list[Any]:
    """JAX's keys of a tree as what they hold: keys, fields and places."""
    return [getattr(part, "key", getattr(part, "name", getattr(part, "idx", None))) for part in path]
