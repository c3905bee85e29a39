"""Masks, points and pictures that models make: through numpy, Kotlin and Swift to the same pixels and places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kinds_bed import Apps, jax_model
from preprocessing_cases import PHOTOS

from tflite_build.engines.content import Content
from tflite_build.engines.contract import TensorSpec
from tflite_build.engines.kinds import mask as masks
from tflite_build.engines.kinds.binding import Binding, bound
from tflite_build.engines.postprocessing import EXPECTED, mask
from tflite_build.engines.postprocessing.base import Around, Outputs
from tflite_build.engines.postprocessing.grid import Grid, grid
from tflite_build.engines.postprocessing.places import Places, places
from tflite_build.engines.preprocessing import image
from tflite_build.planning import bindings
from tflite_build.spec.load import load
from tflite_build.spec.signatures import tables

CODE = '''
import jax
import jax.numpy as jnp
import numpy as np

WEIGHTS = np.random.default_rng(5).normal(size=(3, 32)).astype("f") / 30

def parts(image, size, first, count):
    """Some numbers for each of size x size parts of the picture."""
    height, width = image.shape[1] // size, image.shape[2] // size
    means = image.reshape(1, size, height, size, width, 3).mean((2, 4))
    return jnp.tanh((means @ WEIGHTS)[..., first:first + count]) * 3

def street(image):
    """A score for each of four classes; y, x and score of six points; a picture."""
    points = jax.nn.sigmoid(parts(image * 40, 2, 4, 18).mean((1, 2)).reshape(1, 1, 6, 3))
    return {"what": parts(image * 40, 16, 0, 4), "points": points, "drawn": image[:, 4:28, 6:26] * 0.6 + 0.1}

def planes(image):
    """The same with channels first: one score; planes of five points; a picture of blue, green and red."""
    first = lambda x: x.transpose(0, 3, 1, 2)
    return {
        "sure": first(parts(image, 8, 0, 1)),
        "heat": first(parts(image, 8, 8, 5)),
        "painted": first(image[:, :20, ::2]) / 255 - 0.5,
    }

def numbers(image):
    """The number of a class; planes of three points with their offsets; a grey picture of whole pixels."""
    return {
        "class": jnp.argmax(parts(image, 12, 0, 5), -1).astype("int32"),
        "heat": parts(image, 6, 5, 3),
        "shift": parts(image, 6, 8, 6),
        "grey": jnp.round(image.mean(-1, keepdims=True)).astype("uint8"),
        "more": parts(image, 2, 14, 3).reshape(1, 12) * 9,
        "trust": parts(image, 2, 26, 1).reshape(1, 4),
    }
'''
IMAGE = '[input.image]\ndtype = "float32"\ncontent = "image"\n'
MODELS = {
    "street": jax_model(
        CODE,
        "street",
        f'{IMAGE}shape = [1, 32, 32, 3]\nmean = 127.5\nstd = 127.5\nfit = "letterbox"\n'
        '[result.parts]\nkind = "mask"\nmask = "what"\nactivation = "softmax"\nlabels = "labels.txt"\nthreshold = 0.4\n'
        'palette = ["#00000000", "#ff0000", "#00ff0080", "#0000ff"]\n'
        '[result.pose]\nkind = "keypoints"\npoints = "points"\naxes = "yxs"\nnames = ["a", "b", "c", "d", "e", "f"]\n'
        'edges = [["a", "b"], ["b", "f"]]\nscore_threshold = 0.5\n'
        '[result.drawing]\nkind = "image"\nimage = "drawn"\nmean = [127.5, 100, 90]\nstd = [127.5, 140, 150]\n',
        {"labels.txt": "ground\ncat\ndog\nbird\n"},
    ),
    "planes": jax_model(
        CODE,
        "planes",
        f'{IMAGE}shape = [1, 24, 40, 3]\nfit = "crop"\n'
        '[result.cat]\nkind = "mask"\nmask = "sure"\nactivation = "sigmoid"\nthreshold = 0.45\n'
        '[result.joints]\nkind = "keypoints"\nheatmap = "heat"\nactivation = "sigmoid"\nnames = "names.txt"\n'
        '[result.painting]\nkind = "image"\nimage = "painted"\ncolor_space = "bgr"\nmean = 127.5\nstd = 255\n',
        {"names.txt": "one\ntwo\nthree\nfour\nfive\n"},
    ),
    "numbers": jax_model(
        CODE,
        "numbers",
        f"{IMAGE}shape = [1, 36, 48, 3]\n"
        '[result.mask]\nkind = "mask"\nmask = "class"\npalette = "palette.txt"\n'
        '[result.corners]\nkind = "keypoints"\nheatmap = "heat"\noffsets = "shift"\nstride = 7.5\n'
        '[output.grey]\ncontent = "image"\n'
        '[result.places]\nkind = "keypoints"\npoints = "more"\nscores = "trust"\naxes = "x_y"\n'
        'coordinates = "pixel"\nactivation = "sigmoid"\n',
        {"palette.txt": "#112233\n#445566\n#778899\n#aabbcc\n"},
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_kotlin_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.kotlin_tests(name)) == 3


@pytest.mark.parametrize("name", MODELS)
def test_swift_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.swift_tests(name)) == 3


@pytest.mark.parametrize(
    ("content", "inputs", "kind"),
    [
        ("mask", "image", "mask"),
        ("mask", "feature", "tensor"),  # there is no picture that it is of
        ("image", "feature", "image"),
        ("keypoints", "image", "tensor"),  # nobody says which number is which
    ],
)
def test_what_content_alone_makes(content: str, inputs: str, kind: str, tmp_path: Path) -> None:
    spec = f'spec = 1\n[model]\nname = "m"\n[source]\nformat = "keras"\npath = "m.keras"\n[input.x]\ncontent = "{inputs}"\n'
    (tmp_path / "model.toml").write_text(f'{spec}[output.y]\ncontent = "{content}"\n', "utf-8")
    (own,) = tables(load(tmp_path / "model.toml", files=False).spec)
    assert [b.kind for b in bindings.results(own)] == [kind]


def test_the_formatter_finds_nothing(apps: Apps) -> None:
    apps.check_format()


Array = np.ndarray[Any, Any]
# What MODELS says of each picture: the size, and what is done to it.
PICTURES = {
    "street": ((32, 32), Content("image", "rgb", (127.5,), (127.5,), fit="letterbox")),
    "planes": ((40, 24), Content("image", "rgb", fit="crop")),
    "numbers": ((48, 36), Content("image", "rgb")),
}
COLORS = {
    "street": [0, 0xFFFF0000, 0x8000FF00, 0xFF0000FF],
    "numbers": [0xFF112233, 0xFF445566, 0xFF778899, 0xFFAABBCC],
}


def colored(classes: Array, colors: list[int]) -> Array:
    return np.array([*colors, *[0] * (256 - len(colors))], np.uint32)[classes]


def wanted(name: str, results: dict[str, Binding], outputs: dict[str, Array], where: Places) -> list[Array]:
    """What the programs write of a case."""

    def of(result: str) -> Outputs:
        specs = [TensorSpec(n, a.shape, a.dtype.name) for n, a in outputs.items()]
        found = bound(results[result], specs, "output")
        return Outputs(found, {role: outputs[t.name] for role, t in found.items()})

    def expected(result: str) -> Array:
        binding = results[result]
        return EXPECTED[binding.kind](binding, of(result), around)

    def points(result: str) -> Array:
        return expected(result)[:, 1:]

    def argb(result: str) -> Array:
        red, green, blue = np.moveaxis(expected(result).astype(np.uint32), -1, 0)
        return 0xFF << 24 | red << 16 | green << 8 | blue

    def plane(result: str, labels: int | None) -> tuple[masks.Mask, Grid, Array]:
        how = masks.of(results[result], of(result).tensors["mask"], labels)
        return how, grid(where, how.width, how.height), of(result).only

    lines = {"labels": ["ground", "cat", "dog", "bird"], "names": ["one", "two", "three", "four", "five"]}
    around = Around({"image": where}, lambda b, key: {"": lines[key]} if key in b.files else {})
    if name == "street":
        how, own, values = plane("parts", 4)
        classes, sure = mask.classes(how, values), mask.confidences(how, values)
        width, height = where.picture
        upright = where.picture if where.turns % 2 == 0 else where.picture[::-1]
        whole = own.nearest(classes, width, height, 255)
        seen = points("pose")[:, 0] >= np.float32(0.5)
        return [
            whole,
            own.nearest(classes, *upright, 255, upright=True),
            own.nearest(classes, 37, 29, 255),
            whole[height // 2, width // 3],
            sure[1],
            own.bilinear(sure[3], 41, 23),
            colored(own.nearest(classes, 19, 31, 255, upright=True), COLORS[name]),
            points("pose"),
            np.array([edge for edge in [(0, 1), (1, 5)] if all(seen[list(edge)])], np.uint32),
            argb("drawing"),
        ]
    if name == "planes":
        how, own, values = plane("cat", None)
        sure = own.bilinear(mask.confidences(how, values)[0], 33, 44, upright=True)
        return [expected("cat"), sure, points("joints"), argb("painting")]
    overlay = colored(expected("mask"), COLORS[name])
    return [expected("mask"), overlay, points("corners"), points("places"), argb("grey")]


def test_kotlin_swift_and_numpy_give_the_same_for_photographs(
    apps: Apps, engine: Callable[[str], Any], tmp_path: Path
) -> None:
    random = np.random.default_rng(11)
    lines, right = [], []
    for number in range(24):
        name = list(MODELS)[number % 3]
        size, content = PICTURES[name]
        height, width = (int(n) for n in random.integers(30, 110, 2))
        photo = PHOTOS[number % 2]
        top, left = (int(random.integers(0, d - n)) for d, n in zip(photo.shape, (height, width), strict=False))
        rgb = np.ascontiguousarray(photo[top : top + height, left : left + width])
        turns = number // 3 % 4
        upright = np.rot90(rgb, -turns)
        region = (3, 5, upright.shape[1] - int(random.integers(0, 9)), upright.shape[0] - int(random.integers(0, 9)))
        part = np.ascontiguousarray(upright[region[1] : region[3], region[0] : region[2]])
        made = image.fitted(image.Picture(part), content, size[1], size[0], content.color_space)
        np.savez(tmp_path / "in.npz", image=image.normalized(made, content)[None])
        folder = apps.shop.folder / name
        file = folder / "build" / name / f"{name}-float32.tflite"
        ran = engine("core")(
            "execute",
            {"signature": "serving_default", "dequantize": False},
            {"model": file, "data": tmp_path / "in.npz"},
        )
        assert ran.done is not None, ran
        with np.load(ran.outputs / "outputs.npz") as outputs:
            given = dict(outputs)
        (own,) = tables(load(folder / "model.toml").spec)
        results = {b.name: b for b in bindings.results(own)}
        where = places(content, size, (width, height), turns, region)
        right.append(wanted(name, results, given, where))
        (tmp_path / f"{number}.bin").write_bytes(rgb.tobytes())
        lines.append(" ".join(map(str, [name, width, height, 90 * turns, *region, tmp_path / f"{number}.bin"])))
    seen = [{int(n) for arrays in right[place::3] for n in np.unique(arrays[0])} for place in range(3)]
    assert [len(classes) for classes in seen] == [5, 3, 3], "of most classes, and of none"
    cases = tmp_path / "cases"
    cases.write_text("\n".join(lines) + "\n", "utf-8")
    apps.kotlin_answers("Vision", [cases, tmp_path / "kotlin"])
    apps.swift_answers("Vision", [cases, tmp_path / "swift"])
    for language in ("kotlin", "swift"):
        bits = np.fromfile(tmp_path / language, ">u4").astype(np.uint32)
        for line, arrays in zip(lines, right, strict=True):
            for place, array in enumerate(arrays):
                count, bits = int(bits[0]), bits[1:]
                found, bits = bits[:count], bits[count:]
                if array.dtype == np.float32:
                    np.testing.assert_allclose(
                        found.view(np.float32), array.reshape(-1), rtol=3e-7, atol=1e-6, err_msg=line
                    )
                else:
                    np.testing.assert_array_equal(found, array.reshape(-1), f"{language}, array {place} of {line}")
        assert not len(bits)
