"""Writing a SavedModel for the converter: signatures with any names, and equal bytes for equal functions.

TensorFlow numbers functions through the life of the process, orders maps as it likes and keeps Python objects for its own
loader. Here functions are numbered in the order in which the signatures reach them, what only Python's loader needs goes,
and the checkpoint holds the variables alone. Such a folder is for TensorFlow's C++ loader and importer.
Knows nothing of where the functions come from.
"""

from __future__ import annotations

import gc
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.trackable.resource import CapturableResource

from tflite_build.engines.contract import SignatureSpec, TensorSpec

from .saved_model_folder import FILE, VARIABLES
from .source_shapes import open_dimensions

# Attributes of the process that traced, or for training and grappler: no importer reads them.
_DROPPED = ("_gradient_op_type", "_user_specified_name", "api_implements", "api_preferred_device", "forward_function_name",
            "backward_function_name", "debug_name")  # fmt: skip
_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A signature to write.

    Attributes:
        name: The signature's name.
        function: Takes one tensor per input, in order; returns named outputs.
        inputs: Dimensions are numbers, or names of open ones.
    """

    name: str
    function: Callable[..., Sequence[tuple[str, Any]]]
    inputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class _Traced:
    """A traced endpoint: its inputs are called i0, i1 ... and its outputs o0, o1 ... in the graph."""

    concrete: Any
    signature: SignatureSpec


def write(endpoints: Sequence[Endpoint], folder: Path, locations: bool) -> list[SignatureSpec]:
    """Trace and write all endpoints; their signatures with the outputs' names, shapes and types.

    Args:
        locations: Keep the source line of every operator, for messages; the bytes then depend on lines and paths.
    """
    traced = [_trace(endpoint) for endpoint in endpoints]
    root = tf.Module()
    # A plain list of the variables themselves: saving a Keras 3 model as a whole saves copies under other names, which
    # the signatures then do not read.
    root.variables_of_signatures = _variables(traced)
    root.tables_of_signatures = _tables(traced)
    with tempfile.TemporaryDirectory() as scratch:
        saved = Path(scratch) / "saved"
        tf.saved_model.save(
            root,
            str(saved),
            signatures={t.signature.name: t.concrete for t in traced},
            options=tf.saved_model.SaveOptions(save_debug_info=locations),
        )
        _finish(saved, [t.signature for t in traced], folder, keep=locations)
    return [t.signature for t in traced]


def _trace(endpoint: Endpoint) -> _Traced:
    names: list[str] = []

    def flat(*tensors: Any) -> dict[str, Any]:
        pairs = list(endpoint.function(*tensors))
        names[:] = [name for name, _ in pairs]
        return {f"o{i}": tf.convert_to_tensor(value) for i, (_, value) in enumerate(pairs)}

    specs = [
        tf.TensorSpec([d if isinstance(d, int) else None for d in t.shape], t.dtype, name=f"i{i}")
        for i, t in enumerate(endpoint.inputs)
    ]
    concrete = tf.function(flat, input_signature=specs, autograph=False).get_concrete_function()
    outputs = []
    for i, name in enumerate(names):
        made = concrete.structured_outputs[f"o{i}"]
        shape = [-1 if d is None else d for d in made.shape] if made.shape.rank is not None else None
        outputs.append(TensorSpec(name, open_dimensions(name, shape, endpoint.inputs), made.dtype.name))
    return _Traced(concrete, SignatureSpec(endpoint.name, endpoint.inputs, tuple(outputs)))


def _variables(traced: Sequence[_Traced]) -> list[Any]:
    """The variables that the functions use, in the order in which they first use them."""
    found: dict[int, Any] = {}
    for one in traced:
        graph = one.concrete.graph
        place = {id(outer): i for i, (outer, _) in enumerate(graph.captures)}
        for variable in sorted(graph.variables, key=lambda v: place.get(id(v.handle), len(place))):
            found.setdefault(id(variable), variable)
    return list(found.values())


def _tables(traced: Sequence[_Traced]) -> list[Any]:
    """The lookup tables that the functions use, in the order in which they first use them.

    A graph knows the handle of a table and not the object, which must be saved too: it is among the living.
    """
    variables = {id(v.handle) for v in _variables(traced)}
    captured = (outer for one in traced for outer, _ in one.concrete.graph.captures if outer.dtype == tf.resource)
    places = {id(outer): place for place, outer in enumerate(captured) if id(outer) not in variables}
    if not places:
        return []
    objects = [o for o in gc.get_objects() if isinstance(o, CapturableResource)]
    used = [o for o in objects if id(o._resource_handle) in places]
    return sorted(used, key=lambda o: places[id(o._resource_handle)])


def _finish(saved: Path, signatures: Sequence[SignatureSpec], folder: Path, keep: bool) -> None:
    """Move what TensorFlow wrote to `folder`, with the signatures' own names.

    Args:
        keep: Leave functions and checkpoint as they are.
    """
    model = saved_model_pb2.SavedModel.FromString((saved / FILE).read_bytes())
    (graph,) = model.meta_graphs
    for signature in signatures:
        definition = graph.signature_def[signature.name]
        _rename(definition.inputs, [f"i{i}" for i in range(len(signature.inputs))], [t.name for t in signature.inputs])
        _rename(
            definition.outputs, [f"o{i}" for i in range(len(signature.outputs))], [t.name for t in signature.outputs]
        )
    if keep:
        shutil.copytree(saved, folder, ignore=shutil.ignore_patterns("fingerprint.pb"))
    else:
        folder.mkdir(parents=True)
        if graph.asset_file_def:
            shutil.copytree(saved / "assets", folder / "assets")
        _canonicalize(graph)
        _write_variables(saved / VARIABLES / VARIABLES, folder / VARIABLES / VARIABLES)
    (folder / FILE).write_bytes(model.SerializeToString(deterministic=True))


def _rename(entries: Any, old: Sequence[str], new: Sequence[str]) -> None:
    values = [type(entries[name]).FromString(entries[name].SerializeToString()) for name in old]
    for name in old:
        del entries[name]
    for name, value in zip(new, values, strict=True):
        entries[name].CopyFrom(value)


def _canonicalize(graph: Any) -> None:
    """Number the functions by the order in which nodes call them, and drop what depends on the process."""
    graph.ClearField("object_graph_def")
    graph.meta_info_def.ClearField("stripped_op_list")
    library = {f.signature.name: f for f in graph.graph_def.library.function}
    order: dict[str, str] = {}
    _number(graph.graph_def.node, library, order)
    if order:
        pattern = re.compile("|".join(map(re.escape, sorted(order, key=len, reverse=True))))
        _replace(graph, library, order, lambda text: pattern.sub(lambda m: order[m[0]], text))
    functions = [type(f).FromString(library[name].SerializeToString()) for name, f in ((n, library[n]) for n in order)]
    del graph.graph_def.library.function[:]
    graph.graph_def.library.function.extend(functions)
    del graph.graph_def.library.gradient[:]
    del graph.graph_def.library.registered_gradients[:]


def _number(nodes: Any, library: Mapping[str, Any], order: dict[str, str]) -> None:
    for node in nodes:
        for name in _calls(node):
            if name in library and name not in order:
                order[name] = f"{re.sub(r'_[0-9]+$', '', name)}_f{len(order)}"
                _number(library[name].node_def, library, order)


def _calls(node: Any) -> Iterator[str]:
    for key in sorted(node.attr):
        value = node.attr[key]
        if value.HasField("func"):
            yield value.func.name
        for function in value.list.func:
            yield function.name


def _replace(graph: Any, library: Mapping[str, Any], order: Mapping[str, str], new: Callable[[str], str]) -> None:
    """Give functions their new names wherever the old ones stand, those of arguments included."""
    for node in graph.graph_def.node:
        _replace_in_node(node, new)
    for name in order:
        function = library[name]
        function.signature.name = new(function.signature.name)
        for argument in (*function.signature.input_arg, *function.signature.output_arg):
            argument.name = new(argument.name)
        for node in function.node_def:
            _replace_in_node(node, new)
        for returned in (function.ret, function.control_ret):
            for key, value in list(returned.items()):
                del returned[key]
                returned[new(key)] = new(value)
        for i, text in enumerate(function.signature.control_output):
            function.signature.control_output[i] = new(text)
        for attributes in (function.attr, *(a.attr for a in function.arg_attr.values())):
            _drop(attributes)


def _replace_in_node(node: Any, new: Callable[[str], str]) -> None:
    node.name = new(node.name)
    for i, text in enumerate(node.input):
        node.input[i] = new(text)
    _drop(node.attr)
    for value in node.attr.values():
        if value.HasField("func"):
            value.func.name = new(value.func.name)
        for function in value.list.func:
            function.name = new(function.name)


def _drop(attributes: Any) -> None:
    for name in _DROPPED:
        if name in attributes:
            del attributes[name]


def _write_variables(source: Path, target: Path) -> None:
    """Copy a checkpoint without the description of Python objects in it."""
    if not source.with_suffix(".index").is_file():
        return
    reader = tf.train.load_checkpoint(str(source))
    names = sorted(reader.get_variable_to_shape_map())
    values = [tf.constant("") if name == _OBJECT_GRAPH else reader.get_tensor(name) for name in names]
    target.parent.mkdir(parents=True)
    tf.raw_ops.SaveV2(prefix=str(target), tensor_names=names, shape_and_slices=[""] * len(names), tensors=values)
