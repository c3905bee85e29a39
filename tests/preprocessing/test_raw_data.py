"""Folders of pictures and sounds for [calibration] and [checks] accuracy, and every kind of labels, in whole builds."""

from __future__ import annotations

import io
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Said, Workshop
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images
from test_measures import measured

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "digits"
DIGITS = [round(i * 1797 / 120) for i in range(120)]
INK = np.rint(load_digits().images[DIGITS] * 255 / 16).astype(np.uint8)
CLASSES = load_digits().target[DIGITS]
INPUT = """
[input.image]
content = "image"
std = 15.9375
invert = true
"""
JAX = """
import jax.numpy as jnp

def energy(x):
    return {"y": (x.reshape(1, 8, 100) ** 2).mean(-1)}

def colors(x):
    return {"y": x.mean((1, 2))}

def boxes(x):
    return {"b": x[..., :4] * 1.0, "c": x[..., 4] * 1.0, "s": x[..., 5] * 1.0}

def shares(x):
    return {"y": x.reshape(1, 64).astype(jnp.float32) / 255}

def double(x):
    return {"y": x * 2, "z": x.sum(-1)}

def root(x):
    return {"y": jnp.sqrt(x + 1)}
"""
METRIC = """
import numpy as np
from limits import MOST

def score(outputs, labels):
    assert outputs["twice"].shape == (4, 1, 3) and set(outputs) == {"twice", "z"}, sorted(outputs)
    return np.minimum(np.abs(outputs["twice"][:, 0] - labels).max(), MOST)
"""


def png(pixels: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def wav(samples: Any, rate: int) -> bytes:
    data = samples.astype("<i2").tobytes()
    channels = samples.shape[1]
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def jax(function: str, input_: str, rest: str) -> str:
    return f'format = "jax"\nentry = "model.py:{function}"\n[input.x]\ndtype = "float32"\n{input_}\n{rest}'


def energies(samples: Any) -> Any:
    """What `energy` gives for frames of 800 samples, half of one apart."""
    mono = np.floor(samples.astype(np.int64).mean(1) * 256 + 0.5) / 2**23
    return np.stack([(mono[i : i + 800].reshape(8, 100) ** 2).mean(-1) for i in range(0, len(mono) - 799, 400)])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Any]) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("models"), module_cli)


SOUNDS = [np.random.default_rng(i).integers(-9000, 9000, (1000 + 400 * i, 2)) for i in range(3)]
PHOTOS = [image[:300, :400] for image in load_sample_images().images]
RANDOM = np.random.default_rng(5)
CORNERS = RANDOM.uniform(0, 0.5, (6, 5, 2))
BOXES = np.concatenate([CORNERS, CORNERS + RANDOM.uniform(0.1, 0.5, (6, 5, 2))], -1).astype(np.float32)
FOUND = np.concatenate(
    [BOXES + RANDOM.normal(0, 0.01, BOXES.shape), RANDOM.integers(0, 2, (6, 5, 1)), RANDOM.random((6, 5, 1))], -1
).astype(np.float32)
KINDS = RANDOM.integers(0, 2, (6, 5))


@pytest.fixture(scope="module")
def said(shop: Workshop) -> dict[str, Said]:
    keras = 'format = "keras"\npath = "digits.keras"\n'
    of_bytes = '[variant.bytes]\nquantize = "int8"\nio = "uint8"\n'
    int8 = '[variant.float32]\n[variant.int8]\nquantize = "int8"\nchecks.accuracy.max_drop = 0.05\n'
    names = [f"{c}/{i:03}.png" for i, c in enumerate(CLASSES)]
    pictures = {f"photos/{n}": png(255 - p) for n, p in zip(names, INK, strict=True)}
    table = "file,label\n" + "".join(f"{n},{c}\n" for n, c in zip(names, CLASSES, strict=True))
    unnamed = "[metadata]\nwrite = false\n"  # which has the model's name
    raw = unnamed + '[calibration]\ndata = "photos"\nsamples = 60\n[checks]\n'
    raw += 'accuracy = { data = "photos/", labels = "labels.csv", min = 0.9, max_drop = 0.01 }\n' + of_bytes
    files = {**pictures, "labels.csv": table, "photos/readme.txt": "Digits.", "photos/.hidden.png": "none"}
    order = np.argsort(names)
    arrays = (INK[order] / np.float32(15.9375)).astype(np.float32)[..., None]
    for name, rest, given, data in (
        ("raw", raw, files, {}),
        (
            "arrays",
            unnamed + '[calibration]\ndata = "data.npz"\n[checks]\naccuracy.data = "test.npz"\n',
            {},
            {"image": arrays[:60]},
        ),
        ("scale", '[calibration]\ndata = "data.npz"\n', {}, {"image": arrays[:60] * np.float32(15.9375)}),
        ("tiny", '[calibration]\ndata = "data.npz"\n', {}, {"image": arrays[:60] / np.float32(255)}),
        ("broken", raw, {**files, "photos/0/x.png": png(INK[0])[:60], "labels.csv": table + "0/x.png,0\n"}, {}),
        ("text", raw, {**files, "photos/0/x.jpg": "no picture", "labels.csv": table + "0/x.jpg,0\n"}, {}),
        ("unlabelled", raw, {**files, "labels.csv": table.partition(names[-1])[0]}, {}),
        ("mislabelled", raw, {**files, "labels.csv": table + "0/001.pgn,3\n"}, {}),
        ("words", raw, {**files, "labels.csv": table.replace(f"{names[3]},{CLASSES[3]}", f"{names[3]},three")}, {}),
        ("halves", raw, {**files, "labels.csv": table.replace(f"{names[3]},{CLASSES[3]}", f"{names[3]},0.5")}, {}),
        (
            "points",
            raw,
            {**files, "labels.csv": table.replace(f"{names[3]},{CLASSES[3]}", f"{names[3]},{CLASSES[3]}.0")},
            {},
        ),
        ("large", raw, {**files, "labels.csv": table.replace(f"{names[3]},{CLASSES[3]}", f"{names[3]},1e300")}, {}),
        ("classless", raw, {**files, "labels.csv": table.replace(f"{names[3]},{CLASSES[3]}", f"{names[3]},12")}, {}),
        ("empty", raw.replace('"photos"', '"none"'), {**files, "none/readme.txt": ""}, {}),
    ):
        variants = int8 if "accuracy" in rest else int8.replace("checks.accuracy.max_drop = 0.05\n", "")
        folder = shop.model(name, keras + INPUT + rest + variants, given, **data)
        shutil.copy(EXAMPLE / "digits.keras", folder)
    np.savez(shop.folder / "arrays" / "test.npz", image=arrays, labels=CLASSES[order])
    three = (
        keras + INPUT.replace("std = 15.9375", "std = [15.9375, 16, 16]") + '[calibration]\ndata = "data.npz"\n' + int8
    )
    folder = shop.model("channels", three.replace("checks.accuracy.max_drop = 0.05\n", ""), {}, image=arrays[:60])
    shutil.copy(EXAMPLE / "digits.keras", folder)

    labels = [energies(s).mean(0) for s in SOUNDS]
    columns = "file," + ",".join(f"e{i}" for i in range(8)) + "\n"
    rows = "".join(f"{i}.wav," + ",".join(str(v) for v in row) + "\n" for i, row in enumerate(labels))
    sounds = {f"sounds/{i}.wav": wav(s, 16000) for i, s in enumerate(SOUNDS)}
    sound = 'shape = [1, 800]\ncontent = "audio"\nsample_rate = 16000\nhop = 400'
    checks = '[checks]\naccuracy = { data = "sounds", labels = "labels.csv", metric = "mae", max = 0.1 }\n'
    shop.model("sound", jax("energy", sound, checks), {"model.py": JAX, "labels.csv": columns + rows, **sounds})
    sounds = {**{n: s[:-400] for n, s in sounds.items()}, "sounds/x.mp3": "ID3", "sounds/y.png": "broken"}
    shop.model("sound_cut", jax("energy", sound, checks), {"model.py": JAX, "labels.csv": columns + rows, **sounds})

    exif = Image.Exif()
    exif[0x0112] = 6
    photos: dict[str, bytes] = {}
    for i, pixels in enumerate(PHOTOS):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=95, exif=exif)
        photos[f"photos/{i}.jpg"] = file.getvalue()
    means = [np.rot90(p, -1)[50:350].mean((0, 1)) / 127.5 - 1 for p in PHOTOS]
    rows = "".join(f"{i}.jpg," + ",".join(map(str, row)) + "\n" for i, row in enumerate(means))
    photo = 'shape = [1, 30, 30, 3]\ncontent = "image"\nmean = 127.5\nstd = 127.5\nresize = "area"\nfit = "crop"'
    checks = '[checks]\naccuracy = { data = "photos", labels = "l.csv", metric = "mse", max = 1e-4, max_drop = 1e-6 }\n'
    shop.model("photo", jax("colors", photo, checks), {"model.py": JAX, "l.csv": "file,r,g,b\n" + rows, **photos})

    outputs = "".join(
        f'[output.{n}]\nfrom = "{n[0]}"\ncontent = "{c}"\n'
        for n, c in (("b_out", "boxes"), ("c_out", "classes"), ("s_out", "scores"))
    )
    detect = jax("boxes", "shape = [1, 5, 6]", outputs + '[checks]\naccuracy = { data = "data.npz", metric = "mAP" }\n')
    shop.model("detect", detect, {"model.py": JAX}, x=FOUND, **{"labels/boxes": BOXES, "labels/classes": KINDS})

    own = '[output.twice]\nfrom = "y"\n[checks.accuracy]\ndata = "data.npz"\nentry = "metric.py:score"\n'
    own += 'better = "lower"\nmax = 0.25\n'
    given = {"model.py": JAX, "metric.py": METRIC, "limits.py": "MOST = 9.0\n"}
    values = RANDOM.normal(0, 1, (4, 3)).astype(np.float32)
    shop.model("own", jax("double", "shape = [1, 3]", own), given, x=values, labels=values * 2 + np.float32(0.5))
    loose = '[calibration]\ndata = "heard.npz"\n[checks]\n'
    loose += 'accuracy = { data = "data.npz", metric = "mse", max = 1.0, max_drop = 1e-9 }\n[variant.float32]\n'
    loose += '[variant.int8]\nquantize = "int8"\n[variant.loose]\nquantize = "int8"\nchecks.accuracy.max_drop = 1\n'
    loose = jax("energy", "shape = [1, 800]", loose)
    heard = RANDOM.normal(0, 1, (20, 800)).astype(np.float32)
    wanted = (heard.reshape(20, 8, 100) ** 2).mean(-1)
    folder = shop.model("rises", loose, {"model.py": JAX}, x=heard, labels=wanted)
    np.savez(folder / "heard.npz", x=heard)
    labels_of_all = "file," + ",".join(f"p{i}" for i in range(64)) + "\n"
    labels_of_all += "".join(f"{i}.png," + ",".join(["0.5"] * 64) + "\n" for i in range(3))
    plain = {"model.py": JAX, "l.csv": labels_of_all, **{f"photos/{i}.png": png(255 - INK[i]) for i in range(3)}}
    checks = '[checks]\naccuracy = { data = "photos", labels = "l.csv", metric = "mae" }\n'
    for name, more in (("pixels", ""), ("normalized", "std = 255\n")):
        tables = jax("shares", 'shape = [1, 8, 8, 1]\ncontent = "image"\n' + more, checks)
        shop.model(name, tables.replace("float32", "uint8"), plain)
    failing = {**given, "metric.py": "def score(outputs, labels):\n    return outputs['q']\n"}
    shop.model("failing", jax("double", "shape = [1, 3]", own), failing, x=values, labels=values)
    huge = {**given, "metric.py": "def score(outputs, labels):\n    return 10**5000\n"}
    shop.model("huge", jax("double", "shape = [1, 3]", own), huge, x=values, labels=values)
    root = '[checks]\naccuracy = { data = "data.npz", metric = "mae" }\n[variant.float32]\n'
    below = np.array([[0, 0, 0], [1, -9, 1]], np.float32)
    shop.model("no_number", jax("root", "shape = [1, 3]", root), {"model.py": JAX}, x=below, labels=below)
    arrays = {"x": FOUND, "labels/boxes": BOXES, "labels/classes": KINDS}
    shop.model("two_of_boxes", detect.replace('"scores"', '"boxes"'), {"model.py": JAX}, **arrays)
    shop.model("no_box", detect, {"model.py": JAX}, **{**arrays, "labels/classes": KINDS * 0 - 1})
    return shop.build()


@pytest.mark.parametrize("name", ["raw", "arrays", "sound", "photo", "detect"])
def test_it_is_built(name: str, said: dict[str, Said]) -> None:
    assert said[name].ok, said[name].told


def test_pictures_are_what_the_same_arrays_are(said: dict[str, Said]) -> None:
    raw, arrays = said["raw"], said["arrays"]
    assert raw.sha256("int8") == arrays.sha256("int8"), "calibrated with other numbers"
    for variant in ("float32", "int8"):
        assert raw.variants[variant]["accuracy"] == arrays.variants[variant]["accuracy"] > 0.9


def test_what_is_no_picture_is_said(said: dict[str, Said]) -> None:
    (warning,) = {w for w in said["raw"].value["warnings"] if "readme" in w}
    assert warning == "'photos' holds 1 file that is no picture: 'readme.txt'"


def test_what_is_no_sound_and_what_is_cut_off_is_said(said: dict[str, Said], shop: Workshop) -> None:
    warnings = [
        "'sounds' holds 2 files that are no WAV sound: 'x.mp3' and 'y.png'",
        "in 'sounds' '0.wav', '1.wav' and '2.wav' end before they say, and are taken as far as there is sound",
    ]
    assert said["sound_cut"].ok and said["sound_cut"].value["warnings"] == warnings
    for _ in range(2):  # from the snapshot, and where a limit is missed
        ran = shop.cli("check", shop.folder / "sound_cut")
        assert [row for row in ran.text.splitlines() if row.startswith("warning:")] == [
            f"warning: sound_cut: {text}" for text in warnings
        ], ran.text
        spec = shop.folder / "sound_cut" / "model.toml"
        spec.write_text(spec.read_text().replace("max = 0.1", "max = 1e-12"))
    assert ran.code == 4


def test_a_point_and_a_zero_is_a_whole_number(said: dict[str, Said]) -> None:
    assert said["points"].variants["int8"]["accuracy"] == said["raw"].variants["int8"]["accuracy"]


def test_frames_have_the_label_of_their_sound(said: dict[str, Said]) -> None:
    errors = [np.abs(energies(s) - energies(s).mean(0)) for s in SOUNDS]
    assert [len(e) for e in errors] == [1, 2, 3]
    assert said["sound"].variants["float32"]["accuracy"] == pytest.approx(np.concatenate(errors).mean(), rel=1e-3)
    assert said["sound"].variants["float32"]["metric"] == "mae"


def test_a_photograph_is_turned_cut_and_averaged(said: dict[str, Said]) -> None:
    assert said["photo"].variants["float32"]["accuracy"] < 1e-5


def test_boxes(said: dict[str, Said]) -> None:
    outputs = {"b": FOUND[:, None, :, :4], "c": FOUND[:, None, :, 4], "s": FOUND[:, None, :, 5]}
    expected = measured("mAP", outputs, {"boxes": BOXES, "classes": KINDS}, boxes="b", classes="c", scores="s")
    assert 0.05 < expected < 0.95
    assert said["detect"].variants["float32"]["accuracy"] == pytest.approx(expected, abs=1e-3)


def test_less_is_better_and_a_variant_has_limits_of_its_own(said: dict[str, Said]) -> None:
    (error,) = said["rises"].errors
    assert (error["code"], error["key"]) == (4, "checks.accuracy.max_drop")
    said_ = r"variant 'int8' rises from \S+ to \S+ in mse; at most 1e-09 more is wanted"
    assert re.fullmatch(said_, error["message"]), error["message"]


def test_a_quantized_source_takes_the_same_pictures(said: dict[str, Said], shop: Workshop) -> None:
    checks = '[checks]\naccuracy = { data = "../raw/photos", labels = "../raw/labels.csv" }\n'
    file = {"digits.tflite": said["raw"].file("bytes").read_bytes()}
    shop.model("quantized", 'format = "tflite"\npath = "digits.tflite"\n' + INPUT + checks, file)
    made = shop.build("quantized")["quantized"]
    assert made.ok, made.told
    assert made.variants["float32"]["accuracy"] == said["raw"].variants["bytes"]["accuracy"]


def test_an_input_of_bytes_takes_pixels(said: dict[str, Said]) -> None:
    assert said["pixels"].ok, said["pixels"].told
    expected = np.mean([np.abs(p / 255 - 0.5) for p in 255 - INK[:3]])
    assert said["pixels"].variants["float32"]["accuracy"] == pytest.approx(expected, rel=1e-5)


def test_what_is_measured_without_a_limit_is_shown(shop: Workshop) -> None:
    assert "[checks]\naccuracy.data" in (shop.folder / "arrays" / "model.toml").read_text()
    ran = shop.cli("check", shop.folder / "arrays")
    rows = [line.split() for line in ran.out.splitlines() if " accuracy " in line]
    assert ran.code == 0, ran.text
    assert [(row[0], row[2], row[-3:]) for row in rows] == [
        (variant, "top1", ["no", "limit", "ok"]) for variant in ("float32",)
    ]


def test_messages(said: dict[str, Said], snapshot: Any) -> None:
    names = (
        "scale",
        "tiny",
        "broken",
        "text",
        "unlabelled",
        "mislabelled",
        "words",
        "halves",
        "large",
        "classless",
        "empty",
        "own",
        "failing",
        "huge",
        "no_number",
        "two_of_boxes",
        "no_box",
        "normalized",
        "channels",
    )
    assert "\n\n".join(f"{name}\n{said[name].told}" for name in names) == snapshot


def test_what_was_changed_runs_again_and_nothing_else(said: dict[str, Said], shop: Workshop) -> None:
    assert shop.build("raw")["raw"].ran == []
    spec = shop.folder / "raw" / "model.toml"
    text = spec.read_text("utf-8")
    spec.write_text(text.replace("invert = true", "invert = false"), "utf-8")
    inverted = shop.build("raw")["raw"]
    assert {e["code"] for e in inverted.errors} == {4}, "a wrong preprocessing shows here and not in the app"
    assert "convert" not in inverted.ran and "preprocess:labelled" in inverted.ran
    spec.write_text(text, "utf-8")
    assert shop.build("raw")["raw"].ran == []
    picture = next((shop.folder / "raw" / "photos" / "3").iterdir())
    picture.write_bytes(png(255 - INK[0]))
    assert "preprocess:labelled" in shop.build("raw")["raw"].ran
    new = picture.with_name("new.png")
    new.write_bytes(png(255 - INK[0]))
    assert "has no label for '3/new.png'" in shop.build("raw")["raw"].text
    new.unlink()
    assert shop.build("raw")["raw"].ok
    metric = shop.folder / "own" / "limits.py"
    metric.write_text("MOST = 0.125\n", "utf-8")
    own = shop.build("own")["own"]
    assert own.ok, own.told
    assert own.ran == ["accuracy", "accuracy:float32"]
    assert own.variants["float32"]["accuracy"] == 0.125
