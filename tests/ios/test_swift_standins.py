"""Stand-ins of Google's Swift packages: they declare what the real ones do, compute what the runtime computes, and refuse
what it refuses."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import swift_api
import swift_bed
from harness import python_answers
from swift_bed import OVER_STAND_INS, Swift

HERE = Path(__file__).parent
PACKAGES = HERE / "packages"
MODELS = HERE.parent / "fixtures" / "tflite"
# What stands in a stand-in, and a slip that would let code compile that the real module refuses, or the other way round.
SLIPS = [
    ("LiteRT", "public func write<T>(_ data: [T])", "public func write<T>(data: [T])"),
    ("LiteRT", "inputIndex: Int,\n        signatureIndex: Int = 0", "inputIndex: Int,\n        signatureIndex: Int"),
    ("LiteRT", "public func isFullyAccelerated() throws", "public func isFullyAccelerated()"),
    ("LiteRT", "public let options: Options?", "public let options: Options"),
    ("LiteRT", "public let options: Options?", "public var options: Options?"),
    ("LiteRT", "public func clearErrors", "func clearErrors"),
    ("LiteRT", "    case wrongVersion\n", "    case wrongVersion, worseVersion\n"),
    ("LiteRT", "case npu = 4", "case npu = 3"),
    ("LiteRT", "public final class Environment", "public final class Environment: Sendable"),
    ("LiteRT", "public init?(cType: LiteRtElementType)", "public init(cType: LiteRtElementType)"),
    ("TensorFlowLite", "    @discardableResult\n", ""),
    ("TensorFlowLite", "case uInt8\n", "case uInt8\n        case int8\n"),
    ("TensorFlowLite", "public private(set) var cDelegate", "public var cDelegate"),
    ("TensorFlowLite", "public var isQuantizationEnabled = true", "public var isQuantizationEnabled = false"),
    ("TensorFlowLite", "extension SignatureRunnerError: LocalizedError", "extension SignatureRunnerError"),
    ("TensorFlowLite", "var cDelegate: CDelegate { get }", "var cDelegate: CDelegate { get set }"),
    ("TensorFlowLite", "    public init() {}\n", ""),
]
SOURCE = """
import Foundation
/* A comment with { and
   public func none() */
@available(*, deprecated, renamed: "New")
public typealias Old = New  // public var none: Int

public struct New<
    Value
>: Equatable {
    public var a, b: Int
    public internal(set) var name = "a \\("}") // \\(["}": 1]["}"] ?? 0)"
    public var both: Int {
        get { names.set() }
        set(value) {}
    }
    var hidden: Int { 1 }
    private enum Hidden { case one; public static let none = 1 }
    public static func make(
        _ value: Value, then: @escaping (Int) -> Void = { _ in },
        rest: Int...
    ) async throws
        -> [String: Value]? where Value: Hashable
    {
        struct Inner { public let none: Int }
        return nil
    }
    public indirect enum Kind: Int { case one = 1, two(Int, of: [Int]); case three }
}
extension New.Kind { public init?() { nil }; func hidden() {} }
public extension New { func shown() {} }
extension String { init(hidden: Int) { self = "" } }
public protocol Shape: AnyObject { associatedtype Size; func area(of: Size) -> Int; var size: Size { get } }
"""
DECLARED = [
    '@available(*, deprecated, renamed: "New") typealias Old = New',
    "struct New<Value>: Equatable",
    "New.var a, b: Int { get set }",
    'New.var name = "a \\("}") // \\(["}": 1]["}"] ?? 0)" { get }',
    "New.var both: Int { get set }",
    "New.static func make(_ value: Value, then: @escaping (Int) -> Void = { _ in }, rest: Int...) async throws"
    " -> [String: Value]? where Value: Hashable",
    "New.indirect enum Kind: Int",
    "New.Kind.case one = 1",
    "New.Kind.case two(Int, of: [Int])",
    "New.Kind.case three",
    "New.Kind.init?()",
    "New.func shown()",
    "protocol Shape: AnyObject",
    "Shape.associatedtype Size",
    "Shape.func area(of: Size) -> Int",
    "Shape.var size: Size { get }",
]


def listed(module: str) -> list[str]:
    lines = (HERE / "api" / f"{module}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def sources(module: str) -> Path:
    return PACKAGES / module / "Sources" / module


@pytest.mark.parametrize("module", ["LiteRT", "TensorFlowLite"])
def test_declarations_are_those_of_the_real_module(module: str) -> None:
    assert swift_api.of_folder(sources(module)) == listed(module)


@pytest.mark.parametrize(("module", "stands", "slip"), SLIPS)
def test_a_slip_is_seen(module: str, stands: str, slip: str) -> None:
    texts = [file.read_text("utf-8") for file in sources(module).glob("*.swift")]
    changed = [text.replace(stands, slip, 1) for text in texts]
    assert changed != texts
    found = sorted(line for text in changed for line in swift_api.declarations(text))
    assert found != listed(module)


def test_declarations_of_a_source() -> None:
    assert swift_api.declarations(SOURCE) == DECLARED


@pytest.mark.parametrize("source", ["public operator class +", "public struct A {", "}", 'let a = "b', "let a = ("])
def test_what_is_not_known_is_refused(source: str) -> None:
    with pytest.raises(swift_api.UnknownSwiftError):
        swift_api.declarations(source)


@dataclass(frozen=True)
class Programs:
    """The programs of packages/Programs, and what their processes have around them."""

    folder: Path
    env: Mapping[str, str]

    def compiled(self, model: str | Path, lines: Sequence[str], accelerators: str = "cpu", **env: str) -> list[str]:
        return self._run("Compiled", model, accelerators, lines, env)

    def python_answers(self, model: str | Path, lines: Sequence[str], delegate: str = "-", **env: str) -> list[str]:
        return self._run("Interpreted", model, delegate, lines, env)

    def _run(
        self, name: str, model: str | Path, argument: str, lines: Sequence[str], env: Mapping[str, str]
    ) -> list[str]:
        file = MODELS / f"{model}.tflite" if isinstance(model, str) else model
        done = self.process(name, file, argument, lines, env)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def process(
        self, name: str, file: Path, argument: str, lines: Sequence[str], env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / name, file, argument],
            input="".join(f"{line}\n" for line in lines),
            env={**os.environ, **self.env, **env},
            capture_output=True,
            text=True,
            timeout=120,
        )


@pytest.fixture(scope="module")
def programs(swift: Swift, python_of: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Programs:
    if not OVER_STAND_INS:
        pytest.skip("the stand-ins are for Linux")
    compiler = swift_bed.find()
    assert compiler is not None
    python = python_of("core")
    (library,) = (python.parent.parent / "lib").glob("python*/site-packages/ai_edge_litert/libLiteRt.so")
    scratch = tmp_path_factory.mktemp("programs")
    command: list[str | Path] = [
        *(compiler.with_name("swift"), "build", "--package-path", PACKAGES / "Programs", "--scratch-path", scratch),
        *("-Xlinker", f"-L{library.parent}", "-Xlinker", "-rpath", "-Xlinker", library.parent),
        *("-Xswiftc", "-warnings-as-errors"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    engine = PACKAGES / "TensorFlowLite" / "engine.py"
    return Programs(scratch / "debug", {"TESTBED_PYTHON": str(python), "TESTBED_ENGINE": str(engine)})


Call = Mapping[str, Any]
Reference = Callable[[str, Sequence[Call]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def reference(python_of: Callable[[str], Path]) -> Reference:
    """What the runtime's Python interpreter computes."""

    def of(model: str, calls: Sequence[Call]) -> list[dict[str, Any]]:
        return python_answers(python_of("core"), MODELS / f"{model}.tflite", calls)

    return of


IMAGE = (1, 8, 8, 2)
INTEGERS: dict[str, Any] = {"int8": np.int8, "int16": np.int16}


def images(kind: str, count: int = 3) -> list[Any]:
    random = np.random.default_rng(20)
    if kind == "float":
        return [random.normal(size=IMAGE).astype(np.float32) for _ in range(count)]
    limits = np.iinfo(INTEGERS[kind])
    return [random.integers(limits.min, limits.max, IMAGE, INTEGERS[kind], endpoint=True) for _ in range(count)]


def numbers(array: Any) -> str:
    return ",".join(str(value) for value in np.asarray(array).ravel().tolist())


def assert_same(text: str, expected: Any) -> None:
    """Text of numbers is what was computed, to the bit."""
    found = np.array(text.split(","), np.float32)  # which holds all of the integers too
    np.testing.assert_array_equal(found, np.asarray(expected, np.float32).ravel())


@pytest.mark.parametrize(
    ("model", "kind", "signature"),
    [
        ("float32", "float", "classify"),
        ("dynamic-int8", "float", "classify"),
        ("int8", "int8", "classify"),
        ("int16x8", "int16", "classify"),
        ("no-signature", "float", None),
    ],
)
def test_compiled_model_computes(
    programs: Programs, reference: Reference, model: str, kind: str, signature: str | None
) -> None:
    values = images(kind)
    name = "image" if signature else "classify_image"
    expected = reference(model, [{"signature": signature, "inputs": {name: value}} for value in values])
    found = programs.compiled(model, [f"run 0 {kind} {numbers(value)}" for value in values])
    for line, answer in zip(found, expected, strict=True):
        (only,) = answer.values()
        assert_same(line, only)


def test_compiled_model_has_the_order_of_the_subgraph(programs: Programs, reference: Reference) -> None:
    one, other, factor = [0.5, -2.0, 3.25, 7.0], [1.5, 2.5, -3.5, 0.125], 3.0
    lines = ["signatures", f"run 0 float {numbers(one)};{numbers(other)}", f"run 1 float {numbers(one)};{factor}"]
    signatures, added, scaled = programs.compiled("two-signatures", lines)
    assert signatures == (
        "add(left:float32[4], right:float32[4]) -> sum; scale(values:float32[4], factor:float32[]) -> scaled"
    )
    expected = reference(
        "two-signatures",
        [
            {"signature": "add", "inputs": {"left": one, "right": other}},
            {"signature": "scale", "inputs": {"values": one, "factor": factor}},
        ],
    )
    assert_same(added, expected[0]["sum"])
    assert_same(scaled, expected[1]["scaled"])


def test_compiled_model_of_another_shape(programs: Programs, reference: Reference) -> None:
    random = np.random.default_rng(22)
    values = [random.normal(size=(rows, 8)).astype(np.float32) for rows in (1, 3, 7, 2)]
    found = programs.compiled("dynamic-shape", [f"resized {numbers(value)}" for value in values])
    expected = reference("dynamic-shape", [{"signature": "serving_default", "inputs": {"rows": v}} for v in values])
    for line, answer in zip(found, expected, strict=True):
        assert_same(line, answer["scores"])


def test_compiled_model_refuses_what_the_real_one_refuses(programs: Programs, tmp_path: Path) -> None:
    calls = {
        "write 2": "16 [4]",  # too little is taken; a read gives as many elements as fit, of any type
        "write 4": "16 [4]",
        "write 5": "error: Invalid argument",
        "run-without": "error: Runtime failure",
        "run 2 float 1": "error: Index out of bounds",
        "resize 5": "error: Invalid argument",
        "of-data": "add,scale",
        "signatures": "add(left:float32[4], right:float32[4]) -> sum; scale(values:float32[4], factor:float32[]) -> scaled",
    }
    assert dict(zip(calls, programs.compiled("two-signatures", list(calls)), strict=True)) == calls
    # Buffers are made for the sizes in the file, of which one is not known.
    assert programs.compiled("dynamic-shape", ["resized-and-made", "write 8"]) == ["error: Runtime failure"] * 2
    assert programs.compiled(tmp_path / "none.tflite", []) == ["error: File I/O error"]
    assert programs.compiled("variable", []) == ["error: Unsupported operation"]
    assert programs.compiled("float32", [], TESTBED_LITERT="failing") == ["error: Runtime failure"]


@pytest.mark.parametrize(
    ("state", "accelerators", "answers", "ran_on"),
    [
        ("absent", "gpu", ["error: Compilation error"], []),
        ("absent", "gpu,cpu", ["true false", "[1, 2]"], ["LiteRT cpu"]),
        ("absent", "cpu", ["true false", "[1]"], ["LiteRT cpu"]),
        ("present", "gpu", ["true true", "[2]"], ["LiteRT gpu"]),
        ("present", "gpu,cpu", ["true true", "[1, 2]"], ["LiteRT gpu"]),
        ("present", "cpu", ["true false", "[1]"], ["LiteRT cpu"]),
        ("present", "npu", ["true false", "[4]"], ["LiteRT npu"]),
        ("failing", "gpu", ["error: Compilation error"], []),
        ("failing", "npu,gpu,cpu", ["error: Compilation error"], []),
        ("failing", "cpu", ["true false", "[1]"], ["LiteRT cpu"]),
    ],
)
def test_accelerators_of_the_device(
    programs: Programs, tmp_path: Path, state: str, accelerators: str, answers: list[str], ran_on: list[str]
) -> None:
    log = tmp_path / "log"
    log.touch()
    env = {"TESTBED_GPU": state, "TESTBED_NPU": state, "TESTBED_LOG": str(log)}
    assert programs.compiled("float32", ["accelerated", "options"], accelerators, **env) == answers
    assert log.read_text("utf-8").splitlines() == ran_on


def test_an_accelerator_alone_takes_all_of_a_model(programs: Programs) -> None:
    """Of int16x8 the CPU's own delegate does not take all."""
    assert programs.compiled("int16x8", ["accelerated"]) == ["false false"]
    assert programs.compiled("int16x8", ["accelerated"], "gpu", TESTBED_GPU="present") == ["true true"]


def test_compiled_models_of_several_threads(programs: Programs, reference: Reference) -> None:
    one, other = [0.5, -2.0, 3.25, 7.0], [1.5, 2.5, -3.5, 0.125]
    (found,) = programs.compiled("two-signatures", [f"threads {numbers(one)};{numbers(other)}"])
    expected = reference("two-signatures", [{"signature": "add", "inputs": {"left": one, "right": other}}])
    assert_same(found, expected[0]["sum"])


@dataclass(frozen=True)
class Described:
    """A tensor as the program prints it."""

    name: str
    type: str
    shape: str
    quantization: str
    values: str


def described(line: str) -> Described:
    return Described(*line.split(" "))


@pytest.mark.parametrize(
    ("model", "kind", "type_", "quantized"),
    [("float32", "float", "float32", "- -"), ("int16x8", "int16", "int16", "7.808994e-05/0 3.0517578e-05/0")],
)
@pytest.mark.parametrize("by_signature", [True, False])
def test_interpreter_computes(
    programs: Programs, reference: Reference, model: str, kind: str, type_: str, quantized: str, by_signature: bool
) -> None:
    values = images(kind)
    lines = ["runner classify"] if by_signature else ["allocate"]
    for value in values:
        lines += (
            [f"runner-invoke classify image={kind}={numbers(value)}", "runner-input classify image"]
            if by_signature
            else [f"copy 0 {kind} {numbers(value)}", "invoke"]
        )
        lines.append("runner-output classify probabilities" if by_signature else "output 0")
    found = programs.python_answers(model, lines, "xnnpack")
    expected = reference(model, [{"signature": "classify", "inputs": {"image": value}} for value in values])
    inputs, outputs = (found[2::3], found[3::3]) if by_signature else (found[1::3], found[3::3])
    scales = quantized.split(" ")
    for given, taken, value, answer in zip(inputs, outputs, values, expected, strict=True):
        copied, computed = described(given), described(taken)
        assert (copied.name, copied.type, copied.shape) == ("classify_image", type_, "1,8,8,2")
        assert (computed.name, computed.type, computed.shape) == ("classify_probabilities_output", type_, "1,6")
        assert [copied.quantization, computed.quantization] == scales
        assert_same(copied.values, value)
        assert_same(computed.values, answer["probabilities"])


def test_xnnpack_is_used_where_it_is_asked_for(programs: Programs, reference: Reference) -> None:
    """Of a file with dynamic quantization it computes other numbers than the runtime's own kernels."""
    (value,) = images("float", 1)
    lines = ["allocate", f"copy 0 float {numbers(value)}", "invoke", "output 0"]
    (expected,) = reference("dynamic-int8", [{"signature": "classify", "inputs": {"image": value}}])
    assert_same(
        described(programs.python_answers("dynamic-int8", lines, "xnnpack")[3]).values, expected["probabilities"]
    )
    without = np.array(described(programs.python_answers("dynamic-int8", lines)[3]).values.split(","), np.float32)
    difference = np.abs(without - np.ravel(expected["probabilities"])).max()
    assert 0 < difference < 0.01


def test_signatures_of_an_interpreter(programs: Programs, reference: Reference) -> None:
    one, other, factor = [0.5, -2.0, 3.25, 7.0], [1.5, 2.5, -3.5, 0.125], 3.0
    lines = [
        *("counts", "runner add", "runner scale"),
        f"runner-invoke add left=float={numbers(one)};right=float={numbers(other)}",
        f"runner-invoke scale values=float={numbers(one)};factor=float={factor}",
        *("runner-output add sum", "runner-output scale scaled"),
        # What is not given stays what it was.
        *(f"runner-invoke add left=float={numbers(other)}", "runner-output add sum"),
    ]
    found = programs.python_answers("two-signatures", lines)
    # Names by the alphabet, and tensors in the order of the file.
    assert found[:3] == ["2 1 add,scale", 'add: ["left", "right"] ["sum"]', 'scale: ["factor", "values"] ["scaled"]']
    calls = [
        {"signature": "add", "inputs": {"left": one, "right": other}},
        {"signature": "scale", "inputs": {"values": one, "factor": factor}},
        {"signature": "add", "inputs": {"left": other, "right": other}},
    ]
    added, scaled, again = reference("two-signatures", calls)
    assert_same(described(found[5]).values, added["sum"])
    assert_same(described(found[6]).values, scaled["scaled"])
    assert_same(described(found[8]).values, again["sum"])


def test_interpreter_of_another_shape(programs: Programs, reference: Reference) -> None:
    random = np.random.default_rng(22)
    values = [random.normal(size=(rows, 8)).astype(np.float32) for rows in (1, 3, 7, 2)]
    lines, signed = [], ["runner serving_default"]
    for value in values:
        sizes, text = ",".join(map(str, value.shape)), f"float {numbers(value)}"
        lines += [f"resize 0 {sizes}", "allocate", f"copy 0 {text}", "output 0", "invoke", "output 0"]
        signed += [
            f"runner-resize serving_default rows {sizes}",
            f"runner-invoke serving_default rows={text.replace(' ', '=')}",
            "runner-output serving_default scores",
        ]
    expected = reference("dynamic-shape", [{"signature": "serving_default", "inputs": {"rows": v}} for v in values])
    found = programs.python_answers("dynamic-shape", lines)
    assert found[3] == "error: Must call invoke()."  # the shape is not known before
    for answers in (found[5::6], programs.python_answers("dynamic-shape", signed)[3::3]):
        for line, value, answer in zip(answers, values, expected, strict=True):
            assert described(line).shape == f"{len(value)},6"
            values_of = np.array(described(line).values.split(","), np.float32)
            np.testing.assert_allclose(values_of, np.ravel(answer["scores"]), rtol=1e-5, atol=1e-6)
    # As the XNNPACK of its time does.
    assert "Failed to create the interpreter" in programs.python_answers("dynamic-shape", ["allocate"], "xnnpack")[0]


def test_variables_last_as_long_as_their_interpreter(programs: Programs, reference: Reference) -> None:
    values = [[value, 2.0, -1.0] for value in (1.0, 4.0, 0.5)]
    lines = ["allocate"]
    for value in values:
        lines += [f"copy 0 float {numbers(value)}", "invoke", "output 0"]
    expected = reference("variable", [{"signature": None, "inputs": {"samples": [value]}} for value in values])
    for _ in range(2):
        found = programs.python_answers("variable", lines)[3::3]
        for line, answer in zip(found, expected, strict=True):
            assert_same(described(line).values, answer["filtered"])


def test_interpreter_refuses_what_the_real_one_refuses(programs: Programs, tmp_path: Path) -> None:
    calls = [
        ("input 0", "error: Must call allocateTensors()."),
        ("invoke", "error: Must call allocateTensors()."),
        ("allocate", "done"),
        ("copy 0 float 1,2,3", "error: Provided data count 12 must match the required count 16."),
        ("copy 2 float 1", "error: Invalid tensor index 2, max index is 1."),
        ("input -1", "error: Invalid tensor index -1, max index is 1."),
        ("output 1", "error: Invalid tensor index 1, max index is 0."),
        ("resize 0 2,4", "done"),
        ("invoke", "error: Must call allocateTensors()."),
        ("input 0", "error: Must call allocateTensors()."),
        ("resize 0 3", "done"),
        ("allocate", "error: Failed to allocate memory for input tensors."),
        ("runner none", "error: Failed to create a signature runner. Signature with key (none) not found."),
    ]
    found = programs.python_answers("two-signatures", [call for call, _ in calls])
    assert list(zip([call for call, _ in calls], found, strict=True)) == calls
    # What is in memory that no run has written yet is not refused.
    assert programs.python_answers("two-signatures", ["allocate", "output 0"])[1].startswith(
        "add_sum_output float32 4 - "
    )
    unreadable = tmp_path / "unreadable.tflite"
    unreadable.write_text("a text that is no file of the runtime", "utf-8")
    assert programs.python_answers(unreadable, []) == ["error: Failed to load the given model."]
    assert programs.python_answers(unreadable, [], "data") == ["error: Failed to create the interpreter."]
    assert programs.python_answers(tmp_path / "none", []) == ["error: Failed to load the given model."]
    assert programs.python_answers("custom", ["allocate"]) == ["error: Failed to allocate memory for input tensors."]


def test_signature_runner_refuses_what_the_real_one_refuses(programs: Programs) -> None:
    calls = [
        ("runner scale", 'scale: ["factor", "values"] ["scaled"]'),
        ("runner-invoke scale none=float=1", "error: Failed to get input tensor with input name (none)."),
        ("runner-output scale sum", "error: Failed to get output tensor with output name (sum)."),
        ("runner-invoke scale values=float=1", "error: Provided data count 4 must match the required count 16."),
        ("runner-resize scale values 5", "error: Failed to resize input tensor with input name (values)."),
        ("runner-resize scale none 5", "error: Failed to resize input tensor with input name (none)."),
    ]
    found = programs.python_answers("two-signatures", [call for call, _ in calls])
    assert list(zip([call for call, _ in calls], found, strict=True)) == calls
    resized = ["runner serving_default", "runner-resize serving_default rows 2,8", "runner-input serving_default rows"]
    assert programs.python_answers("dynamic-shape", resized)[1:] == ["done", "error: Must call allocateTensors()."]


def test_int8_is_taken_and_cannot_be_read(programs: Programs) -> None:
    unsupported = "error: Tensor data type is unsupported or could not be determined due to a model error."
    (value,) = images("int8", 1)
    lines = ["allocate", f"copy 0 int8 {numbers(value)}", "copy 0 int8 1", "invoke", "output 0", "runner classify"]
    lines += [f"runner-invoke classify image=int8={numbers(value)}", "runner-output classify probabilities"]
    assert programs.python_answers("int8", lines) == [
        *("done", unsupported, "error: Provided data count 1 must match the required count 128.", "done", unsupported),
        *('classify: ["image"] ["probabilities"]', "done", unsupported),
    ]


def test_a_copy_without_memory_crashes(programs: Programs) -> None:
    """The real one writes to the address 0."""
    quick = {"SWIFT_BACKTRACE": "enable=no"}  # to look up symbols takes seconds
    done = programs.process("Interpreted", MODELS / "variable.tflite", "-", ["copy 0 float 1,2,3"], quick)
    assert done.returncode < 0
    assert "call allocateTensors() first" in done.stderr


@pytest.mark.parametrize(
    ("state", "model", "answers", "ran_on"),
    [
        ("present", "variable", ["1 1 ", "done"], ["TensorFlowLite metal"]),
        ("present", "dynamic-shape", ["error: Failed to create the interpreter."], []),
        ("failing", "variable", ["error: Failed to create the interpreter."], []),
        ("absent", "variable", ["error: Failed to create the interpreter."], []),
    ],
)
def test_metal(
    programs: Programs, tmp_path: Path, state: str, model: str, answers: list[str], ran_on: list[str]
) -> None:
    log = tmp_path / "log"
    log.touch()
    env = {"TESTBED_METAL": state, "TESTBED_LOG": str(log)}
    # The delegate has allocated the tensors.
    assert programs.python_answers(model, ["counts", "invoke"], "metal", **env) == answers
    assert log.read_text("utf-8").splitlines() == ran_on


def test_core_ml(programs: Programs, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert programs.python_answers("float32", ["coreml"], TESTBED_LOG=str(log)) == ["true false"]
    assert programs.python_answers("float32", ["coreml"], "coreml", TESTBED_COREML="present", TESTBED_LOG=str(log)) == [
        "false false"
    ]
    assert log.read_text("utf-8").splitlines() == ["TensorFlowLite cpu", "TensorFlowLite coreml"]


def test_interpreters_of_several_threads_end_their_processes(programs: Programs, reference: Reference) -> None:
    (value,) = images("float", 1)
    found = programs.python_answers("float32", ["children", f"threads {numbers(value)}", "children"])
    expected = reference("float32", [{"signature": "classify", "inputs": {"image": value}}])
    assert_same(described(found[1]).values, expected[0]["probabilities"])
    assert (found[0], found[2]) == ("1", "1")
