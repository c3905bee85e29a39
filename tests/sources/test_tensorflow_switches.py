"""The TensorFlow converter's switches: each is handed on as `tf.lite` itself does it, and the file has the same bytes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import Workshop

from tflite_build.spec.types import TensorflowSwitches

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "saved_models"
# The switch as tf.lite.TFLiteConverter calls it, and its value where it is not given.
ATTRIBUTES = {
    "resource_variables": ("experimental_enable_resource_variables", True),
    "lower_tensor_list_ops": ("_experimental_lower_tensor_list_ops", True),
    "unfold_batch_matmul": ("unfold_batchmatmul", False),
    "guarantee_all_funcs_one_use": ("_experimental_guarantee_all_funcs_one_use", False),
}

# Run by the toolchain's own Python: both ways into the converter, and what each hands over.
CONVERT = """
import json, os, sys
from pathlib import Path
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")
sys.path.insert(0, sys.argv[1])
import tensorflow as tf
from tensorflow.compiler.mlir.lite import converter_flags_pb2
from tflite_build.engines.converters import saved_model
from tflite_build.engines.native import tf_native
from tflite_build.engines.contract import Request

folder, out, cases = Path(sys.argv[2]), Path(sys.argv[3]), json.loads(sys.argv[4])
api = tf_native.extension(tf_native._CONVERTER)
real, seen, made = api.Convert, [], []

def convert(model, flags, *rest):
    seen.append(converter_flags_pb2.ConverterFlags.FromString(flags))
    made.append(real(model, flags, *rest))
    return made[-1]

api.Convert = convert
told = {}
for name, attribute, value in cases:
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
    assert hasattr(converter, attribute), attribute
    setattr(converter, attribute, value)
    converter.convert()  # it adds a description of the conversion to the file, which is not compared
    (out / f"{name}_{value}").mkdir()
    request = Request("convert.tensorflow", {"switches": {name: value}}, {"saved_model": folder}, out / f"{name}_{value}")
    saved_model.run(request)
    ours = (request.outputs / "model.tflite").read_bytes()
    flags = [{f.name: str(getattr(s, f.name)) for f in s.DESCRIPTOR.fields if f.name != "debug_options"} for s in seen]
    told[f"{name}={value}"] = {"theirs": flags[0], "ours": flags[-1], "same": made[0] == ours, "calls": len(flags)}
    seen.clear()
    made.clear()
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]) -> dict[str, Any]:
    cases = json.dumps([[name, attribute, v] for name, (attribute, _) in ATTRIBUTES.items() for v in (False, True)])
    arguments = [ROOT, FIXTURES / "module_products", tmp_path_factory.mktemp("converted"), cases]
    done = subprocess.run(
        [python_of("tensorflow"), "-c", CONVERT, *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_switches_are_a_closed_list() -> None:
    assert set(ATTRIBUTES) == set(TensorflowSwitches.model_fields)


@pytest.mark.parametrize("value", [False, True])
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_switch_is_passed_as_tf_lite_passes_it(name: str, value: bool, both: dict[str, Any]) -> None:
    told = both[f"{name}={value}"]
    assert told["calls"] == 2
    assert told["ours"] == told["theirs"]
    assert told["same"]
    other = both[f"{name}={not value}"]
    assert told["ours"] != other["ours"]
    usual = next(both[f"{n}={v}"] for n, (_, v) in ATTRIBUTES.items() if n != name)
    assert (told["ours"] == usual["ours"]) == (value == ATTRIBUTES[name][1])


def test_unfolding_reaches_the_file(workshop: Workshop) -> None:
    for name, switches in (("folded", ""), ("unfolded", "unfold_batch_matmul = true")):
        source = f'format = "saved_model"\npath = "saved"\n[convert]\ntensorflow = {{ {switches} }}'
        shutil.copytree(FIXTURES / "module_products", workshop.model(name, source, {}) / "saved")
    built = workshop.build()
    operators = {name: set(said.value["variants"][0]["operators"]) for name, said in built.items()}
    assert "BATCH_MATMUL" in operators["folded"] and "FULLY_CONNECTED" not in operators["folded"]
    assert "FULLY_CONNECTED" in operators["unfolded"] and "BATCH_MATMUL" not in operators["unfolded"]
