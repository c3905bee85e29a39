"""What the tensors of a Keras model are called, and how the model is called with them: alike under every Keras backend.

An input is called like its InputLayer, or like the parameter of a subclassed model's `call`; an output like the layer
that makes it, like its key where the model returns a dict, or `output`, `output_0`, `output_1` of a subclassed model.
Knows nothing of files or of what the caller traces with. Load the model after
`keras.utils.clear_session()`: names that Keras makes up count from the start of the process otherwise.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from tflite_build.engines.contract import DeclaredInput

from .names import output_name, unique
from .source_shapes import SourceInput


class KerasCall:
    """A model with flat, named inputs and outputs, in the model's own order.

    Args:
        model: A `keras.Model`.
        declared: Names of inputs that the user's spec speaks of: optional parameters of a subclassed model become
            inputs only where they are declared, and a model that takes one dict of unknown keys gets the declared ones.
    """

    def __init__(self, model: Any, declared: Collection[str] = ()) -> None:
        self._model = model
        graph = _graph(model)
        self._output_layers: list[str] | None = None
        if graph is not None:
            tensors = list(graph.inputs)
            self.inputs = tuple(
                SourceInput(name, tuple(t.shape), str(t.dtype))
                for name, t in zip(unique(_layer_name(t) for t in tensors), tensors, strict=True)
            )
            self._output_layers = unique(_layer_name(t) for t in graph.outputs)
            structure = None if model is not graph else model._inputs_struct
            self._arguments = _one_argument(structure)
        else:
            self.inputs, self._arguments = _subclassed(model, declared)

    def __call__(self, *tensors: Any) -> list[tuple[str, Any]]:
        """Run the model for inference on one tensor per input; its outputs with their names, None left out."""
        positional, keywords = self._arguments(tensors)
        return self._named(self._model(*positional, training=False, **keywords))

    def _named(self, result: Any) -> list[tuple[str, Any]]:
        import keras

        leaves = [(path, leaf) for path, leaf in keras.tree.flatten_with_path(result) if leaf is not None]
        of_dict = any(isinstance(key, str) for path, _ in leaves for key in path)
        if self._output_layers is not None and not of_dict and len(leaves) == len(self._output_layers):
            names = self._output_layers
        else:
            names = unique(output_name(path) for path, _ in leaves)
        return [(name, leaf) for name, (_, leaf) in zip(names, leaves, strict=True)]


def source_inputs(call: KerasCall, declared: Mapping[str, DeclaredInput]) -> list[SourceInput]:
    """The inputs as `source_shapes.resolve` takes them; float32 where neither the model nor the spec gives a type.

    Args:
        call: The model.
        declared: What the spec says of inputs by name.
    """
    nothing = DeclaredInput()
    return [
        SourceInput(i.name, i.shape, i.dtype or declared.get(i.name, nothing).dtype or "float32") for i in call.inputs
    ]


def _graph(model: Any) -> Any:
    """The Functional model behind `model`: itself, a built Sequential's, or None for a subclassed or unbuilt one."""
    import keras

    if isinstance(model, keras.Sequential):
        return model._functional
    return model if hasattr(model, "_inputs_struct") and hasattr(model, "output_names") else None


def _layer_name(tensor: Any) -> str:
    return str(tensor._keras_history.operation.name)


_Arguments = Callable[[Sequence[Any]], tuple[list[Any], dict[str, Any]]]


def _one_argument(structure: Any) -> _Arguments:
    def arguments(tensors: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        import keras

        packed = tensors[0] if structure is None else keras.tree.pack_sequence_as(structure, list(tensors))
        return [packed], {}

    return arguments


def _subclassed(model: Any, declared: Collection[str]) -> tuple[tuple[SourceInput, ...], _Arguments]:
    """Inputs of a model without a graph: from its `call` and from the shapes that it was built with."""
    import keras

    parameters = [
        p
        for p in inspect.signature(model.call).parameters.values()
        if p.name not in ("training", "mask") and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    known = _built_shapes(model, [p.name for p in parameters])
    wanted = [p.name for i, p in enumerate(parameters) if i == 0 or p.default is p.empty or p.name in declared]
    if len(wanted) == 1 and not known and len(declared) > 1 and wanted[0] not in declared:
        known = {wanted[0]: dict.fromkeys(sorted(declared), ())}
        unknown = True
    else:
        unknown = False
    inputs: list[SourceInput] = []
    structures: list[tuple[str, Any, int]] = []
    for name in wanted:
        structure = _leaves_marked(known.get(name))
        leaves = keras.tree.flatten_with_path(structure)
        structures.append((name, structure, len(leaves)))
        for path, leaf in leaves:
            inner = "_".join(str(key) for key in path)
            full = name if not path else inner if isinstance(path[0], str) else f"{name}_{inner}"
            shape = None if unknown or leaf.shape is None else (None, *leaf.shape[1:])
            inputs.append(SourceInput(full, shape, ""))
    names = unique(i.name for i in inputs)

    def arguments(tensors: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        rest = list(tensors)
        packed: dict[str, Any] = {}
        for name, structure, count in structures:
            packed[name] = keras.tree.pack_sequence_as(structure, rest[:count])
            del rest[:count]
        first = packed.pop(structures[0][0])
        return [first], packed

    return tuple(SourceInput(n, i.shape, i.dtype) for n, i in zip(names, inputs, strict=True)), arguments


def _built_shapes(model: Any, parameters: Sequence[str]) -> dict[str, Any]:
    """Parameter of `call` -> the shape, or structure of shapes, that the model was built with; {} where unknown."""
    recorded = getattr(model, "_build_shapes_dict", None) or {}
    recorded = recorded.get("shapes_dict", recorded) if isinstance(recorded, dict) else {}
    if len(recorded) == 1 and parameters:
        return {parameters[0]: next(iter(recorded.values()))}
    return {p: recorded[f"{p}_shape"] for p in parameters if f"{p}_shape" in recorded}


class _Leaf:
    """A shape inside of a structure, where a tuple would be taken for a part of the structure."""

    def __init__(self, shape: tuple[int | None, ...] | None) -> None:
        self.shape = shape


def _leaves_marked(structure: Any) -> Any:
    if isinstance(structure, dict):
        return {key: _leaves_marked(value) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        if all(d is None or isinstance(d, int) for d in structure):
            return _Leaf(tuple(structure))
        return [_leaves_marked(value) for value in structure]
    return _Leaf(None)
