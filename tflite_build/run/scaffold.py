"""`init`: looking into a model and writing a model.toml for it that builds as it stands."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import jinja2

from tflite_build import named, resources
from tflite_build.actions import inspect, keras_config
from tflite_build.engines.contract import Interface, Invalid, Request, SignatureSpec, TensorSpec
from tflite_build.engines.sources import keras2_config, keras_file, saved_model_file, source_shapes
from tflite_build.engines.sources.keras_file import CustomObject
from tflite_build.engines.sources.saved_model_file import TensorInfo
from tflite_build.engines.sources.source_shapes import SourceInput
from tflite_build.engines.user_code.listing import HIDDEN_AT_TOP
from tflite_build.errors import BuildError, ExitCode, Problem, UsageError
from tflite_build.named import absent
from tflite_build.planning.action import Step, Tool
from tflite_build.progress import Listener, Note
from tflite_build.spec import SPEC_NAME
from tflite_build.spec.rules import within
from tflite_build.tflite import custom as custom_operators
from tflite_build.tflite import reader
from tflite_build.tflite.reader import Model, Signature
from tflite_build.tflite.summary import quantization_of
from tflite_build.wrap import words

from . import guessing, lifted
from .driver import Options, Session
from .execute import Limits, call
from .guessing import Guess, Key
from .lifted import Lifted
from .publish import Placement
from .worker import Environment

_HDF5 = (".h5", ".hdf5")
_INTEGERS = ("int8", "uint8", "int16", "int32", "int64")
_ANY_RANK = ("...",)
_TEST_SIZES = [32, 48]
_SIZES = {"samples": [16000, 24000], "d0": [1, 3]}  # a recording of a second, and of one and a half; a batch
_FIXED_SIZE = 32
_IMAGE_SIZE = 224  # a multiple of 32, as most networks want
_LOOK_TIMEOUT = 120
_LONGEST_NAME = 64
_MODULE = r"\w{1,64}(\.\w{1,64}){0,20}"
# Operators whose constant weights every quantizer takes, and those of TensorFlow that become them.
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
_FORMS = ("CAST", "DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE")  # which give the same values in another form
_WEIGHTED_TENSORFLOW = frozenset({"Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative", "MatMul"})


@dataclass(frozen=True, slots=True)
class _Look:
    """What a model tells at a glance.

    Attributes:
        interface: Its signatures, with names for open dimensions and `_ANY_RANK` for an open rank; none where only the
            framework can tell.
        weighted: Whether it is known to have weights that can be quantized.
        vocabulary: What an id has to be below, for models that look into tables.
        lambdas: Layers that carry code.
        custom: Classes and functions of the user's own.
        quantized: Whether it is quantized already.
        select: Operators of TensorFlow's own.
        custom_ops: Custom operators that an app has to register.
        fixed: Layers that cannot be converted where dimensions are open.
        refused: What a build will refuse, and what to do.
        layers: The classes and names of its layers.
        ends: Signature -> output -> the operator that computes it.
        softmax: Outputs that are a softmax, where only that is known: name -> of how many numbers.
    """

    format: str
    interface: Interface
    weighted: bool
    vocabulary: int | None = None
    lambdas: tuple[str, ...] = ()
    custom: tuple[CustomObject, ...] = ()
    quantized: bool = False
    select: tuple[str, ...] = ()
    custom_ops: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    layers: tuple[tuple[str, str], ...] = ()
    ends: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    softmax: Mapping[str, int] = field(default_factory=dict)


def init(model: Path | None, output: Path, *, force: bool, offline: bool, listener: Listener) -> Path:
    """Write a model.toml for `model`, or a commented example without one.

    What nobody but the user can add before it builds is told to `listener`.

    Raises:
        BuildError: If `output` is there already, or `model` is nothing that can be built.
    """
    if named.there(output) and output.is_dir():
        raise UsageError(Problem(f"{output} is a folder", hint=f"name a file: --output {output / SPEC_NAME}"))
    if output.exists() and not force:
        raise UsageError(Problem(f"{output} is there already", hint="--force replaces it, --output names another file"))
    if model is None:
        described = Description(_tidy(_templates().get_template("example.toml.jinja").render()), ())
    else:
        folder = output.absolute().parent
        lift = model.suffix == ".tflite" and model.is_file()
        taken = (model.name, output.name, *HIDDEN_AT_TOP) if lift else None
        described = describe(model, folder, offline=offline, listener=listener, taken=taken)
    with Placement(named=True) as placement:
        for name, content in described.files.items():
            _place(placement, content, output.parent / name)
        placement.text(described.text, output)
        placement.commit()
    for note in described.notes:
        listener(Note(note))
    return output


def _place(placement: Placement, content: bytes, target: Path) -> None:
    if named.there(target) and not (target.is_file() and target.read_bytes() == content):
        raise UsageError(
            Problem(
                f"{target} is there already, and is not the file of that name which is packed with the model",
                hint="move it away, or have --output name a file in another folder",
            )
        )
    placement.content(content, target)


@dataclass(frozen=True, slots=True)
class Description:
    """What can be said of a model at a glance.

    Attributes:
        text: A model.toml for it.
        notes: What stands between it and a build.
        refused: What a build will refuse, and what to do.
        layers: The classes and names of its layers, of a Keras model.
        files: Files beside the model.toml that it names.
    """

    text: str
    notes: tuple[str, ...]
    refused: tuple[str, ...] = ()
    layers: tuple[tuple[str, str], ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)


def describe(
    model: Path, folder: Path, *, offline: bool, listener: Listener, taken: Collection[str] | None = None
) -> Description:
    """A model.toml for `model` that lies in `folder`. Writes nothing.

    Args:
        model: What to describe.
        folder: Where the model.toml is to lie.
        offline: Whether nothing is downloaded.
        listener: Told what is done.
        taken: Names in `folder` that no file packed with a .tflite file gets; None for nothing of what that says.

    Raises:
        BuildError: If `model` is nothing that can be built.
    """
    look = _look(model, offline, listener)
    several = len(look.interface.signatures) > 1
    said = Lifted() if taken is None else lifted.of(model, taken)
    imports, homeless = _imports(model, look, folder)
    signatures = [_signature(s, look, several, said) for s in look.interface.signatures]
    roles = guessing.roles(look.interface.signatures)
    whole = [*(table for s in signatures for table in s["tables"] if table.whole), *roles]
    text = (
        _templates()
        .get_template("model.toml.jinja")
        .render(
            name=_name(model),
            about=said.model,
            format=look.format,
            path=Path(os.path.relpath(model, folder)).as_posix(),
            imports=imports,
            homeless=homeless,
            custom=[c.name for c in look.custom],
            lambdas=look.lambdas,
            quantized=look.quantized,
            weighted=look.weighted,
            fixed=look.fixed,
            select=look.select,
            custom_ops=look.custom_ops,
            signatures=signatures,
            whole={table.name: table for table in whole},
            trained=bool(roles),
        )
    )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # bytes of a path that are none, or half of a pair in a configuration
        raise BuildError(
            Problem(f"'{model}', or a name in it, is not UTF-8, as a model.toml has to be", hint="rename it"),
            ExitCode.SPEC_WRONG,
        ) from None
    return Description(_tidy(text), tuple(_notes(look, homeless)), look.refused, look.layers, said.files)


def _tidy(text: str) -> str:
    """Without the empty lines that templates leave."""
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates("init")),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"toml": _toml, "key": _key, "listed": _listed}
    return environment


def _notes(look: _Look, homeless: Sequence[str]) -> list[str]:
    """What stands between the file and a build."""
    notes = []
    if homeless:
        notes.append(f"to do: name the Python file that registers {', '.join(homeless)} under 'imports'")
    if look.lambdas:
        notes.append(
            f"to do: the Lambda layers {', '.join(look.lambdas)} carry Python code; allow_code = true lets it run"
        )
    if look.refused:
        more = f" (and {len(look.refused) - 1} more)" if len(look.refused) > 1 else ""
        notes.append(f"a build will refuse this file: {look.refused[0]}{more}")
    return notes


def _look(model: Path, offline: bool, listener: Listener) -> _Look:
    try:
        if not named.there(model):
            message, hint = absent(model, str(model), "file or folder")
            raise UsageError(Problem(message, hint=hint))
        named.ordinary(model)
        if model.is_dir():
            return _saved_model(model)
        if model.suffix == ".keras":
            return _keras(keras_file.configuration(model, str(model))[0], legacy=False)
        if model.suffix in _HDF5:
            config = _hdf5_config(model, offline, listener)
            keras_file.check_operations(keras_file.describe(config, "", legacy=True), str(model))
            return _keras(config, legacy=True)
        if model.suffix == ".tflite":
            return _tflite(model)
    except Invalid as invalid:
        raise BuildError(Problem(invalid.message, None, invalid.hint, invalid.detail), ExitCode.SPEC_WRONG) from None
    raise UsageError(
        Problem(
            f"'{model}' is no model that init knows",
            hint="it looks into .keras, .h5, .hdf5 and .tflite files and SavedModel folders",
        )
    )


def _keras(config: dict[str, Any], *, legacy: bool) -> _Look:
    look = keras_config.read(config)
    file = keras_file.describe(config, "", legacy)
    for signature in look.interface.signatures:
        source_shapes.check_text(signature.inputs, "source.path")
    lost = [CustomObject(name, name, "") for name in look.kinds if legacy and name in keras2_config.REMOVED]
    return _Look(
        "keras",
        look.interface,
        look.weighted,
        look.vocabulary,
        file.lambdas,
        (*file.custom, *lost),
        fixed=look.fixed,
        refused=look.refused,
        layers=look.layers,
        softmax=look.softmax,
    )


def _hdf5_config(model: Path, offline: bool, listener: Listener) -> dict[str, Any]:
    with Session(Options(offline=offline), listener) as session, session.store.scratch() as scratch:
        outputs = scratch / "out"
        outputs.mkdir()
        call(
            session.workers,
            Step("look", "look.keras", Tool("litert", "", "")),
            Request("look.keras", {}, {"model": model.absolute()}, outputs),
            Limits(_LOOK_TIMEOUT),
            Environment("litert", session.environments.python("litert")),
            session.executor.cancelled,
        )
        config: dict[str, Any] = json.loads((outputs / "config.json").read_text("utf-8"))
        return config


def _saved_model(folder: Path) -> _Look:
    def tensor(info: TensorInfo) -> TensorSpec:
        if info.shape is None:
            return TensorSpec(info.name, _ANY_RANK, info.dtype)
        return TensorSpec(info.name, tuple(f"d{i}" if d is None else d for i, d in enumerate(info.shape)), info.dtype)

    meta = saved_model_file.read(folder).meta_graph(None)
    chosen = saved_model_file.choose(meta, None)
    signatures = tuple(
        SignatureSpec(name, tuple(map(tensor, stated.inputs)), tuple(map(tensor, stated.outputs)))
        for name, stated in ((name, meta.signature(name)) for name in chosen)
    )
    operators = {operator for node in meta.reached(chosen) for operator in meta.graph.runs(node)}
    return _Look("saved_model", Interface(signatures), bool(operators & _WEIGHTED_TENSORFLOW))


def _tflite(path: Path) -> _Look:
    with reader.model(path) as model:
        weighted = any(
            model.codes[operator.code].name in _WEIGHTED
            and len(operator.inputs) > 1
            and model.buffers[graph.tensors[operator.inputs[1]].buffer].size
            for graph in model.subgraphs
            for operator in graph.operators
        )
        quantized = quantization_of(model) != "float32"
        select = tuple(sorted({c.name.removeprefix("Flex") for c in model.codes if c.flex}))
        own = custom_operators.own(model)
        ends = {signature.name: _ends(model, signature) for signature in model.signatures}
    interface = inspect.tflite(path)
    return _Look("tflite", interface, weighted, quantized=quantized, select=select, custom_ops=own, ends=ends)


def _ends(model: Model, signature: Signature) -> dict[str, str]:
    """What computes each output, before what only brings it into another form."""
    graph = model.subgraphs[signature.subgraph]
    made = {index: operator for operator in graph.operators for index in operator.outputs}
    found = {}
    for output in signature.outputs:
        operator = made.get(output.tensor.index)
        for _ in graph.operators:  # no more, since a file may have a circle
            if operator is None or model.codes[operator.code].name not in _FORMS or not operator.inputs:
                break
            operator = made.get(operator.inputs[0])
        if operator is not None:
            found[output.name] = model.codes[operator.code].name
    return found


def _imports(model: Path, look: _Look, folder: Path) -> tuple[list[str], list[str]]:
    """The files beside the model, in the spec's `folder`, that its custom objects come from; the names of other ones."""
    files: dict[str, None] = {}
    homeless = []
    for custom in look.custom:
        file = model.absolute().parent / f"{custom.module.replace('.', '/')}.py"
        if re.fullmatch(_MODULE, custom.module) and file.is_file() and within(file, folder):
            files[Path(os.path.relpath(file, folder)).as_posix()] = None
        else:
            homeless.append(custom.name)
    return list(files), homeless


def _signature(signature: SignatureSpec, look: _Look, several: bool, said: Lifted) -> dict[str, Any]:
    if several and signature.name != said.signature:
        said = Lifted()
    ends = {**look.ends.get(signature.name, {}), **dict.fromkeys(look.softmax, "SOFTMAX")}
    outputs = [
        replace(t, shape=("batch", look.softmax[t.name]), dtype="float32") if t.name in look.softmax else t
        for t in signature.outputs
    ]
    known = any(keys.get("content") == "image" for keys in said.inputs.values())
    seen = guessing.Seen(signature.inputs, outputs, known=known, said=said.outputs, also=said.names, ends=ends)
    guesses = guessing.guesses(seen)
    inputs = [
        {
            **_input(t, look),
            "said": said.inputs.get(t.name, {}),
            "guessed": _guessed(t.name, "inputs", guesses, said.inputs),
        }
        for t in signature.inputs
    ]
    for tensor in inputs:
        if any(key.name == "range" for key in tensor["guessed"]):
            tensor["range"] = None
    names = [name for tensor in inputs for name in tensor["sizes"]]
    for tensor in inputs:
        tensor["together"] = [name for name in tensor["sizes"] if names.count(name) > 1]
    return {
        "prefix": f"signature.{_key(signature.name)}." if several else "",
        "inputs": inputs,
        "outputs": [
            {
                "name": t.name,
                "shown": _shown(t),
                "said": said.outputs.get(t.name, {}),
                "guessed": _guessed(t.name, "outputs", guesses, said.outputs),
            }
            for t in signature.outputs
        ],
        "tables": [table for guess in guesses for table in guess.tables],
    }


def _guessed(
    name: str, side: Literal["inputs", "outputs"], guesses: Sequence[Guess], said: Mapping[str, Mapping[str, Any]]
) -> list[Key]:
    """The lines of a tensor's table that are guessed, and not known by its metadata."""
    found = [key for guess in guesses for key in getattr(guess, side).get(name, ())]
    known = said.get(name, {})
    return [] if "content" in known else [key for key in found if key.name not in known]


def _input(tensor: TensorSpec, look: _Look) -> dict[str, Any]:
    shape = _proposed(tensor, look)
    batch = bool(tensor.shape) and isinstance(tensor.shape[0], str) and not shape and look.format != "tflite"
    ids = tensor.dtype in _INTEGERS and look.vocabulary is not None
    return {
        "name": tensor.name,
        "shown": _shown(tensor) + ("; the open batch becomes 1" if batch else ""),
        "shape": shape,
        "rankless": tensor.shape == _ANY_RANK,
        "unbatched": look.format == "saved_model" and bool(shape) and isinstance(shape[0], str),
        "sizes": {d: _SIZES.get(d, _TEST_SIZES) for d in shape if isinstance(d, str)},
        "range": [0, look.vocabulary - 1] if ids and look.vocabulary is not None else None,
    }


def _proposed(tensor: TensorSpec, look: _Look) -> list[int | str]:
    """The shape to declare; [] where nothing has to be."""
    if look.format == "tflite":  # its shapes are what they are; sizes of 1 and 3, for a batch, are little for others
        return list(tensor.shape) if any(isinstance(d, str) for d in tensor.shape[1:]) else []
    if tensor.shape == _ANY_RANK:
        return [1, "n"]
    if look.format == "saved_model":  # Keras always has a batch
        source = SourceInput(tensor.name, tuple(d if isinstance(d, int) else None for d in tensor.shape), tensor.dtype)
        alone = source_shapes.unbatched(source)
        if alone is not None:
            return list(alone)
    opened = sum(isinstance(d, str) for d in tensor.shape[1:])
    if not opened:
        return []
    size = _IMAGE_SIZE if len(tensor.shape) == opened + 2 == 4 else _FIXED_SIZE
    inner = [size if look.fixed and isinstance(d, str) else d for d in tensor.shape[1:]]
    return [1 if isinstance(tensor.shape[0], str) else tensor.shape[0], *inner]


def _shown(tensor: TensorSpec) -> str:
    """`float32 [?, 8]`, or "" where not even the type is known."""
    if not tensor.dtype:
        return ""
    if tensor.shape == _ANY_RANK:
        return f"{tensor.dtype} of any shape"
    dims = ", ".join(str(d) if isinstance(d, int) else "?" for d in tensor.shape)
    return f"{tensor.dtype} [{dims}]" if dims else f"{tensor.dtype} scalar"


def _name(model: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", words.latin(model.absolute().name.partition(".")[0])).strip("_-")
    name = name if re.match(r"[A-Za-z]", name) else f"model_{name}"
    return name[:_LONGEST_NAME].rstrip("_-")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # which TOML wants escaped
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return str(value)


def _listed(names: Iterable[str]) -> str:
    """Names in a comment, which ends with its line."""
    return ", ".join("".join(c if c.isprintable() else " " for c in name) for name in names)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)
