"""Stand-ins declare what the real libraries declare, member by member."""

from __future__ import annotations

import java_api
import kotlin_api
from kotlin_bed import HERE
from standins import StandIns

NOT_PUBLIC = ("org.tensorflow.lite.InterpreterImpl", "org.tensorflow.lite.TensorImpl")
# A bridge, which has no generic types; callers see those of the method that it calls.
RAW, GENERIC = "java.util.Map)", "java.util.Map<java.lang.Integer,java.lang.Object>)"


def test_interpreter_api(standins: StandIns) -> None:
    real = java_api.of_list(HERE / "api" / "org.tensorflow.lite.txt")
    interpreter = real["org.tensorflow.lite.Interpreter"]
    real["org.tensorflow.lite.Interpreter"] = [line.replace(RAW, GENERIC) for line in interpreter]
    ours = java_api.of_classes(standins.classes, "org.tensorflow.lite")
    for name in NOT_PUBLIC:
        assert not ours.pop(name)[0].startswith("public")
    assert ours == real


def test_gpu_delegate(standins: StandIns) -> None:
    ours = java_api.of_classes(standins.classes, "org.tensorflow.lite.gpu")
    assert ours == java_api.of_list(HERE / "api" / "org.tensorflow.lite.gpu.txt")


def test_litert() -> None:
    lines = (HERE / "api" / "com.google.ai.edge.litert.txt").read_text("utf-8").splitlines()
    sources = sorted((HERE / "standins" / "litert").glob("*.kt"))
    ours = [line for source in sources for line in kotlin_api.declarations(source.read_text("utf-8"))]
    real = [line for line in lines if not line.startswith("#")]
    assert "CompiledModel.fun run(inputs: List<TensorBuffer>, outputs: List<TensorBuffer>, signature: String)" in real
    assert ours == real
