"""Stand-ins compute what the runtime's Python interpreter computes, to the bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import python_answers
from standins import StandIns

MODELS = Path(__file__).resolve().parent.parent / "fixtures" / "tflite"
Call = Mapping[str, Any]
Reference = Callable[[str, Sequence[Call]], list[dict[str, Any]]]

# A line of stdin is a call, and a line of stdout its answer: "VALUE,VALUE,...;VALUE,...", a part for each tensor.
COMPILED_MODEL = """
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import com.google.ai.edge.litert.TensorBuffer

fun main(args: Array<String>) {
    val (path, signature, type) = args
    Environment.create().use { environment ->
        CompiledModel.create(path, CompiledModel.Options(Accelerator.CPU), environment).use { model ->
            generateSequence { readlnOrNull() }.filter { it.isNotEmpty() }.forEach { line ->
                val inputs = model.createInputBuffers(signature)
                val outputs = model.createOutputBuffers(signature)
                line.split(";").zip(inputs).forEach { (values, buffer) -> write(buffer, type, values.split(",")) }
                model.run(inputs, outputs, signature)
                println(outputs.joinToString(";") { read(it, type).joinToString(",") })
                (inputs + outputs).forEach { it.close() }
            }
        }
    }
}

private fun write(buffer: TensorBuffer, type: String, values: List<String>) {
    if (type == "float") {
        buffer.writeFloat(values.map { it.toFloat() }.toFloatArray())
    } else {
        buffer.writeInt8(values.map { it.toByte() }.toByteArray())
    }
}

private fun read(buffer: TensorBuffer, type: String): List<Any> =
    if (type == "float") buffer.readFloat().toList() else buffer.readInt8().toList()
"""

# A line of stdin is a call, "SIGNATURE NAME=SIZE,SIZE:VALUE,VALUE;NAME=...", with "-" for no signature, or "reset".
INTERPRETER = """
import org.tensorflow.lite.DataType
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

private const val ROOM = 1000
private val allocated = System.getProperty("allocated") != null

fun main(args: Array<String>) {
    Interpreter(File(args[0]), Interpreter.Options().setNumThreads(1)).use { interpreter ->
        generateSequence { readlnOrNull() }.filter { it.isNotEmpty() }.forEach { line ->
            if (line == "reset") interpreter.resetVariableTensors() else call(interpreter, line)
        }
    }
}

private fun call(interpreter: Interpreter, line: String) {
    val (signature, rest) = line.split(" ")
    val inputs = rest.split(";").associate { it.substringBefore("=") to it.substringAfter("=").split(":") }
    if (signature == "-") {
        for ((name, input) in inputs) interpreter.resizeInput(interpreter.getInputIndex(name), sizes(input[0]))
        if (allocated) interpreter.allocateTensors()
        val given = Array<Any>(interpreter.inputTensorCount) { index ->
            val tensor = interpreter.getInputTensor(index)
            buffer(tensor, inputs.getValue(tensor.name())[1])
        }
        val taken = List(interpreter.outputTensorCount) { empty(ROOM) }
        interpreter.runForMultipleInputsOutputs(given, taken.withIndex().associate { it.index to it.value })
        val outputs = List(interpreter.outputTensorCount) { interpreter.getOutputTensor(it) }
        println(outputs.zip(taken).joinToString(";") { (tensor, values) -> "${tensor.name()}=${text(tensor, values)}" })
    } else {
        val given = inputs.mapValues { (name, input) ->
            val tensor = interpreter.getInputTensorFromSignature(name, signature)
            buffer(tensor, input[1])
        }
        val names = interpreter.getSignatureOutputs(signature)
        val taken = names.associateWith { empty(ROOM) }
        interpreter.runSignature(given, taken, signature)
        println(
            names.joinToString(";") {
                "$it=${text(interpreter.getOutputTensorFromSignature(it, signature), taken.getValue(it))}"
            },
        )
    }
}

private fun sizes(text: String): IntArray = text.split(",").map { it.toInt() }.toIntArray()

private fun empty(size: Int): ByteBuffer = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder())

private fun buffer(tensor: Tensor, values: String): ByteBuffer {
    val buffer = empty(tensor.numBytes())
    for (value in values.split(",")) {
        when (tensor.dataType()) {
            DataType.FLOAT32 -> buffer.putFloat(value.toFloat())
            DataType.INT16 -> buffer.putShort(value.toShort())
            DataType.INT8 -> buffer.put(value.toByte())
            else -> error(tensor.dataType())
        }
    }
    return buffer
}

private fun text(tensor: Tensor, values: ByteBuffer): String {
    values.rewind()
    val size = if (allocated) tensor.numElements() else tensor.numBytes() / tensor.dataType().byteSize()
    return List(size) {
        when (tensor.dataType()) {
            DataType.FLOAT32 -> values.getFloat()
            DataType.INT16 -> values.getShort()
            DataType.INT8 -> values.get()
            else -> error(tensor.dataType())
        }
    }.joinToString(",")
}
"""


@pytest.fixture(scope="module")
def reference(python_of: Callable[[str], Path]) -> Reference:
    def of(model: str, calls: Sequence[Call]) -> list[dict[str, Any]]:
        return python_answers(python_of("core"), MODELS / f"{model}.tflite", calls)

    return of


@pytest.fixture(scope="module")
def programs(standins: StandIns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    (folder / "Compiled.kt").write_text(COMPILED_MODEL, "utf-8")
    (folder / "Interpreted.kt").write_text(INTERPRETER, "utf-8")
    return standins.kotlin.compile(folder.glob("*.kt"), folder / "out", [standins.classes]).require()


def numbers(array: Any) -> str:
    return ",".join(str(value) for value in np.asarray(array).ravel().tolist())


@pytest.mark.parametrize(
    ("model", "signature"),
    [
        ("float32", "classify"),
        ("float16", "classify"),
        ("dynamic-int8", "classify"),
        ("weight-only-int8", "classify"),
        ("int8", "classify"),
        ("no-signature", ""),
    ],
)
def test_compiled_model_agrees(
    standins: StandIns, programs: Path, reference: Reference, tmp_path: Path, model: str, signature: str
) -> None:
    random = np.random.default_rng(20)
    quantized = model == "int8"
    shape = (1, 8, 8, 2)
    values = [
        random.integers(-128, 128, shape, np.int8) if quantized else random.normal(size=shape).astype(np.float32)
        for _ in range(5)
    ]
    name = "image" if signature else "classify_image"
    expected = reference(model, [{"signature": signature or None, "inputs": {name: value}} for value in values])
    ran = standins.run(
        "CompiledKt",
        [programs],
        [MODELS / f"{model}.tflite", signature, "int8" if quantized else "float"],
        given="\n".join(map(numbers, values)),
    )
    found = [np.array(line.split(","), np.int8 if quantized else np.float32) for line in ran.require().split()]
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        (only,) = other.values()
        np.testing.assert_array_equal(one, np.asarray(only, one.dtype).ravel())


def as_line(call: Call) -> str:
    inputs = ";".join(
        f"{name}={','.join(map(str, np.shape(value)))}:{numbers(value)}" for name, value in call["inputs"].items()
    )
    return f"{call['signature'] or '-'} {inputs}"


def interpreted(
    standins: StandIns, programs: Path, model: str, lines: Sequence[str], properties: Mapping[str, str] | None = None
) -> list[dict[str, list[float]]]:
    file = MODELS / f"{model}.tflite"
    ran = standins.run("InterpretedKt", [programs], [file], given="\n".join(lines), properties=properties)
    answers = []
    for line in ran.require().split():
        parts = (part.split("=") for part in line.split(";"))
        answers.append({name: [float(value) for value in values.split(",")] for name, values in parts})
    return answers


def assert_same(found: Sequence[Mapping[str, Any]], expected: Sequence[Mapping[str, Any]]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        for name, values in other.items():
            exact = np.asarray(values, np.float32).ravel()
            np.testing.assert_array_equal(np.asarray(one[name], np.float32), exact)


IMAGE = (1, 8, 8, 2)


@pytest.mark.parametrize("by_signature", [True, False])
@pytest.mark.parametrize("model", ["float32", "float16", "dynamic-int8", "int8", "int16x8"])
def test_interpreter_agrees(
    standins: StandIns, programs: Path, reference: Reference, model: str, by_signature: bool
) -> None:
    random = np.random.default_rng(21)
    integers = {"int8": 1 << 7, "int16x8": 1 << 15}
    values: list[Any] = [random.normal(size=IMAGE).astype(np.float32) for _ in range(4)]
    if model in integers:
        values = [random.integers(-integers[model], integers[model], IMAGE) for _ in range(4)]
    name = "image" if by_signature else "classify_image"
    calls = [{"signature": "classify" if by_signature else None, "inputs": {name: value}} for value in values]
    assert_same(interpreted(standins, programs, model, [as_line(c) for c in calls]), reference(model, calls))


def test_two_signatures(standins: StandIns, programs: Path, reference: Reference) -> None:
    one, other = [0.5, -2.0, 3.25, 7.0], [1.5, 2.5, -3.5, 0.125]
    calls: list[Call] = [
        {"signature": "add", "inputs": {"left": one, "right": other}},
        {"signature": "scale", "inputs": {"values": one, "factor": [3.0]}},
        {"signature": "add", "inputs": {"left": other, "right": other}},
        {"signature": None, "inputs": {"add_left": one, "add_right": other}},
    ]
    expected = reference("two-signatures", calls)
    assert_same(interpreted(standins, programs, "two-signatures", [as_line(c) for c in calls]), expected)


def test_resized(standins: StandIns, programs: Path, reference: Reference) -> None:
    random = np.random.default_rng(22)
    calls = [
        {"signature": None, "inputs": {"serving_default_rows": random.normal(size=(rows, 8)).astype(np.float32)}}
        for rows in (1, 3, 7, 3, 1)
    ]
    found = interpreted(standins, programs, "dynamic-shape", [as_line(c) for c in calls])
    assert [len(answer["serving_default_scores_output"]) for answer in found] == [6, 18, 42, 18, 6]
    assert_same(found, reference("dynamic-shape", calls))


def test_shapes_are_those_of_the_last_allocation(standins: StandIns, programs: Path) -> None:
    """As the real class keeps them where an app allocates itself: XNNPACK has not given the new ones then."""
    lines = [f"- serving_default_rows={rows},8:{','.join(['1'] * 8 * rows)}" for rows in (1, 3, 7)]
    found = interpreted(standins, programs, "dynamic-shape", lines, {"allocated": "yes"})
    assert [len(answer["serving_default_scores_output"]) for answer in found] == [6, 6, 18]


@pytest.mark.parametrize("model", ["variable", "variable-relu"])
def test_variables_last_until_they_are_reset(
    standins: StandIns, programs: Path, reference: Reference, model: str
) -> None:
    calls = [{"signature": None, "inputs": {"samples": [[value, 2.0, -1.0]]}} for value in (1.0, 4.0, 0.5)]
    lines = [as_line(call) for call in calls]
    expected = reference(model, calls)
    assert expected[0] != expected[1]
    found = interpreted(standins, programs, model, [*lines, "reset", *lines])
    assert_same(found, [*expected, *expected])
