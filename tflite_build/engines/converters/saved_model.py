"""convert.tensorflow: a SavedModel to a float .tflite file with all its signatures.

TensorFlow's own importer reads the folder; its Python loader, which fails on what Keras 2 wrote and drops signatures of
what Keras 3 writes, is never asked. What converts cleanly and is wrong all the same is found beforehand (weights that are
not restored, tables from files) or in the file's signatures afterwards; numbers are for `compare`. Knows nothing of how
quantization or the runtime work.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_build.engines.contract import (
    Declared,
    FailingOperator,
    Interface,
    Invalid,
    Refused,
    Request,
    SignatureSpec,
    TensorSpec,
)
from tflite_build.engines.files import custom_operators, select_operators
from tflite_build.engines.native import tf_native
from tflite_build.engines.sources import saved_model_file, saved_model_folder, saved_model_inputs, saved_model_shapes
from tflite_build.engines.sources.saved_model_file import MetaGraph
from tflite_build.engines.sources.saved_model_folder import VARIABLES
from tflite_build.engines.sources.source_shapes import open_dimensions
from tflite_build.engines.words import near_or_all, quoted, shape_text
from tflite_build.tflite import custom, reader

from . import tf_errors

SWITCHES: Mapping[str, str] = {
    "resource_variables": "enable_tflite_resource_variables",
    "lower_tensor_list_ops": "lower_tensor_list_ops",
    "unfold_batch_matmul": "unfold_batchmatmul",
    "guarantee_all_funcs_one_use": "guarantee_all_funcs_one_use",
}
_QUANTIZED_IN_TRAINING = ("FakeQuant", "QuantizeAndDequantize")


@dataclass(frozen=True, slots=True)
class _Source:
    """A SavedModel and the signatures to convert, with the shapes of their inputs."""

    folder: Path
    version: int
    meta: MetaGraph
    inputs: Mapping[str, tuple[TensorSpec, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.inputs)

    def batch(self) -> int | None:
        """The first dimension that all inputs share, where it is a number."""
        first = {spec.shape[0] for specs in self.inputs.values() for spec in specs if spec.shape}
        only = first.pop() if len(first) == 1 else None
        return only if isinstance(only, int) else None


def run(request: Request) -> None:
    """Convert to `model.tflite` and `interface.json`.

    Raises:
        Invalid: The SavedModel or what the spec says of it is wrong.
        Refused: TensorFlow cannot convert it, or does it wrongly.
    """
    params = request.params
    flags = _switched(params.get("switches") or {})
    source = _read(request.inputs["saved_model"], params)
    if params.get("from_source"):
        _check_trained(source)
        flags |= tf_native.quantized_as_trained()
    with tempfile.TemporaryDirectory() as scratch:
        if source.meta.unrestored(source.names):
            source = _saved_again(source, Path(scratch))
        leave = custom.STOCK | frozenset(params.get(custom_operators.PARAM, ()))
        model = _convert(source, flags, Path(scratch), leave, select=bool(params.get(select_operators.PARAM)))
    made = reader.parse(memoryview(model))
    _check_select(select_operators.of(made), params.get(select_operators.PARAM))
    custom_operators.check_allowed(custom.own(made), request)
    interface = _checked_interface(source, made)
    (request.outputs / "model.tflite").write_bytes(model)
    request.write_json("interface.json", interface.to_json())


def _switched(switches: Mapping[str, Any]) -> dict[str, int]:
    flags: dict[str, int] = {}
    for name, value in switches.items():
        if name not in SWITCHES:
            hint = near_or_all(name, list(SWITCHES))
            raise Invalid(f"the TensorFlow converter has no switch '{name}'", f"convert.tensorflow.{name}", hint)
        if not isinstance(value, bool):
            raise Invalid(f"the switch '{name}' is neither true nor false", f"convert.tensorflow.{name}")
        flags[SWITCHES[name]] = int(value)
    return flags


def _read(folder: Path, params: Mapping[str, Any]) -> _Source:
    saved = saved_model_file.read(folder)
    meta = saved.meta_graph(params.get("tags"))
    names = saved_model_file.choose(meta, params.get("signatures"))
    if meta.variables(names):
        saved_model_folder.check_variables(folder)
    if meta.asset_tables(names):
        raise Invalid(
            f"the model looks words up in a table that TensorFlow fills from a file ({quoted(meta.assets)}); a .tflite "
            "file has no such files, and the table would stay empty",
            "source.path",
            "fill the table from values (tf.lookup.KeyValueTensorInitializer), or look the ids up in the app and give "
            "the model integers",
        )
    inputs = saved_model_inputs.inputs_of(meta, names, Declared.from_json(params.get("declared", {})))
    return _Source(folder, saved.version, meta, inputs)


def _check_trained(source: _Source) -> None:
    graph = source.meta.graph
    operators = {op for node in source.meta.reached(source.names) for op in graph.runs(node)}
    if not any(op.startswith(_QUANTIZED_IN_TRAINING) for op in operators):
        raise Invalid(
            "the source was not trained with quantization: it has no FakeQuant operators",
            "variant.X.quantize",
            'quantize = "int8" quantizes a model after its training',
        )


def _saved_again(source: _Source, scratch: Path) -> _Source:
    """The model loaded and saved once more, so that its saver restores what its signatures read.

    tf.saved_model.save of a Keras 3 model that was fitted saves copies of the variables under other names.
    """
    import tensorflow as tf

    missing = sorted(source.meta.unrestored(source.names))
    reason = f"its signatures read weights that are not restored from the folder: {quoted(missing)}"
    folder = scratch / "saved_again"
    try:
        loaded = tf.saved_model.load(str(source.folder), tags=list(source.meta.tags))
        tf.saved_model.save(loaded, str(folder), signatures=dict(loaded.signatures))
    except Exception as error:  # whatever a foreign loader raises
        _check_checkpoint(source.folder)
        raise Refused(reason, detail=" ".join(str(error).split())[:500]) from error
    saved = saved_model_file.read(folder)
    meta = saved.meta_graph(None)
    if meta.unrestored(source.names):
        raise Refused(reason)
    return _Source(folder, saved.version, meta, source.inputs)


def _check_checkpoint(folder: Path) -> None:
    import tensorflow as tf

    try:
        checkpoint = tf.train.load_checkpoint(str(folder / VARIABLES / VARIABLES))
        for name in checkpoint.get_variable_to_shape_map():
            checkpoint.get_tensor(name)
    except Exception as error:  # of several types that have nothing in common
        raise tf_errors.unreadable_weights(str(error)) from error


def _convert(source: _Source, flags: dict[str, int], scratch: Path, allowed: frozenset[str], *, select: bool) -> bytes:
    """The file, by the first way that works. Every cure is tried once, the one that changes least first.

    Operators in `allowed` may become custom ones. With `select` operators may be left to TensorFlow's own kernels, where
    nothing else helps.
    """
    flags = dict(flags)
    batch: int | None = None
    again = False
    for number in range(8):
        try:
            folder = _specialized(source, scratch / str(number), batch)
            return tf_native.convert(folder, source.version, source.meta.tags, source.names, flags)
        except tf_native.ConversionError as error:
            cause, failure = error, tf_errors.read(str(error), error.collected)
            if failure.damage is not None:
                raise failure.damage from error
        if failure.unregistered:
            break
        blamed = {o.name for o in failure.operators}
        if failure.calls_left and not flags.get("guarantee_all_funcs_one_use"):
            flags["guarantee_all_funcs_one_use"] = 1
        elif failure.tensor_lists and batch is None and source.batch() is not None:
            batch = source.batch()
        elif blamed and blamed <= allowed and not flags.get("allow_custom_ops"):
            flags["allow_custom_ops"] = 1
        elif select and any(o.needs == "select" for o in failure.operators) and not flags.get("enable_select_tf_ops"):
            flags["enable_select_tf_ops"] = 1
        elif not blamed and not again:
            again = True
            try:
                source = _saved_again(source, scratch)
            except Refused:
                break  # the converter's own words say more
        else:
            break
    if failure.wrong and len(source.names) > 1:  # it stops there, before it looks for forms
        raise _each_alone(source, folder, flags) from cause
    raise tf_errors.refusal(failure) from cause


def _each_alone(source: _Source, folder: Path, flags: dict[str, int]) -> Refused:
    """What the converter refuses of each signature, where one of them keeps it from looking at the others."""
    said: dict[str, list[str]] = {}
    operators: list[FailingOperator] = []
    details: list[str] = []
    for name in source.names:
        try:
            tf_native.convert(folder, source.version, source.meta.tags, (name,), flags)
        except tf_native.ConversionError as error:
            refused = tf_errors.refusal(tf_errors.read(str(error), error.collected))
            said.setdefault(refused.reason, []).append(name)
            operators += refused.operators
            details += refused.detail.splitlines()
    parts = [f"{reason} (of {quoted(names)})" for reason, names in said.items()]
    return Refused("; ".join(parts), list(dict.fromkeys(operators)), "\n".join(dict.fromkeys(details)))


def _specialized(source: _Source, target: Path, batch: int | None) -> Path:
    """The folder to convert: the SavedModel itself where its shapes are right already."""
    shapes = {
        name: {spec.name: [d if isinstance(d, int) else -1 for d in spec.shape] for spec in specs}
        for name, specs in source.inputs.items()
    }
    stated = {
        name: {i.name: [-1 if d is None else d for d in i.shape] if i.shape is not None else None for i in s.inputs}
        for name, s in ((name, source.meta.signature(name)) for name in source.names)
    }
    if shapes == stated and batch is None:
        return source.folder
    _check_shared(source)
    saved_model_shapes.specialize(source.folder, source.meta, shapes, target, batch)
    return target


def _check_shared(source: _Source) -> None:
    """Two signatures of TensorFlow 1 may share a placeholder, which has one shape."""
    seen: dict[str, tuple[str, TensorSpec]] = {}
    for name, specs in source.inputs.items():
        tensors = {i.name: i.tensor for i in source.meta.signature(name).inputs}
        for spec in specs:
            other, first = seen.setdefault(tensors[spec.name], (name, spec))
            if _numbers(first) != _numbers(spec):
                raise Invalid(
                    f"'{spec.name}' of '{name}' and '{first.name}' of '{other}' are the same tensor of the graph, with "
                    f"the shapes {shape_text(spec.shape)} and {shape_text(first.shape)}",
                    "source.signatures",
                    "declare one shape for both, or convert one signature",
                )


def _numbers(spec: TensorSpec) -> list[int]:
    return [d if isinstance(d, int) else -1 for d in spec.shape]


def _check_select(names: Sequence[str], allowed: object) -> None:
    """Invalid where the file has select operators that the spec does not name."""
    unnamed = select_operators.unnamed(names, allowed)
    if unnamed:
        raise Invalid(select_operators.message(unnamed), select_operators.KEY, select_operators.hint(names))


def _checked_interface(source: _Source, made: reader.Model) -> Interface:
    """The interface of the file, tensors in its order.

    Raises:
        Refused: It is not that of the source.
    """
    by_name = {s.name: made.ordered(s) for s in made.signatures if made.has_signatures}
    names = list(by_name)
    if sorted(names) != sorted(source.names):
        raise Refused(
            f"the converted file has the signatures {quoted(names)} where the source has {quoted(source.names)}"
        )
    signatures = []
    for name in source.names:
        inputs, outputs = ({t.name: t.tensor for t in side} for side in (by_name[name].inputs, by_name[name].outputs))
        stated = source.meta.signature(name).outputs
        wanted = {spec.name: spec for spec in source.inputs[name]}
        _check_names("input", name, list(inputs), list(wanted))
        _check_names("output", name, list(outputs), [o.name for o in stated])
        for own, tensor in inputs.items():
            _check_tensor("input", name, own, tensor, tuple(_numbers(wanted[own])), wanted[own].dtype, exact=True)
        specs = []
        for info in sorted(stated, key=lambda o: list(outputs).index(o.name)):
            shape = None if info.shape is None else tuple(-1 if d is None else d for d in info.shape)
            tensor = outputs[info.name]
            _check_tensor("output", name, info.name, tensor, shape, info.dtype, exact=False)
            known = open_dimensions(info.name, _known(tensor.known_shape, shape), wanted.values())
            specs.append(TensorSpec(info.name, known, info.dtype))
        signatures.append(SignatureSpec(name, tuple(wanted[n] for n in inputs), tuple(specs)))
    return Interface(tuple(signatures))


def _check_names(what: str, signature: str, made: Sequence[str], wanted: Sequence[str]) -> None:
    if sorted(made) != sorted(wanted):
        raise Refused(
            f"the converted file has the {what}s {quoted(made)} of '{signature}' where the source has {quoted(wanted)}"
        )


def _check_tensor(
    what: str, signature: str, name: str, made: reader.Tensor, shape: tuple[int, ...] | None, dtype: str, exact: bool
) -> None:
    """Raise Refused where a tensor of the file is not as the source says; -1 is an open dimension.

    Args:
        exact: Whether a dimension that is open in one of the two must be open in the other.
    """
    wrong = f"the TensorFlow converter gets {what} '{name}' of '{signature}' wrong:"
    if made.dtype != dtype:
        raise Refused(f"{wrong} the type {made.dtype} where the source has {dtype}")
    if made.known_shape is None or shape is None:
        return
    fits = len(made.shape) == len(shape) and all(
        a == b or (not exact and -1 in (a, b)) for a, b in zip(made.shape, shape, strict=True)
    )
    if not fits:
        raise Refused(f"{wrong} the shape {_open(made.shape)} where the source has {_open(shape)}")


def _open(shape: Sequence[int]) -> str:
    return shape_text("any" if d < 0 else d for d in shape)


def _known(made: tuple[int, ...] | None, stated: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """What the file or the source knows of an output's shape."""
    if made is None or stated is None or len(made) != len(stated):
        return stated if made is None else made
    return tuple(a if a >= 0 else b for a, b in zip(made, stated, strict=True))
