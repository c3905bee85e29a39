"""Branches of programs that no frontend writes today: a file of theirs is right, or there is none.

The passes of litert-converter inline what JAX and Keras call, so that every branch calls a function of its own. What is
marked `no_inline` they leave.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

X = "tensor<2x4xf32>"
PROGRAM = f"""
module @program {{
  func.func public @main(%x: {X}, %y: {X}) -> {X} {{
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %two = stablehlo.constant dense<2.0> : {X}
    %three = stablehlo.constant dense<3.0> : {X}
    %sum = stablehlo.reduce(%x init: %zero) applies stablehlo.add across dimensions = [0, 1]
      : ({X}, tensor<f32>) -> tensor<f32>
    %flag = stablehlo.compare GT, %sum, %zero : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %result = "stablehlo.if"(%flag) ({{
      %a = func.call @both(%x, %y, %two) {{no_inline}} : ({X}, {X}, {X}) -> {X}
      stablehlo.return %a : {X}
    }}, {{
      %a = func.call @both(OTHER, %three) {{no_inline}} : ({X}, {X}, {X}) -> {X}
      stablehlo.return %a : {X}
    }}) : (tensor<i1>) -> {X}
    return %result : {X}
  }}
  func.func private @both(%x: {X}, %y: {X}, %factor: {X}) -> {X} {{
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %corner = stablehlo.slice %x [0:1, 0:1] : ({X}) -> tensor<1x1xf32>
    %first = stablehlo.reshape %corner : (tensor<1x1xf32>) -> tensor<f32>
    %flag = stablehlo.compare GT, %first, %zero : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %result = "stablehlo.if"(%flag) ({{
      %a = stablehlo.multiply %y, %factor : {X}
      stablehlo.return %a : {X}
    }}, {{
      %a = stablehlo.subtract %x, %y : {X}
      %b = stablehlo.multiply %a, %factor : {X}
      stablehlo.return %b : {X}
    }}) : (tensor<i1>) -> {X}
    return %result : {X}
  }}
}}
"""


def _convert(engine: Callable[[str], Any], folder: Path, program: str) -> Any:
    """The step's reply for a program of x and y."""

    def tensor(name: str) -> dict[str, Any]:
        return {"name": name, "shape": [2, 4], "dtype": "float32"}

    signature = {"name": "serve", "inputs": [tensor("x"), tensor("y")], "outputs": [tensor("z")]}
    index = {"programs": [{"file": "main.mlir", "exported": "", "dynamic": [], "located": False}], "fused": []}
    (folder / "main.mlir").write_text(program)
    (folder / "interface.json").write_text(json.dumps({"signatures": [signature]}))
    (folder / "lowered.json").write_text(json.dumps(index))
    return engine("core")("convert.litert", {}, {"lowered": folder})


def test_a_function_with_branches_that_two_branches_call(engine: Callable[[str], Any], tmp_path: Path) -> None:
    """Each call gives it other constants, so there are two of it in the file, with the branches inside."""
    reply = _convert(engine, tmp_path, PROGRAM.replace("OTHER", "%x, %y"))
    assert reply.done is not None, reply
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(24):
        x, y = random.normal(size=(2, 2, 4)).astype(np.float32)
        seen.add((bool(x.sum() > 0), bool(x[0, 0] > 0)))
        np.savez(tmp_path / "in.npz", x=x, y=y)
        inputs = {"model": reply.outputs / "model.tflite", "data": tmp_path / "in.npz"}
        ran = engine("core")("execute", {"signature": "serve", "dequantize": False}, inputs)
        wanted = (y if x[0, 0] > 0 else x - y) * (2 if x.sum() > 0 else 3)
        np.testing.assert_allclose(np.load(ran.outputs / "outputs.npz")["z"], wanted, rtol=1e-6)
    assert len(seen) == 4


def test_branches_that_give_their_functions_other_values_are_refused(
    engine: Callable[[str], Any], tmp_path: Path
) -> None:
    reply = _convert(engine, tmp_path, PROGRAM.replace("OTHER", "%y, %x"))
    assert reply.refused is not None, reply
    assert "no right form of a branch whose sides call functions with values of their own" in reply.refused["reason"]
    assert [o["name"] for o in reply.refused["operators"]] == ["if"]
