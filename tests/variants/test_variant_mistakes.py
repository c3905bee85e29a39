"""What cannot be quantized as the spec says, told at the line to blame; where one quantizer cannot, the next one does."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli
from harness import Said
from shop import CLASSIFIER, Shop, cosine, pictures
from syrupy.assertion import SnapshotAssertion

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tflite"
DATA = '[calibration]\ndata = "data.npz"\n'
RECIPE = '[variant.own]\nquantize = "recipe.json"\n'
CHANNELS = {"num_bits": 8, "symmetric": True, "granularity": "CHANNELWISE", "dtype": "INT"}
WEIGHTS = {"weight_tensor_config": CHANNELS, "compute_precision": "INTEGER", "explicit_dequantize": False}
STATIC = WEIGHTS | {
    "activation_tensor_config": {"num_bits": 8, "symmetric": False, "granularity": "TENSORWISE", "dtype": "INT"}
}


def _rule(config: Any, regex: str = ".*", operation: str = "*", algorithm: str = "min_max_uniform_quantize") -> str:
    return json.dumps(
        [{"regex": regex, "operation": operation, "algorithm_key": algorithm, "op_config": config}], indent=1
    )


KEEP = {
    "keep_near": '["depthwse_1"]',
    "keep_far": '["block_17/"]',
    "keep_operator_near": '["op:SOFTMX"]',
    "keep_operator_far": '["op:LSTM"]',
    "keep_one_of_two": '["dense_4", "dense_9"]',
    "keep_everything": '["serve/"]',
}
RECIPES = {
    "recipe_not_json": "[{'regex': '.*'}]",
    "recipe_a_table": "{}",
    "recipe_empty": "[]",
    "recipe_of_words": '["int8"]',
    "recipe_word_too_many": _rule(WEIGHTS).replace('"operation"', '"skip": true, "operation"'),
    "recipe_kept_with_wrong_config": _rule({"num_bits": 4}, algorithm="no_quantize"),
    "recipe_operation": _rule(WEIGHTS, operation="FULLY_CONECTED"),
    "recipe_operation_far": _rule(WEIGHTS, operation="LSTM"),
    "recipe_key": _rule(WEIGHTS).replace('"operation"', '"operations"'),
    "recipe_config_key": _rule({"weight_tensor_config": CHANNELS, "compute_precison": "INTEGER"}),
    "recipe_tensor_key": _rule({"weight_tensor_config": {"num_bits": 8, "granularty": "CHANNELWISE"}}),
    "recipe_tensor_word": _rule({"weight_tensor_config": CHANNELS | {"granularity": "CHANELWISE"}}),
    "recipe_no_bits": _rule({"weight_tensor_config": {"granularity": "CHANNELWISE"}}),
    "recipe_no_weights": _rule({"compute_precision": "INTEGER"}),
    "recipe_unfit": _rule(STATIC | {"compute_precision": "FLOAT"}),
    "recipe_algorithm": _rule(WEIGHTS, algorithm="min_max"),
    "recipe_without_config": '[{"regex": ".*", "operation": "*"}]',
    "recipe_bits": _rule(WEIGHTS | {"weight_tensor_config": CHANNELS | {"num_bits": 5}}),
    "recipe_expression": _rule(WEIGHTS, regex="dense_("),
    "recipe_of_another_model": _rule(WEIGHTS, regex="block_17/.*"),
    "recipe_by_samples": _rule(WEIGHTS, algorithm="GPTQ"),
    "recipe_needs_data": _rule(STATIC),
    "recipe_not_text": "\udcff",
}
TWICE = {"twice_int8": "int8", "twice_float16": "float16", "twice_dynamic": "dynamic-int8"}
FROM_SOURCE = {"untrained_float": "float32", "untrained_float16": "float16"}


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    """One build of all of them."""
    one = {"name": "serve", "input": [1, 8, 8, 2], "layers": []}
    layers = {
        "classifier": CLASSIFIER["signatures"][0]["layers"],
        "soft": [["tanh"]],
        # 6 divided by the scale of so small a range is more than 32 bits hold, says the runtime of int16.
        "tiny": [["conv", 4, 3], ["scale", 1e-9, "relu6"], ["mean"]],
        "memory": [["svdf", 6, "relu"]],
        "mixed": [["svdf", 6], ["dense", 3]],
    }
    files = {name: shop.folder / f"{name}.tflite" for name in layers}
    shop.make(
        {
            files[name]: {
                "signatures": [{**one, "layers": its, **({"input": [1, 5]} if name in ("memory", "mixed") else {})}]
            }
            for name, its in layers.items()
        }
    )
    for name, patterns in KEEP.items():
        toml = f'[variant.own]\nquantize = "dynamic-int8"\nkeep_float = {patterns}\n'
        shop.tflite(name, toml, source=files["classifier"])
    for name, recipe in RECIPES.items():
        folder = shop.tflite(name, RECIPE, source=files["classifier"])
        (folder / "recipe.json").write_text(recipe, "utf-8", errors="surrogateescape")
    folder = shop.tflite("recipe_io", f'{RECIPE}io = "float32"\n{DATA}', source=files["classifier"], x=pictures(3))
    (folder / "recipe.json").write_text(_rule(STATIC))
    for name, kind in TWICE.items():
        source = FIXTURES / f"{kind}.tflite"
        shop.tflite(name, f'[variant.own]\nquantize = "int8"\n{DATA}', source=source, image=pictures(3))
    for name, kind in FROM_SOURCE.items():
        shop.tflite(name, '[variant.own]\nquantize = "from-source"\n', source=FIXTURES / f"{kind}.tflite")
    shop.tflite("nothing", '[variant.own]\nquantize = "dynamic-int8"\n', source=files["soft"])
    both = f'[variant.own]\nquantize = "int16x8"\n[variant.other]\n{DATA}'
    shop.tflite("both_refuse", both, source=files["memory"], x=np.zeros((3, 5), np.float32))
    shop.tflite("good_partly", '[variant.own]\nquantize = "int16x8"\n' + DATA, source=files["tiny"], x=pictures(3))
    toml = f'[variant.own]\nquantize = "int16x8"\nkeep_float = ["op:MUL"]\n{DATA}'
    shop.tflite("good_kept", toml, source=files["tiny"], x=pictures(3))
    second = f'[variant.own]\nquantize = "int8"\n[variant.own8]\nquantize = "int8"\nio = "int8"\n{DATA}'
    x = np.random.default_rng(3).normal(0, 2, (40, 5)).astype(np.float32)
    mixed = '[variant.own]\nquantize = "int8"\n[variant.kept]\nquantize = "int16x8"\nkeep_float = ["op:SVDF"]\n'
    shop.tflite("good_mixed", mixed + DATA, source=files["mixed"], x=x)
    shop.tflite("good_second", second, source=files["memory"], x=x)
    shop.tflite(
        "good_as_it_is", '[variant.own]\nquantize = "from-source"\n[variant.none]\n', source=FIXTURES / "int8.tflite"
    )
    for name in ("good_recipe", "good_static"):
        folder = shop.tflite(name, RECIPE + DATA, source=files["classifier"], x=pictures(3))
        (folder / "recipe.json").write_text(_rule(WEIGHTS if name == "good_recipe" else STATIC))
    for name, config in (("good_kept_rule", {}), ("good_kept_rule_with_config", WEIGHTS)):
        rules = json.loads(_rule(WEIGHTS)) + json.loads(_rule(config, regex="dense_4", algorithm="no_quantize"))
        folder = shop.tflite(name, RECIPE, source=files["classifier"])
        (folder / "recipe.json").write_text(json.dumps(rules))
    return shop.build()


MISTAKES = sorted([*KEEP, *RECIPES, *TWICE, *FROM_SOURCE, "recipe_io", "nothing", "both_refuse"])


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str, said: dict[str, Said], shop: Shop, snapshot: SnapshotAssertion) -> None:
    assert said[name].told == snapshot(name=name)
    assert {e["code"] for e in said[name].errors} == {1 if name in ("nothing", "both_refuse") else 2}
    assert all(str(e["key"]).startswith("variant.own") and e["line"] for e in said[name].errors)
    assert not list((shop.folder / name / "build").rglob("*.tflite"))
    assert not (shop.folder / name / "model.lock").exists()


def test_the_second_quantizer_is_taken_and_the_lock_says_why(said: dict[str, Said], shop: Shop, cli: Any) -> None:
    assert not said["good_second"].errors, said["good_second"].told
    folder = shop.folder / "good_second"
    lock = (folder / "model.lock").read_text()
    decision = tomli.loads(lock)["decision"]["quantizer:own"]
    assert decision["choice"] == "tensorflow"
    assert decision["refuted"] == {
        "litert": "nothing in it is quantized: there is no int8 form of 'SVDF' in this model"
    }
    x = {"x": np.random.default_rng(4).normal(0, 1, (9, 5)).astype(np.float32)}
    wanted, got, integers = shop.measure(
        [
            {"model": folder / "model.tflite", "feed": x},
            {"model": said["good_second"].file("own"), "feed": x},
            {"model": said["good_second"].file("own8"), "feed": x},
        ]
    )
    assert cosine(got.outputs["y"], wanted.outputs["y"]) > 0.99
    assert cosine(integers.outputs["y"], wanted.outputs["y"]) > 0.99
    assert integers.value["inputs"]["x"]["dtype"] == "int8"
    # In another store the locked choice is taken at once; the same bytes come of it.
    before = {p.name: p.read_bytes() for p in (folder / "build" / "good_second").glob("*.tflite")}
    elsewhere = folder.parent / "again" / "good_second"
    shutil.copytree(folder, elsewhere, ignore=shutil.ignore_patterns("build"))
    ran = cli("build", elsewhere)
    assert ran.code == 0, ran.text
    assert "cannot make" not in ran.text
    assert (elsewhere / "model.lock").read_text() == lock
    assert {p.name: p.read_bytes() for p in (elsewhere / "build" / "good_second").glob("*.tflite")} == before
    # Without the lock it is tried in vain again, and whoever watches sees which one it was.
    (elsewhere / "model.lock").unlink()
    ran = cli("build", elsewhere)
    assert re.search(r"good_second quantize:own +refused by litert\n", ran.out), ran.text
    shutil.rmtree(elsewhere.parent)


def test_what_both_quantizers_make_too_much_of_is_quantized_in_part(said: dict[str, Said], shop: Shop) -> None:
    """The operator that the runtime refuses in both files stays float: the same file as with keep_float."""
    assert not said["good_partly"].errors, said["good_partly"].told
    decision = tomli.loads((shop.folder / "good_partly" / "model.lock").read_text())["decision"]["quantizer:own"]
    assert decision["choice"] == "litert-partly"
    assert all("MUL failed to prepare" in decision["refuted"][name] for name in ("litert", "tensorflow"))
    assert said["good_partly"].value["warnings"] == [
        "own: 'MUL' stays float: the runtime refuses the int16x8 form that the quantizer makes"
    ]
    assert said["good_partly"].sha256("own") == said["good_kept"].sha256("own")
    again = shop.build("good_partly")["good_partly"]
    assert (again.ran, again.errors) == ([], [])


def test_what_one_operator_forbids_is_built_without_it(said: dict[str, Said]) -> None:
    assert not said["good_kept"].errors, said["good_kept"].told
    assert said["good_kept"].value["decisions"]["quantizer:own"]["choice"] == "litert"


def test_what_stays_float_unasked_is_said(said: dict[str, Said]) -> None:
    assert not said["good_mixed"].errors, said["good_mixed"].told
    assert said["good_mixed"].value["warnings"] == ["own: 'SVDF' stays float: there is no int8 form"]
    assert not said["good_kept"].value["warnings"]


def test_a_quantized_file_is_taken_as_it_is(said: dict[str, Said]) -> None:
    assert not said["good_as_it_is"].errors, said["good_as_it_is"].told
    own, none = said["good_as_it_is"].file("own"), said["good_as_it_is"].file("none")
    assert own.read_bytes() == none.read_bytes()
    assert said["good_as_it_is"].variants["own"]["max_abs"] == 0


def test_a_recipe_decides_the_types_of_inputs_and_outputs(said: dict[str, Said], shop: Shop) -> None:
    dynamic, static = shop.measure(
        [{"model": said[n].file("own"), "feed": {"x": pictures(1)}} for n in ("good_recipe", "good_static")]
    )
    assert dynamic.value["inputs"]["x"]["dtype"] == "float32"
    assert static.value["inputs"]["x"]["dtype"] == "int8"


def test_a_rule_that_keeps_float_needs_no_configuration_and_takes_one(said: dict[str, Said], shop: Shop) -> None:
    names = ("good_recipe", "good_kept_rule", "good_kept_rule_with_config")
    assert not [said[n].told for n in names if said[n].errors]
    found = shop.measure([{"model": said[n].file("own")} for n in names])
    kept = [[t["dtype"] for t in one.value["tensors"] if t["name"].startswith("serve/kernel_")] for one in found]
    assert kept[0] != kept[1] == kept[2]


def test_quantizers_say_what_they_cannot(engine: Callable[[str], Any], shop: Shop, said: dict[str, Said]) -> None:
    """TensorFlow's quantizer by itself: the second candidate has to be as careful as the first."""
    inputs: dict[str, Path] = {"model": shop.folder / "memory.tflite"}
    call = engine("core")
    interface = shop.folder / "interface.json"
    sig = {"name": "serve", "inputs": [{"name": "x", "shape": [1, 5], "dtype": "float32"}], "outputs": []}
    interface.write_text(json.dumps({"signatures": [sig]}))
    params = {"declared": {}, "names": {}, "count": 4, "entry": None, "files": []}
    samples = call("samples", params, {"interface": interface}).outputs / "samples"
    inputs |= {"samples": samples}
    inputs |= {"ranges": call("calibrate", {}, {**inputs}).outputs / "ranges.json"}

    def tried(**changed: Any) -> Any:
        params = {"quantize": "int8", "granularity": None, "io": "float32", "keep_float": []}
        return call("quantize.tensorflow", params | changed, inputs)

    assert tried().done is not None
    assert tried(io="uint8").done is not None
    assert "whole models" in tried(keep_float=["op:SVDF"]).refused["reason"]
    assert "not float16" in tried(quantize="float16").refused["reason"]
    assert "nothing in it is quantized" in tried(quantize="int16x8").refused["reason"]
    inputs["model"] = FIXTURES / "int8.tflite"
    assert "quantized already" in tried().invalid["message"]
