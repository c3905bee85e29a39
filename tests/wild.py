"""Files as they are met in the wild and no converter at hand writes them: each field by field, with what it computes."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

from handmade import (
    Fields,
    code,
    floats,
    graph,
    i8,
    i32,
    ints,
    longs,
    model,
    operator,
    options,
    tensor,
    u8,
    u32,
    u64,
    written,
)

IF, WHILE, CALL_ONCE, VAR_HANDLE, FULLY_CONNECTED = 92, 93, 103, 111, 8  # of BuiltinOptions
COMPOSITE = 21  # of BuiltinOptions2


def packed(kind: str, *values: float) -> bytes:
    return struct.pack(f"<{len(values)}{kind}", *values)


def add_constant(more: Fields | None = None, buffer: bytes | Fields = b"", external: int = 0) -> Fields:
    """y = x + c for four numbers; `c` is the buffer."""
    tensors = [
        tensor("x", "float32", [4]),
        tensor("c", "float32", [4], 0 if external else 1, {10: u32(external)} if external else None),
        tensor("y", "float32", [4]),
    ]
    main = graph(tensors, [operator(0, [0, 1], [2], options(11, {}))], [0], [2])
    return model([code("ADD")], [main], [buffer], more)


def loop() -> bytes:
    """while x < 10: if yes: x = x + 1."""
    scalar = "int32"
    main = graph([tensor("x", scalar, [1]), tensor("end", scalar, [1])],
                 [operator(1, [0], [1], options(WHILE, {0: i32(1), 1: i32(2)}))], [0], [1])  # fmt: skip
    cond = graph(
        [tensor("x", scalar, [1]), tensor("ten", scalar, [1], 1), tensor("go", "bool", [1])],
        [operator(2, [0, 1], [2])], [0], [2], "while_cond",
    )  # fmt: skip
    body = graph(
        [tensor("x", scalar, [1]), tensor("yes", "bool", [1], 2), tensor("next", scalar, [1])],
        [operator(3, [1, 0], [2], options(IF, {0: i32(3), 1: i32(4)}))], [0], [2], "while_body",
    )  # fmt: skip
    then = graph(
        [tensor("x", scalar, [1]), tensor("one", scalar, [1], 3), tensor("more", scalar, [1])],
        [operator(0, [0, 1], [2], options(11, {}))], [0], [2], "if_true",
    )  # fmt: skip
    other = graph([tensor("x", scalar, [1])], [], [0], [0], "if_false")
    codes = [code("ADD"), code("WHILE"), code("LESS"), code("IF")]
    return written(model(codes, [main, cond, body, then, other], [packed("i", 10), b"\1", packed("i", 1)]))


def counting(begin: int | None = 3, limit: int = 20, step: int = 1, comparison: str = "LESS") -> bytes:
    """x = x * w for a matrix of 4 by 4, while a counter is below `limit`; without `begin` the counter is an input."""
    row, more = tensor("x", "float32", [1, 4]), tensor("more", "float32", [1, 4])
    counter, next_ = tensor("i", "int32", []), tensor("next", "int32", [])
    first = counter if begin is None else tensor("begin", "int32", [], 1)
    main = graph([first, row, next_, more],
                 [operator(0, [0, 1], [2, 3], options(WHILE, {0: i32(1), 1: i32(2)}))],
                 [0, 1] if begin is None else [1], [3])  # fmt: skip
    cond = graph(
        [counter, row, tensor("limit", "int32", [], 2), tensor("go", "bool", [])],
        [operator(1, [0, 2], [3])], [0, 1], [3], "cond",
    )  # fmt: skip
    body = graph(
        [counter, row, tensor("step", "int32", [], 3), tensor("w", "float32", [4, 4], 4), next_, more],
        [operator(2, [0, 2], [4], options(11, {})), operator(3, [1, 3, -1], [5], options(FULLY_CONNECTED, {}))],
        [0, 1], [4, 5], "body",
    )  # fmt: skip
    codes = [code("WHILE"), code(comparison), code("ADD"), code("FULLY_CONNECTED")]
    stored = [packed("i", begin or 0), packed("i", limit), packed("i", step), packed("f", *range(16))]
    return written(model(codes, [main, cond, body], stored))


def recursive() -> bytes:
    """A loop whose body is the graph that it stands in."""
    main = graph([tensor("x", "int32", [1]), tensor("y", "int32", [1])],
                 [operator(0, [0], [1], options(WHILE, {0: i32(0), 1: i32(0)}))], [0], [1])  # fmt: skip
    return written(model([code("WHILE")], [main]))


def strings() -> bytes:
    """Chooses the second of three words."""
    words = [b"one", b"two", b"three"]
    offsets = [
        20 + sum(map(len, words[:i])) for i in range(4)
    ]  # as the runtime stores them: count, offsets, characters
    stored = packed("i", 3, *offsets) + b"".join(words)
    tensors = [
        tensor("index", "int32", [1]),
        tensor("words", "string", [3], 1),
        tensor("word", "string", [1]),
    ]
    return written(
        model([code("GATHER")], [graph(tensors, [operator(0, [1, 0], [2], options(23, {}))], [0], [2])], [stored])
    )


def sparse() -> bytes:
    """A dense layer whose weights [[1, 0, 0, 2], [0, 3, 0, 0]] are stored row by row without their zeros."""
    rows = {0: i8(0), 1: i32(2)}
    columns = {0: i8(1), 2: u8(1), 3: {0: ints(0, 2, 3)}, 4: u8(1), 5: {0: ints(0, 3, 1)}}
    tensors = [
        tensor("x", "float32", [1, 4]),
        tensor("weights", "float32", [2, 4], 1, {6: {0: ints(0, 1), 2: [rows, columns]}}),
        tensor("y", "float32", [1, 2]),
    ]
    main = graph(tensors, [operator(0, [0, 1, -1], [2], options(FULLY_CONNECTED, {}))], [0], [2])
    return written(model([code("FULLY_CONNECTED", 8)], [main], [packed("f", 1, 2, 3)]))


def small_integers(dtype: str, stored: bytes, scale: float) -> bytes:
    """A dense layer with weights of fewer than eight bits, four to a row."""
    tensors = [
        tensor("x", "float32", [1, 4]),
        tensor("weights", dtype, [2, 4], 1, {4: {2: floats(scale), 3: longs(0)}}),
        tensor("y", "float32", [1, 2]),
    ]
    main = graph(tensors, [operator(0, [0, 1, -1], [2], options(FULLY_CONNECTED, {}))], [0], [2])
    return written(model([code("FULLY_CONNECTED", 10)], [main], [stored]))


def resource() -> bytes:
    """A variable that an own subgraph sets once before the first call."""
    handle = {0: "", 1: "counter"}
    main = graph(
        [tensor("handle", "resource", []), tensor("value", "float32", [2])],
        [
            operator(0, [], [], options(CALL_ONCE, {0: i32(1)})),
            operator(1, [], [0], options(VAR_HANDLE, handle)),
            operator(2, [0], [1]),
        ],
        [],
        [1],
    )
    init = graph(
        [tensor("handle", "resource", []), tensor("start", "float32", [2], 1)],
        [operator(1, [], [0], options(VAR_HANDLE, handle)), operator(3, [0, 1], [])],
        [],
        [],
        "init",
    )
    codes = [code("CALL_ONCE"), code("VAR_HANDLE"), code("READ_VARIABLE"), code("ASSIGN_VARIABLE")]
    return written(model(codes, [main, init], [packed("f", 5, 6)]))


def composite() -> bytes:
    """An operator of StableHLO that stands for a subgraph of others."""
    tensors = [tensor("x", "float32", [4]), tensor("y", "float32", [4])]
    attributes = b"\x00\x00\x01\x00\x00\x24\x01"  # an empty map as a FlexBuffer
    more = {11: u8(COMPOSITE), 12: {0: "example.twice", 1: i32(1), 2: attributes, 4: i32(1)}}
    main = graph(tensors, [operator(1, [0], [1], more)], [0], [1])
    twice = graph(tensors, [operator(0, [0, 0], [1], options(11, {}))], [0], [1], "twice")
    return written(model([code("ADD"), code("STABLEHLO_COMPOSITE")], [main, twice]))


def old_converter() -> bytes:
    """As TensorFlow's converter of 2018 wrote it: no signature, operator codes of a byte, ranges beside uint8 scales."""
    ranges = {0: floats(0.0), 1: floats(2.55), 2: floats(0.01), 3: longs(0)}
    tensors = [tensor("input", "uint8", [4], more={4: ranges}), tensor("output", "uint8", [4], more={4: ranges})]
    relu = {0: i8(21)}
    main = {0: tensors, 1: ints(0), 2: ints(1), 3: [operator(0, [0], [1])]}
    return written({0: u32(3), 1: [relu], 2: [main], 3: "TOCO Converted.", 4: [{}]})


def in_another_file() -> bytes:
    """The constant lies in weights.bin, which the app hands to the runtime."""
    groups = {8: [{0: "weights.bin"}], 9: [{0: u32(7), 1: u32(0), 2: u64(64), 3: u64(16), 4: "raw"}]}
    return written(add_constant(groups, external=7))


def outside(path: Path, at: int) -> None:
    """Write y = x + [1, 2, 3, 4], the constant behind the FlatBuffer at byte `at`, with a hole before it."""
    data = written(add_constant(buffer={1: u64(at), 2: u64(16)}))
    with path.open("wb") as file:
        file.write(data)
        file.seek(at)
        file.write(packed("f", 1, 2, 3, 4))


def blockwise() -> bytes:
    """Each block of two weights has a scale, which a tensor holds."""
    details = {4: u8(2), 5: {0: i32(2), 1: i32(-1), 2: i32(2)}}
    tensors = [
        tensor("x", "float32", [1, 4]),
        tensor("weights", "int4", [2, 4], 1, {4: details}),
        tensor("scales", "float16", [2, 2], 2),
        tensor("y", "float32", [1, 2]),
    ]
    main = graph(tensors, [operator(0, [0, 1, -1], [3], options(FULLY_CONNECTED, {}))], [0], [3])
    return written(model([code("FULLY_CONNECTED", 10)], [main], [b"\x21\x43\x65\x07", packed("e", 1, 1, 1, 1)]))


def described() -> bytes:
    """What its author says of it, as TFLite Metadata, and a zip archive behind it with the names of two classes."""
    image = {0: u8(2), 1: {0: i8(1)}}
    labels = {0: "labels.txt", 1: "one class a line", 2: i8(3)}
    normalized = {0: u8(1), 1: {0: floats(127.5), 1: floats(127.5)}}
    stats = {0: floats(1), 1: floats(-1)}
    inputs = {0: "picture", 1: "what the camera sees", 3: image, 4: [normalized], 5: stats}
    outputs = {0: "classes", 6: [labels]}
    said = {
        0: "Cats",
        1: "Finds cats",
        2: "v2",
        3: [{2: [inputs], 3: [outputs]}],
        4: "An author",
        5: "Apache-2.0",
        7: "1.0.0",
    }
    file = io.BytesIO()
    file.write(
        written(
            model(
                [code("ADD")],
                [
                    graph(
                        [tensor("x", "float32", [4]), tensor("y", "float32", [4])], [operator(0, [0, 0], [1])], [0], [1]
                    )
                ],
                [written(said, b"M001")],
                {6: [{0: "TFLITE_METADATA", 1: u32(1)}]},
            )
        )
    )
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(zipfile.ZipInfo("labels.txt"), "cat\nno cat\n")
    return file.getvalue()


def small() -> dict[str, bytes]:
    """All of them by name, but the one that is over 2 GB."""
    return {
        "loop": loop(),
        "recursive": recursive(),
        "strings": strings(),
        "sparse": sparse(),
        "int4": small_integers("int4", b"\x21\x43\x65\x07", 0.5),
        "int2": small_integers("int2", b"\xe4\x1b", 0.5),
        "resource": resource(),
        "composite": composite(),
        "old-converter": old_converter(),
        "in-another-file": in_another_file(),
        "blockwise": blockwise(),
        "described": described(),
    }
