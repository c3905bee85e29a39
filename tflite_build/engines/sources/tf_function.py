"""Functions of the user's, written with TensorFlow, to a SavedModel: the step `lower.function`.

A signature is a tf.function, a concrete function, a plain function or a method of a tf.Module. Knows nothing of .tflite
files or of converters.
"""

from __future__ import annotations

import os

# Both are read once, when TensorFlow is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tflite_build.engines.contract import Interface, Invalid, Request
from tflite_build.engines.user_code import seeds
from tflite_build.engines.user_code.usercode import Stage
from tflite_build.engines.words import quoted

from . import autograph_files, saved_model_file, source_shapes
from .entries import Entry, entries
from .names import output_name, unique
from .saved_model_writing import Endpoint, write
from .source_shapes import SourceInput

_LINES = 15  # of an exception's text
_LEAVES = (tf.Tensor, tf.Variable, np.ndarray, np.generic, bool, int, float, complex, str, bytes)


def run(request: Request) -> None:
    """Write `saved_model/` with one signature per entry, and `interface.json`.

    Params:
        signatures, declared: See `entries`; of inputs is declared what the function itself does not say.
        files: As in [source] of model.toml.
        locations: Keep source lines in the graph.

    Raises:
        Invalid: The user's code or the spec is wrong.
    """
    asked = entries(request)
    folder = request.outputs / "saved_model"
    with Stage(request) as stage, autograph_files.removed():
        seeds.plant_tensorflow()  # for weights that start from random numbers
        endpoints = []
        for entry in asked:
            function = _Function(stage, entry)
            inputs = entry.inputs(function.inputs)
            for spec in inputs:
                source_shapes.check_dtype(spec, entry.signature, entry.key)
            endpoints.append(Endpoint(entry.signature, function, inputs))
        seeds.lift_tensorflow()
        try:
            signatures = write(endpoints, folder, bool(request.params.get("locations")))
        except AssertionError as error:
            if "untracked" not in str(error):
                raise
            raise Invalid(
                f"{quoted([entry.text for entry in asked])} uses a resource that TensorFlow cannot save",
                "source.entry",
                "make it an attribute of a tf.Module whose method is the entry",
                str(error)[:500],
            ) from error
    for entry, signature in zip(asked, signatures, strict=True):
        for spec in signature.outputs:
            source_shapes.check_dtype(spec, entry.signature, entry.key)
    left = saved_model_file.read(folder).meta_graph(None).unrestored([entry.signature for entry in asked])
    if left:
        raise Invalid(f"TensorFlow does not save all variables that the function reads: {quoted(left)}", "source.entry")
    request.write_json("interface.json", Interface(tuple(signatures)).to_json())


class _Function:
    """The user's function on flat inputs, its errors told as theirs.

    Attributes:
        inputs: As the function states them.
    """

    def __init__(self, stage: Stage, entry: Entry) -> None:
        self._stage = stage
        self._entry = entry
        self._function = stage.entry(entry.text, entry.key)
        if isinstance(self._function, type):
            raise Invalid(f"{entry.text} is a class; a function, or a method of an object, is wanted", entry.key)
        specs = _stated(self._function)
        self._structure: Any = None
        self._parameters: list[str] = []
        if specs is not None:
            args, keywords = specs
            self._structure = (args, keywords)
            leaves = list(_leaves((), {**args, **keywords}))
            names = unique(
                (spec.name if len(path) == 1 else "") or "_".join(str(part) for part in path) for path, spec in leaves
            )
            self.inputs = [
                SourceInput(name, _shape(spec), spec.dtype.name) for name, (_, spec) in zip(names, leaves, strict=True)
            ]
        else:
            self._parameters = entry.parameters(self._function)
            self.inputs = [SourceInput(name, None, "") for name in self._parameters]
            if not hasattr(self._function, "get_concrete_function"):
                # Python's `if` and `while` on tensors become the graph's.
                self._function = _with_autograph(self._function)

    def __call__(self, *tensors: Any) -> list[tuple[str, Any]]:
        if self._structure is not None:
            args, keywords = _packed(self._structure, list(tensors))
            result = self._stage.call(self._explained(), *args.values(), key=self._entry.key, **keywords)
        else:
            given = dict(zip(self._parameters, tensors, strict=True))
            result = self._entry.call(self._stage, self._explained(), given)
        return self._named(result)

    def _explained(self) -> Callable[..., Any]:
        """The function; what fails while TensorFlow traces the user's code is a problem with their lines.

        TensorFlow raises such errors anew, with its own frames, and a traceback of the user's as text.
        """

        @functools.wraps(self._function)
        def call(*args: Any, **keywords: Any) -> Any:
            try:
                return self._function(*args, **keywords)
            except Exception as error:
                found = _traced_error(error, self._stage.folder)
                if found is None:
                    raise
                raise Invalid(found[0], self._entry.key, detail=found[1]) from error

        return call

    def _named(self, result: Any) -> list[tuple[str, Any]]:
        leaves = [(path, leaf) for path, leaf in _leaves((), result) if leaf is not None]
        for path, leaf in leaves:
            if isinstance(leaf, (tf.SparseTensor, tf.RaggedTensor)) or not isinstance(leaf, _LEAVES):
                what = f"the output '{output_name(path)}'" if path else "what it returns"
                found = f"{what} is a {type(leaf).__name__}, not a tensor"
                raise Invalid(f"{self._entry.text}: {found}", self._entry.key)
        return self._entry.outputs(leaves)


def _stated(function: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Positional and keyword parameters with their tensor specs, where the function states them all.

    Of a function that was traced once, that trace is meant.
    """
    if isinstance(function, tf.types.experimental.ConcreteFunction):
        positional, keywords = function.structured_input_signature
        names = [p.name for p in function.function_type.parameters.values() if p.name not in keywords]
        return dict(zip(names, positional, strict=False)), dict(keywords)
    signature = getattr(function, "input_signature", None)
    if signature is None:
        return None
    names = [name for name, p in inspect.signature(function.python_function).parameters.items() if name != "self"]
    return dict(zip(names, signature, strict=False)), {}


def _with_autograph(function: Callable[..., Any]) -> Callable[..., Any]:
    traced: Callable[..., Any] = functools.wraps(function)(tf.function(function))
    return traced


def _traced_error(error: Exception, stage: Path) -> tuple[str, str] | None:
    """What happened at which line, and the lines that led to it; None where the error is no such one."""
    text, kind = str(error), type(error).__name__
    trace, found, core = text.rpartition(f"{kind}: ")
    frames = [
        (f"{Path(file).relative_to(stage).as_posix()}:{line}, in {name}", code.strip())
        for file, line, name, code in re.findall(r'File "([^"]+)", line (\d+), in (\S+).*\n(.*)', trace)
        if Path(file).is_relative_to(stage)
    ]
    if not text.startswith("in user code:") or not found or not frames:
        return None
    first, *rest = core.strip().splitlines() or [""]
    lines = [part for place, code in frames for part in (place, f"    {code}")]
    return f"{frames[-1][0].partition(',')[0]} raised {kind}: {first[:300]}", "\n".join([*lines, *rest[:_LINES]])


def _shape(spec: Any) -> tuple[int | None, ...] | None:
    return None if spec.shape.rank is None else tuple(spec.shape.as_list())


def _leaves(path: tuple[Any, ...], value: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The tensors inside of dicts, sequences, named tuples and dataclasses, with the way to each."""
    if isinstance(value, Mapping):
        items: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        items = list(zip(value._fields, value, strict=True))
    elif isinstance(value, (tuple, list)):
        items = list(enumerate(value))
    elif is_dataclass(value) and not isinstance(value, type):
        items = [(f.name, getattr(value, f.name)) for f in fields(value)]
    else:
        yield path, value
        return
    for key, part in items:
        yield from _leaves((*path, key), part)


def _packed(structure: Any, tensors: list[Any]) -> Any:
    """The structure with its leaves replaced by `tensors`, in order."""
    if isinstance(structure, Mapping):
        return {key: _packed(value, tensors) for key, value in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(_packed(value, tensors) for value in structure))
    if isinstance(structure, (tuple, list)):
        return type(structure)(_packed(value, tensors) for value in structure)
    return tensors.pop(0)
