"""Functions of the user's, written with JAX, to StableHLO: the step `lower.jax`.

A function's parameters are the inputs of its signature; what it returns are the outputs: `output` for an array,
`output_0`, `output_1` for a tuple, the keys of a dict. Weights are whatever the user's module has loaded. Knows nothing
of .tflite files or of converters.
"""

from __future__ import annotations

import os

# Read once, when JAX is imported.
os.environ["JAX_PLATFORMS"] = "cpu"

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from tflite_build.engines.contract import Invalid, Refused, Request, TensorSpec
from tflite_build.engines.user_code.usercode import Stage

from . import source_shapes
from .lower_stablehlo import Program, lower, uncollected
from .lowered import Lowered
from .names import unique
from .source_shapes import SourceInput


def run(request: Request) -> dict[str, Any]:
    """Write `lowered/` (see `lowered`) and `interface.json`.

    Params:
        signatures: Signature name -> {"entry": "model.py:predict"}.
        declared: Shape and type of every input.
        files: As in [source] of model.toml.
        locations: Keep source lines in the program.

    Raises:
        Invalid: The user's code or the spec is wrong.
    """
    entries = {name: str(s["entry"]) for name, s in request.params["signatures"].items()}
    declared = request.params.get("declared") or {}
    source_shapes.check_signatures(declared, list(entries))
    alone = len(entries) == 1
    with uncollected(), Stage(request) as stage:
        programs = []
        for name, entry in entries.items():
            key = "source.entry" if alone else f"source.signature.{name}.entry"
            function = stage.entry(entry, key)
            inputs = _inputs(function, entry, key, source_shapes.declared_for(declared, name), name, alone)
            programs.append(Program(name, _Traced(stage, entry, function, [i.name for i in inputs], key), inputs))
        lowered = _lower(programs, request)
    request.write_json("interface.json", lowered.interface.to_json())
    return {"signatures": len(lowered.programs)}


def _lower(programs: Sequence[Program], request: Request) -> Lowered:
    try:
        return lower(programs, request.outputs / "lowered", bool(request.params.get("locations")))
    except NotImplementedError as error:  # a primitive without a form on the CPU
        raise Refused(f"JAX cannot lower this model: {error}") from None


class _Traced:
    """The user's function on flat inputs, its errors told as theirs."""

    def __init__(self, stage: Stage, entry: str, function: Callable[..., Any], names: Sequence[str], key: str) -> None:
        self._stage = stage
        self._entry = entry
        self._function = function
        self._names = names
        parameters = inspect.signature(function).parameters.values()
        self._positional = {p.name for p in parameters if p.kind is p.POSITIONAL_ONLY}
        self._key = key

    def __call__(self, *tensors: Any) -> list[tuple[str, Any]]:
        given = dict(zip(self._names, tensors, strict=True))
        first = [given.pop(name) for name in self._names if name in self._positional]
        result = self._stage.call(self._function, *first, key=self._key, **given)
        return self._named(result)

    def _named(self, result: Any) -> list[tuple[str, Any]]:
        leaves = jax.tree_util.tree_flatten_with_path(result)[0]
        for path, leaf in leaves:
            if not isinstance(leaf, (jax.Array, np.ndarray, np.generic, bool, int, float, complex)):
                what = f"'{_output_name(path)}' is" if path else "it returned"
                raise Invalid(f"{self._entry}: {what} of the type {type(leaf).__name__}, not an array", self._key)
        if not leaves:
            raise Invalid(f"{self._entry} returns nothing: its outputs are what it returns", self._key)
        names = unique(_output_name(path) for path, _ in leaves)
        return [(name, leaf) for name, (_, leaf) in zip(names, leaves, strict=True)]


def _inputs(
    function: Callable[..., Any],
    entry: str,
    key: str,
    declared: Mapping[str, Mapping[str, Any]],
    signature: str,
    alone: bool,
) -> tuple[TensorSpec, ...]:
    """The function's parameters as inputs; one with a default is an input where the spec declares it."""
    parameters: list[SourceInput] = []
    for p in inspect.signature(function).parameters.values():
        if p.kind is p.VAR_KEYWORD:
            known = [one.name for one in parameters]
            parameters += [SourceInput(name, None, "") for name in declared if name not in known]
        elif p.kind is not p.VAR_POSITIONAL and (p.default is p.empty or p.name in declared):
            parameters.append(SourceInput(p.name, None, ""))
    if not parameters:
        raise Invalid(f"{entry} has no parameters: every input of the model has to be one", key)
    inputs = source_shapes.resolve(parameters, declared, signature, alone)
    for tensor in inputs:
        narrow = str(jax.dtypes.canonicalize_dtype(tensor.dtype))
        if narrow != tensor.dtype:
            raise Invalid(
                f"JAX has no {tensor.dtype}: it would take '{tensor.name}' as {narrow}",
                f"{source_shapes.table(signature, alone, tensor.name)}.dtype",
                f'write `dtype = "{narrow}"`',
            )
    return inputs


def _output_name(path: Sequence[Any]) -> str:
    """`boxes` for a key or field, `output_0` for a place in a sequence, `output` for the result itself."""
    parts = [getattr(part, "key", getattr(part, "name", getattr(part, "idx", None))) for part in path]
    named = bool(parts) and isinstance(parts[0], str)
    return "_".join(str(part) for part in (parts if named else ["output", *parts]))
