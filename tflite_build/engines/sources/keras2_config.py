"""The configuration of a model that Keras 2 saved, as Keras 3 reads it: `upgraded`, a pure function of JSON.

Keras 3 refuses arguments that it no longer has even where they say what it does anyway, and has given one name to another
function. Only what changes no number is rewritten here; anything else stays for Keras to refuse. Knows nothing of files.

Source: Keras 2.15, `get_config` of its layers; Keras 3, the constructors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

# Keras 2: clip(0.2 x + 0.5, 0, 1); Keras 3: relu6(x + 3) / 6. The caller provides the old one under this name.
HARD_SIGMOID = "hard_sigmoid_of_keras_2"

# Layers that Keras 3 does not have any more.
REMOVED = ("CuDNNGRU", "CuDNNLSTM", "LocallyConnected1D", "LocallyConnected2D", "ThresholdedReLU")

# Layers whose state Keras 2 gave as further inputs.
_STATEFUL = ("RNN", "GRU", "LSTM", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Bidirectional")
_MODELS = ("Functional", "Model", "Sequential")

_ANY = object()
_NO_GROUPS = {"groups": 1}
_SEPARABLE = {**_NO_GROUPS, "kernel_initializer": _ANY, "kernel_regularizer": _ANY, "kernel_constraint": _ANY}
_TIME_MAJOR = {"time_major": False}
_IMPLEMENTATION = {"implementation": _ANY}
_RECURRENT = {**_TIME_MAJOR, **_IMPLEMENTATION}
_SPATIAL = {"trainable": _ANY, "noise_shape": None}
_SHAPES = {"query_shape": _ANY, "key_shape": _ANY, "value_shape": _ANY}
# Class -> arguments that Keras 3 lacks, with the value that means what Keras 3 does.
_GONE: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _NO_GROUPS),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _NO_GROUPS),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _SEPARABLE),
    **dict.fromkeys(("RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _TIME_MAJOR),
    **dict.fromkeys(("GRU", "LSTM", "SimpleRNN"), _RECURRENT),
    **dict.fromkeys(("GRUCell", "LSTMCell"), _IMPLEMENTATION),
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), _SPATIAL),
    "Discretization": {"trainable": _ANY},
    "Attention": {"score_mode": "dot"},
    "MultiHeadAttention": _SHAPES,
}


def upgraded(config: Mapping[str, Any]) -> dict[str, Any]:
    """The model's configuration for Keras 3.

    Args:
        config: `model_config` of an .h5 file: `{"class_name": ..., "config": ...}`.
    """
    names = _new_names(config)
    result: dict[str, Any] = _walked(config, names)
    return result


def _walked(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_walked(part, names) for part in value]
    if isinstance(value, str):
        return names.get(value, value)
    if not isinstance(value, dict):
        return value
    result = {key: _walked(part, names) for key, part in value.items()}
    inner = result.get("config")
    if isinstance(inner, dict) and isinstance(result.get("class_name"), str):
        if result["class_name"] == "Policy":  # of mixed precision
            return inner.get("name", result)
        result["config"] = _layer(result["class_name"], inner)
        if isinstance(result.get("inbound_nodes"), list):
            result["inbound_nodes"] = [_node(result["class_name"], node) for node in result["inbound_nodes"]]
    return result


def _layer(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    gone = _GONE.get(kind, {})
    kept = {key: value for key, value in config.items() if key not in gone or gone[key] not in (_ANY, value)}
    for key in ("activation", "recurrent_activation"):
        if kept.get(key) == "hard_sigmoid":
            kept[key] = HARD_SIGMOID
    axis = kept.get("axis")
    if kind == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        kept["axis"] = axis[0]
    if kind in _MODELS and "output_layers" in kept:
        _graph(kept)
    return kept


def _graph(config: dict[str, Any]) -> None:
    """Tensors of a functional model: Keras 2 counted the creation of a model inside of it as its first call."""
    nested = {layer.get("name") for layer in config["layers"] if layer.get("class_name") in _MODELS}
    for layer in config["layers"]:
        layer["inbound_nodes"] = _counted_from_0(layer.get("inbound_nodes", []), nested)
    for key in ("input_layers", "output_layers"):
        tensors = _counted_from_0(config[key], nested)
        one = isinstance(tensors, list) and len(tensors) == 1 and _is_tensor(tensors[0])
        config[key] = tensors[0] if one else tensors  # Keras 3 makes a list of a list


def _counted_from_0(value: Any, nested: Collection[Any]) -> Any:
    if isinstance(value, dict):
        return {key: _counted_from_0(part, nested) for key, part in value.items()}
    if not isinstance(value, list):
        return value
    if _is_tensor(value) and value[0] in nested:
        value = [value[0], value[1] - 1, *value[2:]]
    return [_counted_from_0(part, nested) for part in value]


def _node(kind: str, node: Any) -> Any:
    """A call of a layer. Tensors among its keywords, and states, are found by Keras 3 in its own form alone."""
    if not isinstance(node, list) or not all(_is_tensor(part) for part in node):
        return node
    keywords = {key: value for part in node if len(part) == 4 for key, value in part[3].items() if value is not None}
    states = node[1:] if kind in _STATEFUL else []
    if not states and not any(_is_tensor(value) for value in keywords.values()):
        return node
    inputs = [_tensor(part) for part in (node[:1] if states else node)]
    keywords = {key: _tensor(value) if _is_tensor(value) else value for key, value in keywords.items()}
    if states:
        keywords["initial_state"] = [_tensor(part) for part in states]
    return {"args": inputs if len(inputs) == 1 else [inputs], "kwargs": keywords}


def _is_tensor(value: Any) -> bool:
    """Whether it is `[layer, node, tensor]`, with or without keywords behind."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(isinstance(number, int) for number in value[1:3])
    )


def _tensor(reference: list[Any]) -> dict[str, Any]:
    # Keras 3 takes the history alone, and asks for a shape.
    config = {"shape": [], "dtype": "float32", "keras_history": reference[:3]}
    return {"class_name": "__keras_tensor__", "config": config}


def _new_names(config: Mapping[str, Any]) -> dict[str, str]:
    """Layers whose names have a slash, which Keras 3 forbids -> their new names."""
    names: dict[str, None] = {}

    def look(value: Any) -> None:
        if isinstance(value, dict):
            inner = value.get("config")
            if isinstance(inner, dict) and isinstance(inner.get("name"), str):
                names[inner["name"]] = None
            for part in value.values():
                look(part)
        elif isinstance(value, list):
            for part in value:
                look(part)

    look(config)
    found: dict[str, str] = {}
    for name in names:
        if "/" in name:
            new = name.replace("/", "_")
            while new in names or new in found.values():
                new += "_"
            found[name] = new
    return found
