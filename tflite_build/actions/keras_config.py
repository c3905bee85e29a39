"""The inputs and outputs of a Keras model from its configuration, without Keras: for `init`.

Knows the configuration of Functional and Sequential models as Keras 2 and 3 write it; what it cannot tell it leaves
out, and the builder finds out later with Keras itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tflite_build.engines.contract import DEFAULT_SIGNATURE, Interface, SignatureSpec, TensorSpec

# Layers whose weights every quantizer takes, once they are operators of a .tflite file.
_WEIGHTED = frozenset(
    {
        "Conv1D",
        "Conv2D",
        "Conv2DTranspose",
        "Dense",
        "DepthwiseConv2D",
        "MultiHeadAttention",
        "SeparableConv1D",
        "SeparableConv2D",
    }
)


@dataclass(frozen=True, slots=True)
class KerasLook:
    """What the configuration tells.

    Attributes:
        interface: The signature; none where the configuration does not tell it.
        vocabulary: The rows of the smallest embedding, if there is one.
        weighted: Whether it has layers whose weights can be quantized.
    """

    interface: Interface
    vocabulary: int | None
    weighted: bool


def read(config: Mapping[str, Any]) -> KerasLook:
    """The look of a model's configuration (config.json of a .keras file, `model_config` of an .h5 file)."""
    inner = config.get("config")
    nodes = list(_nodes(config))
    tables = [c["input_dim"] for n, c in nodes if n == "Embedding" and _size(c.get("input_dim")) and c["input_dim"] > 1]
    interface = None
    if isinstance(inner, dict):
        interface = _functional(inner) if "input_layers" in inner else _sequential(inner)
    return KerasLook(interface or Interface(), min(tables, default=None), any(n in _WEIGHTED for n, _ in nodes))


def _functional(inner: Mapping[str, Any]) -> Interface | None:
    layers = {str(c.get("name")): c for _, c in _layers(inner)}
    inputs = []
    for name in _names(inner["input_layers"]):
        spec = _input(name, layers.get(name, {}))
        if spec is None:
            return None
        inputs.append(spec)
    made = _output_names(inner.get("output_layers", []))
    once = [n for n in dict.fromkeys(made) if made.count(n) == 1]  # Keras numbers those of a layer with several
    return _interface(inputs, once)


def _sequential(inner: Mapping[str, Any]) -> Interface | None:
    layers = list(_layers(inner))
    # Keras gives a Sequential model without an InputLayer one of its own, whose name only Keras can tell.
    if not layers or layers[0][0] != "InputLayer":
        return None
    first = layers[0][1]
    spec = _input(str(first.get("name")), first)
    return _interface([spec], [str(layers[-1][1].get("name"))]) if spec is not None else None


def _interface(inputs: list[TensorSpec], outputs: list[str]) -> Interface:
    named = tuple(TensorSpec(name, (), "") for name in outputs)
    return Interface((SignatureSpec(DEFAULT_SIGNATURE, tuple(inputs), named),))


def _input(name: str, config: Mapping[str, Any]) -> TensorSpec | None:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if not isinstance(shape, list):
        return None
    dims = tuple(d if _size(d) else f"d{i}" for i, d in enumerate(shape))
    dtype = config.get("dtype")
    return TensorSpec(name, dims, dtype if isinstance(dtype, str) and dtype.isalnum() else "float32")


def _size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _names(value: Any) -> list[str]:
    """Layer names in a list, dict or single entry of ["name", node, tensor]."""
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str) and isinstance(value[1], int):
        return [value[0]]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [name for child in children for name in _names(child)]


def _output_names(value: Any) -> list[str]:
    """The names of the outputs: the keys of a dict, those of a nested one joined with "_"; else the layers'."""
    if not isinstance(value, dict):
        return _names(value)
    found = []
    for key, child in value.items():
        inside = _output_names(child)
        nested = isinstance(child, dict)
        if not nested and len(inside) != 1:
            return []  # a list within a dict, whose names Keras alone can tell
        found += [f"{key}_{name}" for name in inside] if nested else [str(key)]
    return found


def _layers(inner: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    layers = inner.get("layers")
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and isinstance(layer.get("config"), dict):
            yield str(layer.get("class_name")), {"name": layer.get("name"), **layer["config"]}


def _nodes(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str) and isinstance(value.get("config"), dict):
            yield value["class_name"], value["config"]
        for child in value.values():
            yield from _nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from _nodes(child)
