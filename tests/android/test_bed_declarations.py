"""Stand-ins declare what the real libraries declare, member by member."""

from __future__ import annotations

import java_api
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
