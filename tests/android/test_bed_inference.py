"""Stand-ins compute what the runtime's Python interpreter computes, to the bit."""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
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


@pytest.fixture(scope="module")
def reference(python_of: Callable[[str], Path]) -> Reference:
    def of(model: str, calls: Sequence[Call]) -> list[dict[str, Any]]:
        given = [
            {"signature": c["signature"], "inputs": {n: np.asarray(v).tolist() for n, v in c["inputs"].items()}}
            for c in calls
        ]
        done = subprocess.run(
            [str(python_of("core")), str(Path(__file__).parent / "interpreter.py"), str(MODELS / f"{model}.tflite")],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers

    return of


@pytest.fixture(scope="module")
def programs(standins: StandIns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    (folder / "Compiled.kt").write_text(textwrap.dedent(COMPILED_MODEL), "utf-8")
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
