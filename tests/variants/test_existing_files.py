"""A .tflite file that somebody else made: with several signatures or none, dynamic, damaged, or no .tflite file at all."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import CLASSIFIER, Shop, cosine, pictures
from syrupy.assertion import SnapshotAssertion

FIXTURES = Path(__file__).parents[1] / "fixtures" / "tflite"
DATA = '[calibration]\ndata = "data.npz"\n'
ALL = '[variant.none]\n[variant.int8]\nquantize = "int8"\n[variant.int16x8]\nquantize = "int16x8"\n' + DATA
RNG = np.random.default_rng(2)


def _noise(*shape: int) -> Any:
    return RNG.normal(0, 1, shape).astype(np.float32)


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("config.json"), "{}")
    return file.getvalue()


ADD = {"add/left": _noise(20, 4), "add/right": _noise(20, 4)}
SCALE = {"scale/values": _noise(20, 4), "scale/factor": _noise(20)}
NOT_TFLITE: Mapping[str, bytes] = {
    "empty": b"",
    "text": b"spec = 1\n" * 20,
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(200),
    "archive": _zip(),
    "short": b"\x1c\x00\x00\x00TFL3",
    "identifier_alone": b"\x08\x00\x00\x00TFL3" + bytes(40),
    "lies": b"\x1c\x00\x00\x00TFL3" + b"\xff" * 200,
    "older_schema": b"\x1c\x00\x00\x00TFL2" + bytes(200),
}
# Tensors of the same names in both signatures, as several exporters write them.
TWINS = {
    "signatures": [
        {"name": name, "prefix": "same", "input": [1, 6], "layers": [["dense", units]]}
        for name, units in (("a", 3), ("b", 5))
    ]
}
UNNAMED = '[input.picture]\nfrom = "classify_image"\n'
UNKNOWN_INPUT = "[input.picture]\nrange = [0, 1]\n"
UNKNOWN_SIGNATURE = "[signature.ad.input.left]\nrange = [0, 1]\n"


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    """One build of all of them, the damaged ones apart."""
    for name, toml, arrays in (
        ("two-signatures", ALL, {**ADD, **SCALE}),
        ("no-signature", ALL, {"classify_image": _noise(10, 8, 8, 2)}),
        ("dynamic-shape", ALL, {"rows": _noise(10, 3, 8)}),
        ("variable", "[variant.none]\n", {}),
        ("int8", "[variant.none]\n", {}),
        ("custom", "[variant.none]\n", {}),
    ):
        shop.tflite(name, toml, source=FIXTURES / f"{name}.tflite", **arrays)
    twins = shop.folder / "twins.tflite"
    shop.make({twins: TWINS})
    toml = f'[variant.int8]\nquantize = "int8"\nio = "int8"\n[variant.dynamic]\nquantize = "dynamic-int8"\n{DATA}'
    shop.tflite("twins", toml, source=twins, **{"a/x": _noise(10, 6), "b/x": 5 * _noise(10, 6)})
    for name, data in NOT_TFLITE.items():
        shop.tflite(name, "[variant.none]\n", source=data)
    shop.tflite("unnamed", UNNAMED, source=FIXTURES / "no-signature.tflite")
    shop.tflite("unknown_input", UNKNOWN_INPUT, source=FIXTURES / "float32.tflite")
    shop.tflite("unknown_signature", UNKNOWN_SIGNATURE, source=FIXTURES / "two-signatures.tflite")
    counts = {**ADD, **SCALE, "add/right": _noise(19, 4)}
    shop.tflite("unequal_counts", ALL, source=FIXTURES / "two-signatures.tflite", **counts)
    return shop.build()


MISTAKES = [*NOT_TFLITE, "custom", "unnamed", "unknown_input", "unknown_signature", "unequal_counts"]


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name: str, said: dict[str, Said], shop: Shop, snapshot: SnapshotAssertion) -> None:
    assert said[name].told == snapshot(name=name)
    assert {e["code"] for e in said[name].errors} == {1 if name == "custom" else 2}
    assert not list((shop.folder / name).rglob("*-*.tflite"))


def test_signatures_keep_their_names_and_compute_the_same(said: dict[str, Said], shop: Shop) -> None:
    name = "two-signatures"
    assert not said[name].errors, said[name].told
    fresh = {"left": _noise(8, 4), "right": _noise(8, 4)}, {"values": _noise(8, 4), "factor": _noise(8)}
    wanted = fresh[0]["left"] + fresh[0]["right"], fresh[1]["values"] * fresh[1]["factor"][:, None] + 1
    for variant, most in (("none", 1e-6), ("int8", 0.2), ("int16x8", 0.01)):
        file = said[name].file(variant)
        add, scale = shop.measure(
            [
                {"model": file, "feed": fresh[0], "signature": "add"},
                {"model": file, "feed": fresh[1], "signature": "scale"},
            ]
        )
        # Where a fresh value lies outside of what calibration saw it is clamped; most do not.
        assert np.quantile(np.abs(add.outputs["sum"] - wanted[0]), 0.8) <= most
        assert np.quantile(np.abs(scale.outputs["scaled"] - wanted[1]), 0.8) <= most
    rows = {(o["signature"], o["name"]): o for o in said[name].variants["int8"]["outputs"]}
    assert set(rows) == {("add", "sum"), ("scale", "scaled")}
    assert said[name].variants["int8"]["cosine"] == min(o["cosine"] for o in rows.values())


def test_tensors_of_equal_names_keep_their_own_ranges(said: dict[str, Said], shop: Shop) -> None:
    assert not said["twins"].errors, said["twins"].told
    source, file = shop.folder / "twins.tflite", said["twins"].file("int8")
    for name, scale in (("a", 1), ("b", 5)):
        feed = {"signature": name, "feed": {"x": scale * _noise(6, 1, 6)}}
        wanted, got = shop.measure([{"model": source, **feed}, {"model": file, **feed}])
        assert cosine(got.outputs["y"], wanted.outputs["y"]) > 0.99
    (holds,) = shop.measure([{"model": file}])
    inputs = [t["scales"][0] for t in holds.value["tensors"] if t["name"] == "same/input"]
    assert len(inputs) == 2
    assert inputs[1] > 3 * inputs[0]


@pytest.mark.parametrize(("name", "end"), [("no-signature", "classify_image"), ("dynamic-shape", "rows")])
def test_files_without_signatures_and_with_open_shapes(name: str, end: str, said: dict[str, Said], shop: Shop) -> None:
    assert not said[name].errors, said[name].told
    x = {end: _noise(6, 1, 8, 8, 2) if name == "no-signature" else _noise(6, 5, 8)}
    source, *made = shop.measure(
        [
            {"model": m, "feed": x}
            for m in (FIXTURES / f"{name}.tflite", *map(said[name].file, ("none", "int8", "int16x8")))
        ]
    )
    (output,) = source.outputs
    for found, least in zip(made, (1.0, 0.99, 0.999), strict=True):
        assert set(found.outputs) == {output}
        assert found.outputs[output].shape == source.outputs[output].shape
        assert cosine(found.outputs[output], source.outputs[output]) >= least - 1e-9
    np.testing.assert_array_equal(made[0].outputs[output], source.outputs[output])


def test_a_file_is_taken_over_byte_by_byte_where_there_is_nothing_to_put_right(said: dict[str, Said]) -> None:
    for name in ("variable", "two-signatures"):
        assert said[name].file("none").read_bytes() == (FIXTURES / f"{name}.tflite").read_bytes()
        assert said[name].variants["none"]["max_abs"] == 0


def test_damaged_files(shop: Shop) -> None:
    """Whatever is damaged: a file that the runtime still runs, or one clear error."""
    chance = random.Random(7)
    small = shop.folder / "damaged_source.tflite"
    shop.make({small: CLASSIFIER})
    sources = [small.read_bytes(), *(p.read_bytes() for p in sorted(FIXTURES.glob("*.tflite")))]
    names = []
    for number in range(90):
        first = number % 2 == 0
        data = bytearray(sources[0] if first else chance.choice(sources[1:]))
        at = chance.randrange(len(data))
        match number % 5:
            case 0:
                del data[at:]
            case 1:
                data[at : at + 8] = chance.randbytes(8)
            case 2:
                data[chance.randrange(200)] ^= 1 << chance.randrange(8)
            case _:
                for _ in range(3):
                    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        toml = "[variant.none]\n" + ('[variant.int8]\nquantize = "int8"\n' + DATA if first else "")
        shop.tflite(f"damaged{number}", toml, source=bytes(data), **({"x": pictures(2)} if first else {}))
        names.append(f"damaged{number}")
    outcomes = shop.build(*names)
    assert set(outcomes) == set(names)
    for name, said in outcomes.items():
        files = list((shop.folder / name / "build").rglob("*.tflite"))
        if not said.errors:
            assert files
            continue
        assert {e["code"] for e in said.errors} <= {1, 2}, said.told
        assert 'File "' not in said.told
        assert all(e["line"] for e in said.errors), said.told
        assert not [f for f in files if f.parent.name != "rejected"]
    broken = [n for n, s in outcomes.items() if s.errors]
    assert 30 < len(broken) < 90
