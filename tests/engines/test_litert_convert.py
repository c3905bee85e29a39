"""The converter reads the programs that JAX writes: of every operation, as bytecode or as text, the same program.

JAX and litert-converter each carry an MLIR of their own. A new pin of either shows here.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tflite_build.resources import package

HERE = Path(__file__).parent
# What no program of a user's leads to. A new operation of a new pin belongs into `stablehlo_programs`, or here.
_OF_DEVICES = """
    after_all all_gather all_reduce all_to_all async_done async_start collective_broadcast collective_permute create_token
    cross-replica-sum infeed outfeed partition_id recv reduce_scatter replica_id send
"""
_OF_OTHER_FRAMEWORKS = """
    batch_norm_grad batch_norm_inference batch_norm_training broadcast cholesky dot einsum get_tuple_element if logistic map
    rng torch_index_select triangular_solve tuple unary_einsum uniform_dequantize uniform_quantize
"""
_OF_OPEN_DIMENSIONS = """
    dynamic_broadcast_in_dim dynamic_conv dynamic_gather dynamic_iota dynamic_pad dynamic_reshape get_dimension_size
    real_dynamic_slice set_dimension_size
"""  # such programs go as text
# JAX writes these out itself.
_OF_XLA = "_asin_acos_kernel conj constant constant_like is_inf is_neg_inf is_pos_inf ragged_dot scan tan"
UNTRIED = {
    *(
        f"stablehlo.{name}"
        for text in (_OF_DEVICES, _OF_OTHER_FRAMEWORKS, _OF_OPEN_DIMENSIONS)
        for name in text.split()
    ),
    *(f"chlo.{name}" for name in _OF_XLA.split()),
}


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]) -> tuple[Path, list[str]]:
    """The programs' folder, and the lines that the reader wrote until it ended."""
    folder = tmp_path_factory.mktemp("programs")
    env = {**os.environ, "PYTHONPATH": str(package().parent), "JAX_PLATFORMS": "cpu"}
    subprocess.run([python_of("litert"), HERE / "stablehlo_programs.py", folder], check=True, env=env, timeout=300)
    done = subprocess.run(
        [python_of("core"), HERE / "stablehlo_readings.py", folder], stdout=subprocess.PIPE, text=True, timeout=300
    )
    return folder, done.stdout.splitlines()


def test_every_program_is_read_as_it_was_written(readings: tuple[Path, list[str]]) -> None:
    folder, lines = readings
    read = [json.loads(line) for line in lines]
    begun = [one["name"] for one in read if "same" not in one]
    results = {one["name"]: one for one in read if "same" in one}
    assert list(results) == begun, f"the reader died of '{begun[-1]}'"
    assert sorted(results) == sorted(path.name for path in folder.iterdir() if path.is_dir())
    assert [name for name, one in results.items() if not one["same"]] == []
    assert {name for name, one in results.items() if one["file"] == ".mlir"} == {
        "cholesky",
        "eigh",
        "top_k",
        "triangular",
    }


def test_every_operation_of_the_dialects_is_tried(readings: tuple[Path, list[str]]) -> None:
    folder, lines = readings
    tried = {operation for line in lines for operation in json.loads(line).get("operations", ())}
    every = set(json.loads((folder / "operations.json").read_text("utf-8")))
    assert {o for o in every - tried - UNTRIED if not o.startswith("chlo.broadcast_")} == set()
    assert tried & UNTRIED == set(), "tried after all"
