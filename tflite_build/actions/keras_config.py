"""The inputs and outputs of a Keras model from its configuration, without Keras: for `init`.

Knows the configuration of Functional and Sequential models as Keras 2 and 3 write it; what it cannot tell it leaves
out, and the builder finds out later with Keras itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tflite_build.engines.contract import DEFAULT_SIGNATURE, Interface, SignatureSpec, TensorSpec
from tflite_build.engines.sources.names import output_name, unique

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
# Layers that no engine converts where the sizes that they see are open: Keras itself needs numbers.
_FIXED = frozenset(
    {
        "AdaptiveAveragePooling1D",
        "AdaptiveAveragePooling2D",
        "AdaptiveAveragePooling3D",
        "AdaptiveMaxPooling1D",
        "AdaptiveMaxPooling2D",
        "AdaptiveMaxPooling3D",
    }
)
_MERGES = frozenset({"Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"})
# Layers that only TensorFlow has operators for.
_HASHES = frozenset({"HashedCrossing", "Hashing", "IntegerLookup"})
_HALVES = ("float16", "bfloat16")


@dataclass(frozen=True, slots=True)
class KerasLook:
    """What the configuration tells.

    Attributes:
        interface: The signature; none where the configuration does not tell it.
        vocabulary: The rows of the smallest embedding, if there is one.
        weighted: Whether it has layers whose weights can be quantized.
        kinds: The classes of its layers and what else it is made of, each once.
        fixed: Names and classes of layers that cannot be converted where dimensions are open.
        refused: What a build will refuse, and what to do: a phrase for each.
        layers: The class and the name of each layer.
        softmax: Outputs that are the softmax of one row of numbers: name -> how many.
    """

    interface: Interface
    vocabulary: int | None
    weighted: bool
    kinds: tuple[str, ...]
    fixed: tuple[str, ...]
    refused: tuple[str, ...]
    layers: tuple[tuple[str, str], ...]
    softmax: Mapping[str, int]


def read(config: Mapping[str, Any]) -> KerasLook:
    """The look of a model's configuration (config.json of a .keras file, `model_config` of an .h5 file)."""
    inner = config.get("config")
    layers = [node for node in _nodes(config) if not node["class_name"].startswith("__")]  # which are tensors and code
    nodes = [(str(layer["class_name"]), layer["config"]) for layer in layers]
    tables = [c["input_dim"] for n, c in nodes if n == "Embedding" and _size(c.get("input_dim")) and c["input_dim"] > 1]
    shrinks, merges = any(_shrinks(n, c) for n, c in nodes), any(n in _MERGES for n, _ in nodes)
    fixed = [f"{n['config'].get('name')} ({n['class_name']})" for n in layers if _fixed(n, shrinks, merges)]
    interface, softmax = None, {}
    if isinstance(inner, dict):
        interface = _functional(inner) if "input_layers" in inner else _sequential(inner)
        softmax = _softmax(inner, [n for n, _ in nodes], interface) if interface else {}
    return KerasLook(
        interface or Interface(),
        min(tables, default=None),
        any(n in _WEIGHTED for n, _ in nodes),
        tuple(dict.fromkeys(n for n, _ in nodes)),
        tuple(dict.fromkeys(fixed)),
        tuple(_refused(nodes)),
        tuple(
            (str(n["class_name"]), c["name"])
            for n in layers
            if n is not config and isinstance((c := n["config"]).get("name"), str)
        ),
        softmax,
    )


def _softmax(inner: Mapping[str, Any], kinds: Sequence[str], interface: Interface) -> dict[str, int]:
    """Outputs of a dense layer with softmax, after which nothing but the batch can be left beside its numbers."""
    (signature,) = interface.signatures
    flat = any(kind.startswith(("Flatten", "Global")) for kind in kinds)
    if not flat and ("Embedding" in kinds or any(len(tensor.shape) != 2 for tensor in signature.inputs)):
        return {}
    layers = {str(config.get("name")): (kind, config) for kind, config in _layers(inner)}
    ends = [layer for _, layer in _leaves(inner.get("output_layers", []), ())] or [*layers][-1:]
    found = {}
    for tensor, end in zip(signature.outputs, ends, strict=False):
        kind, config = layers.get(end, ("", {}))
        if kind == "Dense" and config.get("activation") == "softmax" and _size(config.get("units")):
            found[tensor.name] = int(config["units"])
    return found


def _fixed(layer: Mapping[str, Any], shrinks: bool, merges: bool) -> bool:
    """Whether a layer cannot be converted where sizes are open.

    Args:
        shrinks: Whether others make pictures smaller: after them it is not certain that a size is more than 0, which
            Keras asks for before it interpolates.
        merges: Whether others take two tensors, which have to be of one size: that is not certain of what was made
            smaller and larger again.
    """
    name, config = str(layer["class_name"]), layer["config"]
    if name == "GroupQueryAttention":  # of which litert-converter makes a wrong file
        return any(call.get("use_causal_mask") is True for call in _calls(layer))
    if name == "UpSampling2D":
        return shrinks and (merges or config.get("interpolation", "nearest") != "nearest")
    return name in _FIXED


def _shrinks(name: str, config: Mapping[str, Any]) -> bool:
    if "Conv" in name:
        return config.get("padding") == "valid" or config.get("strides") not in (None, 1, [1], [1, 1], [1, 1, 1])
    return name.startswith(("AveragePooling", "MaxPooling", "Cropping"))


def _calls(layer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The keyword arguments of each call of a layer, as Keras 3 writes them."""
    calls = layer.get("inbound_nodes")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict) and isinstance(call.get("kwargs"), dict):
            yield call["kwargs"]


def _refused(nodes: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    for name, config in nodes:
        layer, policy = f"'{config.get('name')}' ({name})", _policy(config.get("dtype"))
        if name in _HASHES:
            yield f"{layer} needs operators that only TensorFlow has; do in the app what it does"
        elif name in ("Dense", "EinsumDense") and policy == "int8":
            yield f"Keras has quantized {layer} already; save the model before `quantize`, and let a variant do it"
        elif policy in _HALVES and name not in ("InputLayer", "Functional", "Sequential"):
            yield f"{layer} keeps its weights in {policy}; save the model with the policy float32 or mixed_{policy}"
        elif name == "Conv3D" and _size(config.get("groups")) and config["groups"] > 1:
            yield f"{layer} has groups, which no operator has in 3 dimensions"


def _policy(dtype: Any) -> str:
    """The name of a layer's policy; of a layer that Keras has quantized the mode, such as "int8"."""
    if not isinstance(dtype, dict):
        return dtype if isinstance(dtype, str) else ""
    config = dtype.get("config")
    return str(config.get("mode") or config.get("name") or "") if isinstance(config, dict) else ""


def _functional(inner: Mapping[str, Any]) -> Interface | None:
    layers = {str(c.get("name")): c for _, c in _layers(inner)}
    inputs = []
    for _, name in _leaves(inner["input_layers"], ()):
        spec = _input(name, layers.get(name, {}))
        if spec is None:
            return None
        inputs.append(spec)
    return _interface(inputs, _output_names(inner.get("output_layers", [])))


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


def _output_names(value: Any) -> list[str]:
    """What `engines/sources/keras_names.py` calls the outputs: after keys, where there is any, else after their layers."""
    found = list(_leaves(value, ()))
    by_key = any(isinstance(part, str) for path, _ in found for part in path)
    return unique(output_name(path) if by_key else layer for path, layer in found)


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Each layer in nested lists and dicts of ["name", node, tensor], with the way to it."""
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str) and isinstance(value[1], int):
        yield path, value[0]
        return
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _leaves(part, (*path, key))


def _layers(inner: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    layers = inner.get("layers")
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and isinstance(layer.get("config"), dict):
            yield str(layer.get("class_name")), {"name": layer.get("name"), **layer["config"]}


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every serialized object with a configuration, layers of inner models too."""
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str) and isinstance(value.get("config"), dict):
            yield value
        for child in value.values():
            yield from _nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from _nodes(child)
