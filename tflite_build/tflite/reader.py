"""A .tflite file as frozen data: signatures, subgraphs, tensors, operators, buffers.

The file is mapped, not read: weights stay on disk. Every bound is checked. Knows the format (schema.fbs of LiteRT,
file identifier TFL3) and nothing of what operators compute.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tflite_build.errors import Place

from .flatbuffer import FormatError, Table
from .opcodes import BUILTIN_OPERATORS

IDENTIFIER = b"TFL3"
TENSOR_TYPES = (
    "float32",
    "float16",
    "int32",
    "uint8",
    "int64",
    "string",
    "bool",
    "int16",
    "complex64",
    "int8",
    "float64",
    "complex128",
    "uint64",
    "resource",
    "variant",
    "uint32",
    "uint16",
    "int4",
    "bfloat16",
    "int2",
    "uint4",
    "float8_e4m3fn",
    "float8_e5m2",
)
BITS = {
    "float32": 32,
    "float16": 16,
    "int32": 32,
    "uint8": 8,
    "int64": 64,
    "bool": 8,
    "int16": 16,
    "complex64": 64,
    "int8": 8,
    "float64": 64,
    "complex128": 128,
    "uint64": 64,
    "uint32": 32,
    "uint16": 16,
    "int4": 4,
    "bfloat16": 16,
    "int2": 2,
    "uint4": 4,
    "float8_e4m3fn": 8,
    "float8_e5m2": 8,
}
CUSTOM = 32  # BuiltinOperator.CUSTOM
_BLOCKWISE, _MULTI_AXIS = 2, 3  # of the union QuantizationDetails
_INDEX_TYPES = {1: ("i32", 4), 2: ("u16", 2), 3: ("u8", 1)}  # of the union SparseIndexVector
_MOST_WITHOUT_RANK = 65536  # scales of a tensor whose dimensions nobody knows
_MOST_DIMENSIONS = 255  # far more than any operator takes


@dataclass(frozen=True, slots=True)
class Buffer:
    """Where the bytes of a tensor or of metadata lie in the file."""

    offset: int
    size: int
    external: bool = False


@dataclass(frozen=True, slots=True)
class Quantization:
    """Scales and zero points of a tensor: one each, or one each along `axis`.

    Attributes:
        blockwise: Whether each block of `block` numbers has a scale, which the tensor `scales_tensor` holds; -1 is none.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int
    blockwise: bool
    block: int = 0
    scales_tensor: int = -1

    @property
    def per_channel(self) -> bool:
        """Whether there are several scales."""
        return len(self.scales) > 1


@dataclass(frozen=True, slots=True)
class Sparsity:
    """How the values of a sparse tensor are stored: dimension by dimension, in the TACO format of schema.fbs.

    Attributes:
        order: In which order dimensions are stored; those of blocks come after the tensor's own.
        blocks: The tensor's dimension that each block dimension divides.
        dimensions: For each of `order` its size where it is dense, or None where only what is not zero is stored.
    """

    order: tuple[int, ...]
    blocks: tuple[int, ...]
    dimensions: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a subgraph.

    Attributes:
        shape: -1 where a dimension is dynamic; empty for a scalar, and without `has_rank` where the rank is dynamic.
        sparsity: How its values are stored, where `sparse`.
        external: The id of the external buffer that holds its value in another file; 0 for none.
    """

    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    buffer: int
    quantization: Quantization | None
    is_variable: bool
    sparse: bool
    has_rank: bool
    sparsity: Sparsity | None = None
    external: int = 0

    @property
    def known_shape(self) -> tuple[int, ...] | None:
        """`shape`, or None where not even the rank is known."""
        return self.shape if self.shape or self.has_rank else None


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of a subgraph: its code, tensors by index (-1: absent optional input), and its options table.

    Attributes:
        options: The table of the builtin operator's options. Newer operators, StableHLO's among them, have
            theirs in `options2`.
        kinds: Which member of the unions BuiltinOptions and BuiltinOptions2 these tables are; 0 for none.
        custom_options: Where the bytes that a custom operator understands lie.
    """

    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None
    options2: Table | None = None
    kinds: tuple[int, int] = (0, 0)
    custom_options: Buffer | None = None


@dataclass(frozen=True, slots=True)
class OperatorCode:
    """A kind of operator that the file uses. `name` is that of the builtin, or the custom operator's own."""

    name: str
    custom: bool
    version: int

    @property
    def flex(self) -> bool:
        """Whether it is a TensorFlow operator that needs the select kernels."""
        return self.custom and self.name.startswith("Flex")


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A graph of the file. The first is the main one; others are signatures of their own or bodies of control flow."""

    name: str
    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True, slots=True)
class SignatureTensor:
    """A tensor under the name that callers use."""

    name: str
    tensor: Tensor


@dataclass(frozen=True, slots=True)
class Signature:
    """A callable of the file. `name` is "" where the file has no signatures and its first subgraph stands in.

    The tensors stand as in the file, whose order means nothing: see `Model.ordered`.
    """

    name: str
    subgraph: int
    inputs: tuple[SignatureTensor, ...]
    outputs: tuple[SignatureTensor, ...]


@dataclass(frozen=True, slots=True)
class ExternalBuffer:
    """Where the value of a tensor lies in another file, which the app hands to the runtime beside this one."""

    id: int
    file: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Model:
    """A whole file."""

    size: int
    version: int
    description: str
    codes: tuple[OperatorCode, ...]
    subgraphs: tuple[Subgraph, ...]
    buffers: tuple[Buffer, ...]
    signatures: tuple[Signature, ...]
    metadata: tuple[tuple[str, int], ...]
    min_runtime_version: str
    has_signatures: bool
    external: tuple[ExternalBuffer, ...] = ()

    def ordered(self, signature: Signature) -> Signature:
        """The signature with its tensors in the order of its subgraph's own inputs and outputs."""

        def by_place(tensors: tuple[SignatureTensor, ...], order: tuple[int, ...]) -> tuple[SignatureTensor, ...]:
            if len(tensors) < 2:
                return tensors
            place = {tensor: i for i, tensor in enumerate(order)}
            return tuple(sorted(tensors, key=lambda t: (place.get(t.tensor.index, len(place)), t.name)))

        subgraph = self.subgraphs[signature.subgraph]
        inputs, outputs = by_place(signature.inputs, subgraph.inputs), by_place(signature.outputs, subgraph.outputs)
        return Signature(signature.name, signature.subgraph, inputs, outputs)

    def metadata_buffer(self, name: str) -> int | None:
        """The number of the buffer of the metadata called `name`; None where the file lacks one of the two."""
        there = range(1, len(self.buffers))  # 0 is the empty one
        return next((buffer for own, buffer in self.metadata if own == name and buffer in there), None)

    @property
    def external_buffers(self) -> bool:
        """Whether buffers lie behind the FlatBuffer, as in files over 2 GB."""
        return any(b.external for b in self.buffers)


@dataclass(frozen=True, slots=True)
class Contents:
    """A whole file with its bytes: what its tensors and options hold."""

    data: memoryview
    model: Model

    def name(self, operator: Operator) -> str:
        """What kind of operator it is."""
        return self.model.codes[operator.code].name

    def stored(self, tensor: Tensor) -> memoryview:
        """The value of a tensor as the file has it; empty where it has none."""
        buffers = self.model.buffers
        return self.bytes(buffers[tensor.buffer]) if tensor.buffer < len(buffers) else self.data[:0]

    def bytes(self, buffer: Buffer) -> memoryview:
        """What lies in a buffer."""
        return self.data[buffer.offset : buffer.offset + buffer.size]


@contextmanager
def opened(path: Path) -> Iterator[memoryview]:
    """The bytes of the file at `path`, mapped.

    Raises:
        FormatError: If it cannot be read or is empty.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise FormatError(f"cannot read '{path.name}': {error.strerror}") from None
    with file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (ValueError, OSError):
            raise FormatError(f"'{path.name}' is empty or no ordinary file") from None
        view = memoryview(mapped)
        try:
            yield view
        finally:
            view.release()
            mapped.close()


@contextmanager
def model(path: Path) -> Iterator[Model]:
    """The model in the file at `path`; options tables of its operators are valid inside the `with` block.

    Raises:
        FormatError: If it cannot be read, or is no whole .tflite file.
    """
    with opened(path) as data:
        try:
            found = parse(data)
        except FormatError as error:
            raise FormatError(error.problems[0].message, Place(path)) from None
        yield found


def parse(data: memoryview) -> Model:
    """The model in `data`.

    Raises:
        FormatError: If it is no whole .tflite file.
    """
    if len(data) < 8:
        raise FormatError(f"not a .tflite file: it ends after {len(data)} of the 8 bytes that begin one")
    identifier = bytes(data[4:8])
    if identifier != IDENTIFIER:
        raise FormatError(f"not a .tflite file: bytes 4 to 8 are {identifier!r}, not {IDENTIFIER!r}{_guess(data)}")
    root = Table.root(data)
    codes = tuple(_code(t) for t in root.tables(1))
    buffers = tuple(_buffer(t, len(data)) for t in root.tables(4))
    subgraphs = tuple(_subgraph(t, len(codes), len(buffers)) for t in root.separate_tables(2))
    if not subgraphs:
        raise FormatError("the file has no graph")
    signatures = tuple(_signature(t, subgraphs) for t in root.tables(7))
    metadata = tuple((t.string(0) or "", t.scalar(1, "u32")) for t in root.tables(6))
    return Model(
        len(data),
        root.scalar(0, "u32"),
        root.string(3) or "",
        codes,
        subgraphs,
        buffers,
        signatures or (_nameless(subgraphs[0]),),
        metadata,
        _min_runtime(data, metadata, buffers),
        bool(signatures),
        _external(root),
    )


def _external(root: Table) -> tuple[ExternalBuffer, ...]:
    files = [t.string(0) or "" for t in root.tables(8)]
    found = []
    for t in root.tables(9):
        group = t.scalar(1, "u32")
        if group >= len(files):
            raise FormatError(f"the file is damaged: external file {group} is named, and there are {len(files)}")
        found.append(ExternalBuffer(t.scalar(0, "u32"), files[group], t.scalar(2, "u64"), t.scalar(3, "u64")))
    return tuple(found)


def _guess(data: memoryview) -> str:
    head = bytes(data[:8])
    if head.startswith(b"PK"):
        return "; it looks like a .keras file or another zip archive"
    if head.startswith(b"\x89HDF"):
        return "; it looks like an HDF5 file (.h5)"
    return ""


def _code(table: Table) -> OperatorCode:
    code = max(table.scalar(0, "i8"), table.scalar(3, "i32"))
    custom = code == CUSTOM
    name = (table.string(1) or "") if custom else BUILTIN_OPERATORS[code] if 0 <= code < len(BUILTIN_OPERATORS) else ""
    return OperatorCode(name or f"BUILTIN_{code}", custom, table.scalar(2, "i32", 1))


def _buffer(table: Table, size: int) -> Buffer:
    return _outside(table, 1, size, "a buffer") or Buffer(*table.span(0))


def _outside(table: Table, number: int, size: int, what: str) -> Buffer | None:
    """What the offset in a field and the length in the next one say; None where the bytes are inside."""
    offset, length = table.scalar(number, "u64"), table.scalar(number + 1, "u64")
    if offset <= 1:
        return None
    if offset + length > size:
        raise FormatError(f"the file is damaged or cut off: {what} ends at byte {offset + length} of {size}")
    return Buffer(offset, length, True)


def _subgraph(table: Table, codes: int, buffers: int) -> Subgraph:
    tensors = tuple(_tensor(i, t, buffers) for i, t in enumerate(table.separate_tables(0)))
    count = len(tensors)
    operators = []
    for t in table.separate_tables(3):
        code = t.scalar(0, "u32")
        if code >= codes:
            raise FormatError(f"the file is damaged: operator code {code} is named, and there are {codes}")
        custom = _outside(t, 9, len(table.data), "the options of an operator") or Buffer(*t.span(5))
        operators.append(
            Operator(
                code,
                t.indices(1, count, -1, "tensor"),
                t.indices(2, count, -1, "tensor"),
                t.table(4),
                t.table(12),
                (t.scalar(3, "u8"), t.scalar(11, "u8")),
                custom if custom.size else None,
            )
        )
    return Subgraph(
        table.string(4) or "",
        tensors,
        table.indices(1, count, 0, "tensor"),
        table.indices(2, count, 0, "tensor"),
        tuple(operators),
    )


def _tensor(index: int, table: Table, buffers: int) -> Tensor:
    kind = table.scalar(1, "i8")
    dtype = TENSOR_TYPES[kind] if 0 <= kind < len(TENSOR_TYPES) else f"type{kind}"
    buffer = table.scalar(2, "u32")
    if buffer >= max(1, buffers):
        raise FormatError(f"the file is damaged: buffer {buffer} is named, and there are {buffers}")
    open_, fixed = (table.integers(number, most=_MOST_DIMENSIONS) for number in (7, 0))
    shape = open_ or fixed
    sparsity = _sparsity(table.table(6))
    return Tensor(
        index,
        table.string(3) or "",
        dtype,
        shape,
        buffer,
        _quantization(table.table(4), (*open_, *fixed)),
        bool(table.scalar(5, "u8")),
        sparsity is not None,
        bool(table.scalar(8, "u8")),
        sparsity,
        table.scalar(10, "u32"),
    )


def _quantization(table: Table | None, sizes: tuple[int, ...]) -> Quantization | None:
    if table is None:
        return None
    details = table.scalar(4, "u8")
    blocks = table.table(5) if details in (_BLOCKWISE, _MULTI_AXIS) else None
    # Runtimes take one scale, or as many as a dimension is long; a damaged length is found before it takes memory.
    most = max(1, *sizes) if sizes else _MOST_WITHOUT_RANK
    scales = table.scalars(2, "f32", most)
    axis = table.scalar(6, "i32")
    if blocks is not None:
        return Quantization(scales, (), axis, True, blocks.scalar(2, "i32"), blocks.scalar(0, "i32"))
    return Quantization(scales, table.integers(3, "i64", most), axis, False) if scales else None


def _sparsity(table: Table | None) -> Sparsity | None:
    if table is None:
        return None
    most = 2 * _MOST_DIMENSIONS
    order, blocks = table.integers(0, most=most), table.integers(1, most=most)
    return Sparsity(order, blocks, tuple(_dimension(t) for t in table.tables(2)))


def _dimension(table: Table) -> int | None:
    if table.scalar(0, "i8") == 0:
        return table.scalar(1, "i32")
    for kind, vector in ((2, 3), (4, 5)):  # where what is not zero stands: looked at, and not kept
        which = _INDEX_TYPES.get(table.scalar(kind, "u8"))
        stored = table.table(vector)
        if which and stored is not None:
            stored.extent(0, which[1])
    return None


def _signature(table: Table, subgraphs: tuple[Subgraph, ...]) -> Signature:
    index = table.scalar(4, "u32")
    if index >= len(subgraphs):
        raise FormatError(f"the file is damaged: subgraph {index} is named, and there are {len(subgraphs)}")
    tensors = subgraphs[index].tensors

    def mapped(number: int) -> tuple[SignatureTensor, ...]:
        found = []
        for t in table.tables(number):
            which = t.scalar(1, "u32")
            if which >= len(tensors):
                raise FormatError(f"the file is damaged: tensor {which} is named, and there are {len(tensors)}")
            found.append(SignatureTensor(t.string(0) or "", tensors[which]))
        return tuple(found)

    return Signature(table.string(2) or "", index, mapped(0), mapped(1))


def _nameless(graph: Subgraph) -> Signature:
    def tensors(indices: tuple[int, ...]) -> tuple[SignatureTensor, ...]:
        return tuple(SignatureTensor(graph.tensors[i].name, graph.tensors[i]) for i in indices)

    return Signature("", 0, tensors(graph.inputs), tensors(graph.outputs))


def _min_runtime(data: memoryview, metadata: tuple[tuple[str, int], ...], buffers: tuple[Buffer, ...]) -> str:
    for name, buffer in metadata:
        if name == "min_runtime_version" and buffer < len(buffers):
            b = buffers[buffer]
            return bytes(data[b.offset : b.offset + min(b.size, 64)]).split(b"\0")[0].decode("ascii", "replace")
    return ""
