"""Every kind of variant, end to end: the file is loaded, run and looked into by a program that is not the tool."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli
from harness import Said
from shop import CLASSIFIER, Found, Shop, cosine, pictures

LINES = {
    "none": "",
    "float16": 'quantize = "float16"',
    "dynamic-int8": 'quantize = "dynamic-int8"',
    "dynamic-int8-tensor": 'quantize = "dynamic-int8"\ngranularity = "tensor"',
    "dynamic-int4": 'quantize = "dynamic-int4"',
    "dynamic-int4-tensor": 'quantize = "dynamic-int4"\ngranularity = "tensor"',
    "weight-only-int8": 'quantize = "weight-only-int8"',
    "weight-only-int8-tensor": 'quantize = "weight-only-int8"\ngranularity = "tensor"',
    "weight-only-int4": 'quantize = "weight-only-int4"',
    "int8": 'quantize = "int8"',
    "int8-int8": 'quantize = "int8"\nio = "int8"',
    "int8-uint8": 'quantize = "int8"\nio = "uint8"',
    "int8-tensor": 'quantize = "int8"\ngranularity = "tensor"',
    "int16x8": 'quantize = "int16x8"',
    "int16x8-int16": 'quantize = "int16x8"\nio = "int16"',
    "int16x8-tensor": 'quantize = "int16x8"\ngranularity = "tensor"',
    "recipe": 'quantize = "recipe.json"',
    "recipe-int8": 'quantize = "ends.json"\nio = "int8"',
    "kept": 'quantize = "dynamic-int8"\nkeep_float = ["dense_[45]", "depthwise"]',
    "kept-op": 'quantize = "int8"\nkeep_float = ["op:SOFTMAX", "op:MEAN"]',
}
CALIBRATED = '[calibration]\ndata = "data.npz"\n'
# The dense layers in 4 bits, everything else as it is.
RECIPE = """[{"regex": ".*", "operation": "FULLY_CONNECTED", "algorithm_key": "min_max_uniform_quantize", "op_config":
{"weight_tensor_config": {"num_bits": 4, "symmetric": true, "granularity": "CHANNELWISE", "dtype": "INT"},
"compute_precision": "FLOAT", "explicit_dequantize": true}}]"""
# Everything in integers, inputs and outputs included.
ENDS = """[{"regex": ".*", "operation": "*", "algorithm_key": "min_max_uniform_quantize", "op_config":
{"activation_tensor_config": {"num_bits": 8, "symmetric": false, "granularity": "TENSORWISE", "dtype": "INT"},
"weight_tensor_config": {"num_bits": 8, "symmetric": true, "granularity": "CHANNELWISE", "dtype": "INT"},
"compute_precision": "INTEGER", "explicit_dequantize": false}}]"""
KERNELS = ("serve/kernel_0", "serve/kernel_1", "serve/kernel_4", "serve/kernel_5")
UNQUANTIZED = ("none", "float16", "recipe", "kept", "kept-op")
ENDS_ARE = {
    "int8": "float32",
    "int8-int8": "int8",
    "int8-uint8": "uint8",
    "int16x8": "float32",
    "int16x8-int16": "int16",
    "recipe-int8": "int8",
    "dynamic-int8": "float32",
    "kept-op": "float32",
}
# Variant -> the lowest cosine and the largest error of a probability that the quantization explains.
LIMITS = {"none": (1.0, 0.0), "float16": (0.999999, 1e-3), "int4": (0.99, 0.1), "int16x8": (0.9999, 0.01)}


@pytest.fixture(scope="module")
def made(shop: Shop) -> tuple[Said, dict[str, Found], Any]:
    """What the build said, what each file holds and gives for new samples, and what the source gives for them."""
    source = shop.folder / "classifier.tflite"
    shop.make({source: CLASSIFIER})
    toml = "".join(f"[variant.{name}]\n{lines}\n" for name, lines in LINES.items())
    folder = shop.tflite("all", CALIBRATED + toml, source=source, x=pictures(12))
    (folder / "recipe.json").write_text(RECIPE)
    (folder / "ends.json").write_text(ENDS)
    said = shop.build("all")["all"]
    assert not said.errors, said.told
    fresh = {"x": pictures(16, seed=5)}
    jobs = [{"model": source, "feed": fresh}, *({"model": said.file(v), "feed": fresh} for v in LINES)]
    expected, *found = shop.measure(jobs)
    return said, dict(zip(LINES, found, strict=True)), expected


def test_every_file_runs_elsewhere_and_gives_what_the_source_gives(made: tuple[Said, dict[str, Found], Found]) -> None:
    said, files, expected = made
    wanted = expected.outputs["y"]
    for name, found in files.items():
        got = found.outputs["y"]
        lowest, largest = next((v for k, v in LIMITS.items() if k in name), (0.999, 0.03))
        assert got.shape == wanted.shape
        assert cosine(got, wanted) >= lowest - 1e-12, name
        assert np.abs(got - wanted).max() <= largest, name
        # What the tool says was measured on the calibration samples; that it is of the same size shows that it is so.
        assert said.variants[name]["cosine"] == pytest.approx(cosine(got, wanted), abs=0.01), name
        assert said.variants[name]["top1"] is not None
        assert said.variants[name]["operators"] == {o: found.operators.count(o) for o in set(found.operators)}
        assert found.value["outside"] == 0, f"{name} keeps buffers behind the FlatBuffer, which old runtimes overlook"


@pytest.mark.parametrize(("variant", "dtype"), ENDS_ARE.items())
def test_io_is_the_type_of_inputs_and_outputs(made: Any, variant: str, dtype: str) -> None:
    found = made[1][variant].value
    assert [found["inputs"]["x"]["dtype"], found["outputs"]["y"]["dtype"]] == [dtype, dtype]


def test_uint8_and_int8_files_stand_for_the_same_numbers(made: Any) -> None:
    signed, unsigned = made[1]["int8-int8"], made[1]["int8-uint8"]
    np.testing.assert_array_equal(signed.outputs["y"], unsigned.outputs["y"])
    for name in ("serve/input", "serve/softmax_6"):
        assert unsigned.tensor(name)["zeros"][0] == signed.tensor(name)["zeros"][0] + 128
        assert unsigned.tensor(name)["scales"] == signed.tensor(name)["scales"]


@pytest.mark.parametrize("variant", [v for v in LINES if v not in UNQUANTIZED])
def test_weights_are_the_sources_to_half_a_step(made: Any, variant: str) -> None:
    bits, whole = 4 if "int4" in variant else 8, variant.endswith("-tensor")
    source, found = made[2], made[1][variant]
    quantized = 0
    for kernel in KERNELS:
        weight, own = found.tensor(kernel), source.constant(kernel)
        if not weight["scales"]:
            assert kernel == "serve/kernel_1", "only the depthwise convolution has no form in 4 bits"
            assert bits == 4
            continue
        quantized += 1
        channels = own.shape[3 if kernel == "serve/kernel_1" else 0]
        depthwise = variant == "dynamic-int8-tensor" and kernel == "serve/kernel_1"  # the kernel reads one per channel
        assert len(weight["scales"]) == (channels if not whole or depthwise else 1), kernel
        assert weight["dtype"] == f"int{bits}"
        assert weight["zeros"] in ([], [0] * len(weight["scales"]))
        shape = [1] * own.ndim
        if len(weight["scales"]) > 1:
            shape[weight["axis"]] = channels
        step = np.reshape(weight["scales"], shape)
        assert (np.abs(found.constant(kernel) - own) <= step * 0.5001).all(), kernel
        largest = np.abs(own).max() if whole and not depthwise else None
        if largest is not None:  # symmetric, over the whole range of the weight
            assert weight["scales"][0] == pytest.approx(largest / (2 ** (bits - 1) - 1), rel=0.01)
    assert quantized >= 3


def test_one_scale_for_each_channel_is_closer_than_one_for_all(made: Any) -> None:
    source = made[2]

    def error(variant: str) -> float:
        return float(sum(np.abs(made[1][variant].constant(k) - source.constant(k)).sum() for k in KERNELS))

    for word in ("dynamic-int8", "weight-only-int8", "int8", "int16x8", "dynamic-int4"):
        assert error(word) < error(f"{word}-tensor"), word


def test_float16_holds_the_weights_as_half_floats(made: Any) -> None:
    for kernel in KERNELS:
        tensor = made[1]["float16"].tensor(kernel)
        assert tensor["dtype"] == "float16"
        np.testing.assert_array_equal(tensor["value"], made[2].constant(kernel).astype(np.float16).reshape(-1))


def test_keep_float_leaves_layers_and_operators_in_float(made: Any) -> None:
    kept, dynamic, operators = made[1]["kept"], made[1]["dynamic-int8"], made[1]["kept-op"]
    assert {k: kept.tensor(k)["dtype"] for k in KERNELS} == {
        KERNELS[0]: "int8",
        KERNELS[1]: "float32",
        KERNELS[2]: "float32",
        KERNELS[3]: "float32",
    }
    assert {dynamic.tensor(k)["dtype"] for k in KERNELS} == {"int8"}
    assert operators.tensor("serve/softmax_6")["dtype"] == "float32"
    assert operators.tensor("serve/mean_3")["dtype"] == "float32"
    assert operators.tensor("serve/conv_0")["dtype"] == "int8"


def test_a_recipe_does_what_it_says_and_no_more(made: Any) -> None:
    types = {k: made[1]["recipe"].tensor(k)["dtype"] for k in KERNELS}
    assert types == {KERNELS[0]: "float32", KERNELS[1]: "float32", KERNELS[2]: "int4", KERNELS[3]: "int4"}


def test_activations_of_integer_files_have_the_calibrated_ranges(made: Any) -> None:
    for variant, levels in (("int8", 255), ("int16x8", 65534)):
        tensor = made[1][variant].tensor("serve/conv_0")
        # relu6 of many samples: 0 to 6, whatever the kernels of this machine round.
        assert tensor["scales"][0] * levels == pytest.approx(6 if levels == 255 else 12, rel=1e-6)


def test_the_runtime_that_a_file_needs_is_derived_from_its_types(made: Any) -> None:
    said, files, _ = made
    oldest = {name: v["oldest_runtime"] for name, v in said.variants.items()}
    # Known from facts: a per-channel dynamic FULLY_CONNECTED is of version 12, which came with 2.17.
    assert files["dynamic-int8"].version("FULLY_CONNECTED") == 12
    assert oldest["dynamic-int8"] == "2.17.0"
    assert tuple(map(int, oldest["dynamic-int4"].split("."))) >= (2, 17, 0)
    assert files["dynamic-int4"].version("FULLY_CONNECTED") >= 12
    assert tuple(map(int, oldest["weight-only-int4"].split("."))) >= (2, 17, 0)
    assert oldest["none"] == "1.6.0"


def test_the_lock_and_the_report_name_each_file(made: Any, shop: Shop) -> None:
    said = made[0]
    lock = tomli.loads((shop.folder / "all" / "model.lock").read_text())
    for variant in LINES:
        file = said.file(variant)
        assert lock["output"][file.name] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert said.variants[variant]["size"] == file.stat().st_size
    sizes = {v: said.variants[v]["size"] for v in ("none", "int8-int8", "dynamic-int4")}
    assert sizes["none"] > sizes["dynamic-int4"]


def test_int8_and_int16x8_share_one_calibration(made: Any) -> None:
    assert [s for s in made[0].ran if s.startswith("calibrate")] == ["calibrate"]


def test_the_same_bytes_with_another_store_hash_seed_processors_and_math_library(
    made: Any, shop: Shop, cli: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    other = {
        "PYTHONHASHSEED": "3",
        "OMP_NUM_THREADS": "7",
        # The C library's functions as an older processor has them.
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-FMA,-FMA4,-SSE4_1",
    }
    ran = cli("build", "--out-dir", out, shop.folder / "all", env=other)
    assert ran.code == 0, ran.text
    for variant in LINES:
        assert variant == "none" or f"all quantize:{variant} " in ran.out, "nothing of the first build was reused"
        file = made[0].file(variant)
        assert (out / "all" / file.name).read_bytes() == file.read_bytes(), variant
