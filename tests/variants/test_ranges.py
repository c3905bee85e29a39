"""Ranges are one artifact: those of the reference kernels, whatever kernels found them, and shared by what needs them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shop import Shop, pictures

SIZE, COUNT = (1, 8, 8, 3), 160
Ranges = Mapping[str, tuple[float, float]]


def _layers(random: np.random.Generator) -> list[list[Any]]:
    """A small network of random shape: convolutions, clamps, residuals, and an end of one of several kinds."""
    clamps = ["", "relu", "relu6", "tanh"]
    layers: list[list[Any]] = []
    for _ in range(int(random.integers(1, 4))):
        clamp = str(random.choice(clamps[:3]))
        match random.integers(4):
            case 0:
                layers.append(["conv", int(random.integers(1, 6)), int(random.integers(1, 4)), clamp])
            case 1:
                layers.append(["depthwise", 3, clamp])
            case 2:
                layers += [["depthwise", 3, clamp], ["add"]]
            case _:
                layers.append(["scale", float(10 ** random.uniform(-4, 4)), clamp])
        if random.integers(3) == 0:
            layers.append([str(random.choice(["tanh", "logistic", "relu"]))])
    layers += [["mean"], ["dense", int(random.integers(2, 7)), str(random.choice(clamps[:3]))]]
    return layers + [[], [["softmax"]], [["tanh"]]][random.integers(3)]


def _samples(random: np.random.Generator) -> Any:
    """Data of a random kind: noise of any size, few distinct values, mostly zeros, one sample, all equal."""
    count = int(random.integers(1, 7))
    noise = random.normal(0, 1, (count, *SIZE))
    kinds = [
        noise * 10 ** random.uniform(-6, 6),
        np.round(noise),
        np.where(random.uniform(size=noise.shape) < 0.9, 0, noise),
        np.repeat(noise[:1], count, 0),
        np.zeros_like(noise),
        random.integers(0, 256, noise.shape) / 255,
    ]
    return kinds[random.integers(len(kinds))].astype(np.float32)


def write_samples(folder: Path, signature: str, **tensors: Any) -> Path:
    """As the step `samples` hands them on."""
    folder.mkdir()
    for name, array in tensors.items():
        np.save(folder / f"{name}.npy", array)
    index = [{"signature": signature, "sizes": {}, "files": {name: f"{name}.npy" for name in tensors}}]
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="module")
def models(shop: Shop) -> Sequence[Path]:
    described = {
        shop.folder / f"random{n}.tflite": {
            "signatures": [{"name": "serve", "input": SIZE, "layers": _layers(np.random.default_rng(n))}],
            "seed": n,
        }
        for n in range(COUNT)
    }
    shop.make(described)
    return list(described)


def test_ranges_are_those_of_the_reference_kernels(
    models: Sequence[Path], shop: Shop, engine: Callable[[str], Any]
) -> None:
    call = engine("core")
    reruns = samples = differ = 0
    for number, model in enumerate(models):
        data = _samples(np.random.default_rng(1000 + number))
        inputs = {"model": model, "samples": write_samples(shop.folder / f"samples{number}", "serve", x=data)}
        quick, slow = (call("calibrate", p, inputs) for p in ({}, {"kernels": "reference"}))
        assert quick.done is not None, quick
        found, wanted = (json.loads((r.outputs / "ranges.json").read_text()) for r in (quick, slow))
        assert found == wanted, model.name
        _check(found, data)
        reruns += quick.done["reruns"]
        samples += len(data)
        assert slow.done["reruns"] == len(data)
        differ += (quick.outputs / "ranges.json").read_bytes() != (slow.outputs / "ranges.json").read_bytes()
    assert differ == 0
    assert COUNT <= reruns < samples, "the fast kernels do most of the work"


def _check(ranges: Ranges, data: Any) -> None:
    """Every range holds what was seen, and is at most a step of 2^-8 of its magnitude wider on each side."""
    low, high = ranges["serve/input"]
    assert low <= data.min() <= data.max() <= high
    step = max(abs(low), abs(high)) * 2.0**-8
    assert low > data.min() - step * 1.01 or low == data.min()
    assert high < data.max() + step * 1.01 or high == data.max()
    assert all(np.isfinite(r).all() and r[0] <= r[1] for r in ranges.values())


def test_ranges_that_lie_on_a_line_of_the_grid_are_those_of_the_reference_kernels(
    shop: Shop, engine: Callable[[str], Any]
) -> None:
    """Where the last bit decides: factors bring the largest values of two layers onto a line, or beside it by a bit."""
    lines = [1.0, 0.75, 2.0, 131 / 256, 257 / 256 * 8]
    layers = {n: [["conv", 2 + n % 5, 1 + n % 3, ["", "relu"][n % 2]]] for n in range(40)}
    data = {n: np.random.default_rng(n).normal(0, 1, (5, *SIZE)).astype(np.float32) for n in layers}

    def made() -> dict[int, Path]:
        depth = len(layers[0])
        files = {n: shop.folder / f"line{n}_{depth}.tflite" for n in layers}
        signatures = {n: {"name": "serve", "input": SIZE, "layers": its} for n, its in layers.items()}
        shop.make({files[n]: {"signatures": [signatures[n]], "seed": n} for n in layers})
        return files

    for _ in range(2):
        found = shop.measure([{"model": m, "feed": {"x": data[n]}, "plain": True} for n, m in made().items()])
        for n, its in layers.items():
            its.append(["scale", lines[n % len(lines)] / float(found[n].outputs["y"].max())])
            its.append(["conv", 3, 3])
    call = engine("core")
    moved = 0
    for n, model in made().items():
        inputs = {"model": model, "samples": write_samples(shop.folder / f"line{n}", "serve", x=data[n])}
        ranges = [
            json.loads((call("calibrate", p, inputs).outputs / "ranges.json").read_text())
            for p in ({}, {"kernels": "reference"})
        ]
        assert ranges[0] == ranges[1], n
        moved += sum(ranges[1][f"serve/scale_{layer}"][1] != lines[n % len(lines)] for layer in (1, 3))
    assert 0 < moved < 2 * len(layers), "values lie on both sides of a line, or this test tells nothing"


def test_a_lowest_value_of_about_zero_is_that_of_the_reference_kernels(
    shop: Shop, engine: Callable[[str], Any]
) -> None:
    """Nothing but a rectifier keeps a value from being a bit below zero by one kernel and a bit above by another."""
    layers: dict[int, list[list[Any]]] = {n: [["conv", 2 + n % 5, 1 + n % 3]] for n in range(40)}
    files = {n: shop.folder / f"zero{n}.tflite" for n in layers}
    data = {n: np.random.default_rng(n).normal(0, 1, (5, *SIZE)).astype(np.float32) for n in layers}

    def make() -> None:
        signatures = {n: {"name": "serve", "input": SIZE, "layers": its} for n, its in layers.items()}
        shop.make({files[n]: {"signatures": [signatures[n]], "seed": n} for n in layers})

    make()
    found = shop.measure([{"model": m, "feed": {"x": data[n]}, "plain": True} for n, m in files.items()])
    for n, its in layers.items():
        its.append(["shift", -float(found[n].outputs["y"].min())])
    make()
    call = engine("core")
    below = 0
    for n, model in files.items():
        inputs = {"model": model, "samples": write_samples(shop.folder / f"zero{n}", "serve", x=data[n])}
        ranges = [
            json.loads((call("calibrate", p, inputs).outputs / "ranges.json").read_text())
            for p in ({}, {"kernels": "reference"})
        ]
        assert ranges[0] == ranges[1], n
        below += ranges[1]["serve/shift_1"][0] < 0
    assert 0 < below < len(layers), "values lie on both sides of zero, or this test tells nothing"


def test_what_stops_at_a_clamp_needs_no_reference_kernels(shop: Shop, engine: Callable[[str], Any]) -> None:
    """Each clamp is reached in half of the samples, no two in the same; the one that tells the error is enough."""
    model = shop.folder / "clamps.tflite"
    layers = [
        ["conv", 1, 1],
        ["scale", 1e3, "relu6"],  # 6 where the picture's one color is on one side, else 0
        ["max_pool"],
        ["shift", -3.01],
        ["scale", -1e3, "relu6"],  # the other way round
        ["pad"],
    ]
    shop.make({model: {"signatures": [{"name": "serve", "input": SIZE, "layers": layers}]}})
    colors = np.random.default_rng(3).normal(0, 100, (10, 1, 1, 1, 3))
    data = (np.concatenate([colors, -colors]) * np.ones((1, *SIZE))).astype(np.float32)
    inputs = {"model": model, "samples": write_samples(shop.folder / "clamps", "serve", x=data)}
    quick, slow = (engine("core")("calibrate", p, inputs) for p in ({}, {"kernels": "reference"}))
    found, wanted = (json.loads((r.outputs / "ranges.json").read_text()) for r in (quick, slow))
    assert found == wanted
    assert [r for name, r in found.items() if re.search("scale|pool|pad", name)] == [[0, 6]] * 4
    assert quick.done["reruns"] == 1


def test_a_range_spans_all_signatures_and_samples(shop: Shop, engine: Callable[[str], Any]) -> None:
    """The ranges of the union of two sets of samples are the unions of their ranges."""
    model = shop.folder / "union.tflite"
    signature = {"name": "serve", "input": SIZE, "layers": [["conv", 3, 3, "relu"], ["mean"], ["dense", 3]]}
    shop.make({model: {"signatures": [signature]}})
    random = np.random.default_rng(8)
    first, second = (random.normal(0, s, (3, *SIZE)).astype(np.float32) for s in (1, 3))
    found: list[Ranges] = []
    for number, data in enumerate((first, second, np.concatenate([first, second]))):
        folder = write_samples(shop.folder / f"union{number}", "serve", x=data)
        reply = engine("core")("calibrate", {}, {"model": model, "samples": folder})
        found.append(json.loads((reply.outputs / "ranges.json").read_text()))
    one, two, both = found
    for name, (low, high) in both.items():
        grid = max(abs(low), abs(high)) * 2.0**-8
        assert low == pytest.approx(min(one[name][0], two[name][0]), abs=grid)
        assert high == pytest.approx(max(one[name][1], two[name][1]), abs=grid)


def test_samples_decide_the_ranges_of_a_file(shop: Shop) -> None:
    """`samples = 4` takes the first four; a variant added later finds the ranges that are there."""
    source = shop.folder / "few.tflite"
    layers = [["conv", 4, 3], ["mean"], ["dense", 3]]
    shop.make({source: {"signatures": [{"name": "serve", "input": [1, 8, 8, 2], "layers": layers}]}})
    data = pictures(8)
    data[4:] *= 3
    toml = '[calibration]\ndata = "data.npz"\nsamples = {}\n[variant.int8]\nquantize = "int8"\nio = "int8"\n'
    for count in (4, 8):
        shop.tflite(f"first{count}", toml.format(count), source=source, x=data)
    said = shop.build("first4", "first8")
    few, all_ = shop.measure([{"model": said[f"first{n}"].file("int8")} for n in (4, 8)])
    for found, taken in ((few, data[:4]), (all_, data)):
        scale = found.tensor("serve/input")["scales"][0]
        assert scale * 255 == pytest.approx(taken.max() - taken.min(), rel=0.02)
    assert "calibrate" in said["first8"].ran
    later = shop.folder / "first8" / "model.toml"
    later.write_text(later.read_text() + '[variant.int16x8]\nquantize = "int16x8"\n')
    again = shop.build("first8")["first8"]
    assert again.ran == ["compare:int16x8", "pack:int16x8", "quantize:int16x8"]
