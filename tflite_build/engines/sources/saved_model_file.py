"""What a SavedModel says of itself, read from saved_model.pb without TensorFlow: signatures, tags, tables, variables.

Source of the field numbers: tensorflow/core/protobuf/saved_model.proto, meta_graph.proto, saver.proto and
saved_object_graph.proto of TensorFlow 2.21. Standard library only, so that the tool's own process can use it too. Never
reads the variables' values.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tflite_build.engines.contract import Interface, Invalid, SignatureSpec, TensorSpec
from tflite_build.engines.native import protobuf_wire as wire
from tflite_build.engines.native import tf_dtypes
from tflite_build.engines.words import quoted
from tflite_build.errors import near_miss

from .saved_model_folder import EXPORT, FILE, file_in
from .saved_model_graph import Graph, node_name
from .saved_model_graph import parse as parse_graph
from .source_shapes import check_dtype, dimension_names

SERVE = ("serve",)
PRIVATE = "__saved_model_"

_KEY = "source.path"

Shape = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output of a signature.

    Attributes:
        tensor: The graph's tensor, such as "serving_default_image:0"; "" where it is not a single dense tensor.
        dtype: As numpy names it, or "string", "resource", "variant".
        shape: None for an open dimension; None as a whole where not even the rank is known.
    """

    name: str
    tensor: str
    dtype: str
    shape: Shape | None


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature; tensors in alphabetical order, since the file keeps none."""

    name: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


@dataclass(frozen=True)
class MetaGraph:
    """One graph of the SavedModel with its signatures.

    Attributes:
        assets: Files of the folder assets/.
        restore: The node that restores the variables, or "".
        init: The node that sets up tables and variables, or "".
    """

    tags: tuple[str, ...]
    tensorflow_version: str
    signatures: tuple[Signature, ...]
    assets: tuple[str, ...]
    restore: str
    init: str
    _graph: memoryview = field(repr=False)

    @functools.cached_property
    def graph(self) -> Graph:
        """The graph, parsed when first asked for.

        Raises:
            Invalid: It is damaged; key "source.path".
        """
        try:
            return parse_graph(self._graph)
        except wire.DamagedError as error:
            raise _damaged(error) from error

    def signature(self, name: str) -> Signature:
        """The signature called `name`; KeyError where there is none."""
        for signature in self.signatures:
            if signature.name == name:
                return signature
        raise KeyError(name)

    def reached(self, signatures: Sequence[str]) -> set[str]:
        """The nodes that the outputs of `signatures` depend on."""
        outputs = [o.tensor for name in signatures for o in self.signature(name).outputs]
        return self.graph.ancestors(node_name(tensor) for tensor in outputs)

    def variables(self, signatures: Sequence[str]) -> set[str]:
        """The variables that `signatures` read, by shared name."""
        return self.graph.variables(self.reached(signatures))

    def unrestored(self, signatures: Sequence[str]) -> set[str]:
        """Variables that `signatures` read and neither the restoring node nor the setting up gives a value."""
        read = self.variables(signatures)
        written = [name for name in (self.restore, self.init) if name]
        return read - self.graph.variables(self.graph.ancestors(written)) if read else read

    def asset_tables(self, signatures: Sequence[str]) -> bool:
        """Whether `signatures` look into a table that is filled from a file of the folder assets/."""
        return bool(self.assets) and bool(self.graph.tables_from_files() & self.reached(signatures))


@dataclass(frozen=True)
class SavedModelFile:
    """A saved_model.pb: its graphs, one for each set of tags."""

    version: int
    meta_graphs: tuple[MetaGraph, ...]

    def meta_graph(self, tags: Sequence[str] | None) -> MetaGraph:
        """The graph with exactly `tags`; for None the one tagged "serve", or the only one.

        Raises:
            Invalid: There is none, key "source.tags".
        """
        for graph in self.meta_graphs:
            if set(graph.tags) == set(SERVE if tags is None else tags):
                return graph
        if tags is None and len(self.meta_graphs) == 1:
            return self.meta_graphs[0]
        there = [_tags_text(graph.tags) for graph in self.meta_graphs]
        if tags is None:
            raise Invalid(
                f"the SavedModel has {len(there)} graphs, with the tags {', '.join(there)}, none with {_tags_text(SERVE)}",
                _KEY,
                f"choose one: [source] tags = {there[0]}",
            )
        known = sorted({tag for graph in self.meta_graphs for tag in graph.tags})
        guesses = [near_miss(tag, known) for tag in tags if tag not in known]
        containing = [_tags_text(graph.tags) for graph in self.meta_graphs if set(tags) <= set(graph.tags)]
        raise Invalid(
            f"the SavedModel has no graph with the tags {_tags_text(tags)}; it has {', '.join(there)}",
            "source.tags",
            next(filter(None, guesses), "")
            or (f"all tags of a graph have to be named: tags = {containing[0]}" if containing else ""),
        )


def read(folder: Path) -> SavedModelFile:
    """The SavedModel in `folder`.

    Raises:
        Invalid: It is none, it may not be read, or it is damaged; key "source.path".
    """
    file = file_in(folder)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Invalid(f"cannot read '{file.name}': {error.strerror}", _KEY) from error
    saved = parse(data)
    if not saved.meta_graphs:
        raise Invalid(f"'{FILE}' holds no graph: it is not a SavedModel, or it is damaged", _KEY, EXPORT)
    return saved


def parse(data: bytes) -> SavedModelFile:
    """The bytes of a saved_model.pb.

    Raises:
        Invalid: They are damaged; key "source.path".
    """
    try:
        version = wire.number(data, 1)
        return SavedModelFile(version, tuple(_meta_graph(m) for m in wire.messages(data, 2)))
    except wire.DamagedError as error:
        raise _damaged(error) from error


def choose(meta: MetaGraph, signatures: Sequence[str] | None) -> tuple[str, ...]:
    """The signatures to convert: those named, or all that are not TensorFlow's own, in alphabetical order.

    Raises:
        Invalid: There is none, or no such one, or it takes or gives what a .tflite file cannot hold.
    """
    there = tuple(s.name for s in meta.signatures)
    if not there:
        raise Invalid(
            "the SavedModel has no signature, so nothing says what its inputs and outputs are",
            _KEY,
            "save it with tf.saved_model.save(model, folder, signatures={'serving_default': FUNCTION}), "
            'or use format = "function"',
        )
    for name in signatures or ():
        if name not in there:
            raise Invalid(
                f"the SavedModel has no signature '{name}'; it has {quoted(there)}",
                "source.signatures",
                near_miss(name, there),
            )
    chosen = tuple(n for n in there if not signatures or n in signatures)
    for name in chosen:
        signature = meta.signature(name)
        for tensor in (*signature.inputs, *signature.outputs):
            _check_tensor(tensor, name)
    return chosen


def _check_tensor(info: TensorInfo, signature: str) -> None:
    if not info.tensor:
        raise Invalid(
            f"'{info.name}' of the signature '{signature}' is a sparse or ragged tensor, which a .tflite file cannot hold",
            _KEY,
            "give the model a dense tensor: tf.sparse.to_dense, or RaggedTensor.to_tensor",
        )
    check_dtype(TensorSpec(info.name, (), info.dtype), signature, _KEY)


def interface(meta: MetaGraph, signatures: Sequence[str]) -> Interface:
    """The signatures as the file states them; an open first dimension is 1, others are called after their place.

    An input or output of unknown rank has one dimension with a name.
    """

    def tensor(info: TensorInfo) -> TensorSpec:
        if info.shape is None:
            return TensorSpec(info.name, ("n",), info.dtype)
        names = dimension_names(len(info.shape))
        dims = ((names[i] if i else 1) if d is None else d for i, d in enumerate(info.shape))
        return TensorSpec(info.name, tuple(dims), info.dtype)

    def signature(name: str) -> SignatureSpec:
        stated = meta.signature(name)
        return SignatureSpec(name, tuple(map(tensor, stated.inputs)), tuple(map(tensor, stated.outputs)))

    return Interface(tuple(map(signature, signatures)))


def _damaged(error: Exception) -> Invalid:
    return Invalid(f"'{FILE}' is damaged: {error}", _KEY, EXPORT)


def _tags_text(tags: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{tag}"' for tag in sorted(tags)) + "]"


def _meta_graph(data: memoryview) -> MetaGraph:
    info, saver = wire.message(data, 1), wire.message(data, 3)
    signatures: list[Signature] = []
    init = ""
    for name, definition in wire.map_entries(data, 5):
        if not name.startswith(PRIVATE):
            signatures.append(_signature(name, definition))
        elif name == PRIVATE + "init_op":
            init = next((node_name(o.tensor) for o in _tensors(definition, 2)), "")
    for name, collection in wire.map_entries(data, 4):
        # How TensorFlow 1 names the node: "legacy_init_op" until 1.12, "saved_model_main_op" since.
        if name in ("saved_model_main_op", "legacy_init_op") and not init:
            init = next((wire.string(v) for v in wire.messages(wire.message(collection, 1), 1)), "")
    return MetaGraph(
        tags=tuple(sorted(wire.string(tag) for tag in wire.messages(info, 4))),
        tensorflow_version=wire.text(info, 5),
        signatures=tuple(sorted(signatures, key=lambda s: s.name)),
        assets=tuple(wire.text(asset, 2) for asset in wire.messages(data, 6)),
        restore=node_name(wire.text(saver, 3)),
        init=node_name(init),
        _graph=wire.message(data, 2),
    )


def _signature(name: str, data: memoryview) -> Signature:
    return Signature(name, tuple(_tensors(data, 1)), tuple(_tensors(data, 2)))


def _tensors(data: memoryview, number: int) -> list[TensorInfo]:
    found = [
        TensorInfo(
            name,
            wire.text(info, 1),
            tf_dtypes.NAMES.get(dtype := wire.number(info, 2), f"type {dtype}"),
            _shape(wire.message(info, 3)),
        )
        for name, info in wire.map_entries(data, number)
    ]
    return sorted(found, key=lambda t: t.name)


def _shape(data: memoryview) -> Shape | None:
    if wire.number(data, 3):
        return None
    sizes = (wire.signed(wire.number(dim, 1)) for dim in wire.messages(data, 2))
    return tuple(None if size < 0 else size for size in sizes)
