"""Cases of preprocessing and postprocessing for code that apps share, whatever its language, with what has to come back.

A program reads a file of cases, a line each, and one with their data, and writes the arrays that it made, big-endian.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_sample_images

from tflite_build.engines.content import Content
from tflite_build.engines.preprocessing import image, pixels, sound

SPECS = Path(__file__).resolve().parents[1] / "specs" / "preprocessing"
VECTORS = json.loads((SPECS / "vectors.json").read_text("utf-8"))
TABLE = sound.read_table(SPECS / "resample.json")
PHOTOS = [np.ascontiguousarray(photo) for photo in load_sample_images().images]  # 427 x 640, RGB
# Runs the program on files with cases, with data, and for answers; gives the bytes of each answer, a line each.
Run = Callable[[Sequence[Path]], str]


@dataclass
class Cases:
    """Cases for the program, and what has to come back of each."""

    lines: list[str] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)
    wanted: list[tuple[str, list[np.ndarray[Any, Any]]]] = field(default_factory=list)

    def add(self, name: str, what: str, words: dict[str, Any], wanted: Sequence[np.ndarray[Any, Any]]) -> None:
        """A case whose answer is `wanted`, array after array; bytes and arrays among `words` go to the data."""
        said = []
        for key, value in words.items():
            if isinstance(value, np.ndarray):
                value = f"{len(self.data)},{value.nbytes}", np.ascontiguousarray(value).tobytes()
                self.data += value[1]
                value = value[0]
            elif isinstance(value, (tuple, list)):
                value = ",".join(map(str, value))
            said.append(f"{key}={value}")
        self.lines.append(" ".join([what, *said]))
        self.wanted.append((name, [np.asarray(array) for array in wanted]))

    def wrong(self, run: Run, tmp_path: Path) -> list[str]:
        """What comes back otherwise than it has to: exact, but for floats that are not of one operation."""
        files = [tmp_path / name for name in ("cases", "data", "answers")]
        files[0].write_text("\n".join(self.lines) + "\n", "utf-8")
        files[1].write_bytes(self.data)
        sizes = [int(line) for line in run(files).split()]
        answers, at = files[2].read_bytes(), 0
        found = []
        for size, (name, arrays) in zip(sizes, self.wanted, strict=True):
            if size != sum(array.nbytes for array in arrays):
                found.append(f"{name}: {size} bytes")
                at += size
                continue
            for number, array in enumerate(arrays):
                given = np.frombuffer(answers, array.dtype.newbyteorder(">"), array.size, at).reshape(array.shape)
                at += array.nbytes
                if array.dtype.kind == "f":
                    same = np.allclose(given, array, rtol=1e-6, atol=1e-6, equal_nan=True)
                else:
                    same = np.array_equal(given, array)
                if not same:
                    worst = np.abs(given.astype(float) - array.astype(float)).max()
                    found.append(f"{name}: array {number} differs by up to {worst}")
        assert at <= len(answers)
        return found


def part_of_photo(random: np.random.Generator, number: int, lowest: int, highest: int) -> np.ndarray[Any, Any]:
    """A part of a photograph, whose height and width are from `lowest` up to below `highest`."""
    photo = PHOTOS[number % len(PHOTOS)]
    height, width = (int(n) for n in random.integers(lowest, highest, 2))
    top, left = (int(random.integers(0, d - n)) for d, n in zip(photo.shape, (height, width), strict=False))
    return np.ascontiguousarray(photo[top : top + height, left : left + width])


def picture_case(
    cases: Cases,
    name: str,
    source: dict[str, Any],
    raw: np.ndarray[Any, Any],
    content: Content,
    target: tuple[int, int],
    *,
    orientation: int = 1,
    rotation: int | None = None,
    region: tuple[int, int, int, int] | None = None,
    first: bool = False,
) -> None:
    """`source` is how the program gets the pixels `raw`, (height, width, channels); `target` height and width."""
    upright = pixels.oriented(raw, orientation) if rotation is None else np.rot90(raw, -rotation // 90)
    left, top, right, bottom = region or (0, 0, upright.shape[1], upright.shape[0])
    part = upright[top:bottom, left:right]
    made = image.fitted(image.Picture(part), content, *target, content.color_space)
    values = image.normalized(made, content)
    placed = (lambda a: a.transpose(2, 0, 1)) if first else (lambda a: a)
    scales = ((0.02, 3, "int8"), (0.5, 100, "uint8"), (0.001, 0, "int16"))
    said = {
        **source,
        "to": target[::-1],
        "color": content.color_space.upper(),
        **{key: getattr(content, key) for key in ("mean", "std", "invert", "antialias", "fill")},
        "resize": content.resize.upper(),
        "fit": content.fit.upper(),
        "first": first,
        **({"orientation": orientation} if rotation is None else {"rotation": rotation}),
        **({"region": region} if region else {}),
    }
    points = transformed(content, target, (left, top, right, bottom), upright.shape, orientation, rotation)
    wanted = [
        made,
        placed(made),
        placed(values),
        *(placed(image.quantized(values, *scale)) for scale in scales),
        points,
    ]
    cases.add(name, "picture", said, wanted)


def transformed(content, target, region, upright, orientation, rotation) -> np.ndarray[Any, Any]:
    """Where three points of the tensor lie in the upright picture and in the one in memory."""
    left, top, right, bottom = region
    height, width = target
    fit = image.fit(right - left, bottom - top, width, height, content.fit)
    orientation = orientation if rotation is None else {0: 1, 90: 6, 180: 3, 270: 8}[rotation]
    swaps = 5 <= orientation <= 8  # any beyond 8 is as 1
    made = []
    for x, y in ((0, 0), (width, 0), (0.5, height - 0.25)):
        u = left + fit.taken.left + (x - fit.filled.left) * fit.taken.width / fit.filled.width
        v = top + fit.taken.top + (y - fit.filled.top) * fit.taken.height / fit.filled.height
        mirrored = upright[1] - u if orientation in (2, 3, 6, 7) else u
        flipped = upright[0] - v if orientation in (3, 4, 7, 8) else v
        made += [u, v, *((flipped, mirrored) if swaps else (mirrored, flipped))]
    return np.array(made, np.float32)


def vectors() -> Cases:
    """All of vectors.json, with what it says."""
    cases = Cases()
    for case in VECTORS["pictures"]:
        given, said = case["picture"], case["parameters"]
        shape = given["height"], given["width"], given["channels"]
        raw = np.array(given["pixels"], np.uint8).reshape(shape)
        kind = {1: "GRAY", 2: "GRAY_ALPHA", 3: "RGB", 4: "RGBA"}[shape[2]]
        source = {"kind": kind, "width": shape[1], "height": shape[0], "data": raw}
        parameters = {key: value for key, value in said.items() if key not in ("height", "width")}
        content = Content.from_json({"kind": "image", **parameters})
        target = said["height"], said["width"]
        picture_case(cases, case["name"], source, raw, content, target, orientation=given["orientation"])
        made = cases.wanted[-1][1]  # what the file says, and not what numpy gives today
        made[0] = np.array(case["pixels"], np.uint8).reshape(made[0].shape)
        made[2] = np.array(case["values"], np.float32).reshape(made[2].shape)
    for case in VECTORS["quantized"]:
        quantized_case(cases, np.array(case["real"], np.float32), case["scale"], case["zero_point"], case["dtype"])
        cases.wanted[-1][1][0] = np.array(case["values"], np.int32)
    for case in VECTORS["sounds"]:
        samples = np.array(case["samples"], np.int64).reshape(-1, case["channels"])
        said = case["parameters"]
        sound_case(cases, case["name"], "raw", samples.astype("<i4"), samples, case["rate"], **said)
        cases.wanted[-1][1][:] = [np.array(case["resampled"], np.int32), sound.real(np.array(case["frames"]))]
    assert len(cases.lines) == sum(len(VECTORS[key]) for key in ("pictures", "quantized", "sounds"))
    return cases


def quantized_case(cases: Cases, real: np.ndarray[Any, Any], scale: float, zero: int, dtype: str) -> None:
    with np.errstate(all="ignore"):
        stored = image.quantized(np.nan_to_num(real, nan=0, posinf=np.inf, neginf=-np.inf), scale, zero, dtype)
    again = (stored.astype(np.float32) - np.float32(zero)) * np.float32(scale)
    words = {"scale": scale, "zero": zero, "dtype": dtype.upper(), "data": real.astype("<f4")}
    cases.add(f"{dtype} {scale}", "quantized", words, [stored.astype(np.int32), again])


def sound_case(
    cases: Cases,
    name: str,
    kind: str,
    data: np.ndarray[Any, Any],
    samples: np.ndarray[Any, Any],
    rate: int,
    *,
    sample_rate: int,
    length: int,
    hop: int | None,
    mean: float = 0.0,
    std: float = 1.0,
) -> None:
    """`data` is what the program gets, and `samples` the same in 24 bits, (count, channels)."""
    whole = sound.resampled(sound.mono(samples), rate, sample_rate, TABLE)
    content = Content("audio", mean=(mean,), std=(std,))
    frames = image.normalized(sound.real(sound.frames(whole, length, hop)), content)
    words = {"kind": kind, "channels": samples.shape[1], "rate": rate, "to": sample_rate, "length": length}
    words |= {"mean": mean, "std": std, "data": data, **({} if hop is None else {"hop": hop})}
    cases.add(name, "sound", words, [whole.astype(np.int32), frames])


def argb(raw: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(height, width, 4) RGBA as packed ints."""
    return np.ascontiguousarray(raw[..., [2, 1, 0, 3]]).view("<i4")[..., 0]


# Of each encoding: black, and what Y, V in red, U and V in green, and U in blue count, in 1/65536.
YUV = {
    "601_full": (0, 65536, 91881, 22554, 46802, 116130),
    "601_video": (16, 76309, 104597, 25675, 53279, 132201),
    "709_full": (0, 65536, 103206, 12276, 30679, 121609),
    "709_video": (16, 76309, 117489, 13975, 34925, 138438),
}


def yuv_to_rgb(y, u, v, encoding: str = "601_full") -> np.ndarray[Any, Any]:
    """Chroma as it is, in fractions of 65536."""
    height, width = y.shape
    black, bright, red_v, green_u, green_v, blue_u = YUV[encoding]
    u, v = (plane.repeat(2, 0).repeat(2, 1)[:height, :width].astype(np.int64) - 128 for plane in (u, v))
    y = (y.astype(np.int64) - black) * bright
    channels = [y + red_v * v, y - green_u * u - green_v * v, y + blue_u * u]
    return np.clip(np.stack(channels, -1) + 32768 >> 16, 0, 255).astype(np.uint8)


def some_content(random: np.random.Generator) -> Content:
    space = str(random.choice(["rgb", "bgr", "grayscale"]))
    channels = 1 if space == "grayscale" else 3
    several = channels if random.random() < 0.5 else 1
    resize = str(random.choice(["nearest", "bilinear", "area"]))
    return Content(
        "image",
        space,
        mean=tuple(random.uniform(0, 255, several).astype(np.float32).tolist()),
        std=tuple(random.uniform(1, 255, several).astype(np.float32).tolist()),
        invert=bool(random.random() < 0.3),
        resize=resize,
        antialias=resize == "bilinear" and bool(random.random() < 0.5),
        fit=str(random.choice(["stretch", "crop", "letterbox"])),
        fill=tuple(random.integers(0, 256, several).tolist()),
    )


def some_source(random: np.random.Generator, raw: np.ndarray[Any, Any]) -> tuple[dict[str, Any], np.ndarray[Any, Any]]:
    """How a picture is given to the program, and the pixels that it then stands for."""
    height, width, _ = raw.shape
    size = {"width": width, "height": height}
    kind = str(random.choice(["argb", "bitmap", "rgba_image", "nv21", "nv12", "i420", "image", "RGB", "BGR", "RGBA", "BGRA",
                              "GRAY", "GRAY_ALPHA"]))  # fmt: skip
    alpha = random.integers(0, 256, (height, width, 1), np.uint8) | random.choice(np.array([0, 255], np.uint8))
    rgba = np.concatenate([raw, alpha], -1)
    if kind in ("argb", "bitmap"):
        return {"kind": kind, **size, "data": argb(rgba)}, rgba
    if kind in ("nv21", "nv12", "i420", "image"):
        return some_yuv(random, kind, raw)
    gray = raw[..., :1]
    shown = {"RGB": raw, "BGR": raw, "GRAY": gray, "GRAY_ALPHA": np.concatenate([gray, alpha], -1)}.get(kind, rgba)
    stored = shown[..., [2, 1, 0, 3][: shown.shape[-1]]] if kind.startswith("BGR") else shown
    if kind != "rgba_image" and random.random() < 0.5:
        return {"kind": kind, **size, "data": stored}, shown
    lines = stored.reshape(height, -1)
    spare = int(random.integers(0, 9))
    padded = np.concatenate([lines, np.full((height, spare), 77, np.uint8)], -1)
    data = padded.reshape(-1)[: padded.size - spare]  # the last row often has no gap
    direct = bool(random.random() < 0.5)
    return {"kind": kind, **size, "data": data, "stride": padded.shape[1], "direct": direct}, shown


def some_yuv(random, kind: str, raw: np.ndarray[Any, Any]) -> tuple[dict[str, Any], np.ndarray[Any, Any]]:
    height, width, _ = raw.shape
    y = raw[..., 1]
    u, v = (np.ascontiguousarray(raw[::2, ::2, c]) for c in (0, 2))
    size = {"width": width, "height": height}
    turns = np.stack([v, u] if kind == "nv21" else [u, v], -1)
    if kind != "image":
        chroma = [u, v] if kind == "i420" else [turns]
        data = np.concatenate([y.reshape(-1), *(plane.reshape(-1) for plane in chroma)])
        return {"kind": kind, **size, "data": data}, yuv_to_rgb(y, u, v)
    step = int(random.integers(1, 3))
    planes, strides = [], []
    for plane, gap in ((y, 1), (u, step), (v, step)):
        stride = plane.shape[1] * gap + int(random.integers(0, 9))
        stored = np.full((plane.shape[0], stride), 99, np.uint8)
        stored[:, : plane.shape[1] * gap : gap] = plane
        planes.append(stored.reshape(-1)[: (plane.shape[0] - 1) * stride + (plane.shape[1] - 1) * gap + 1])
        strides.append(stride)
    crop = [int(random.integers(0, max(1, n // 3))) for n in (width, height)]
    crop += [int(random.integers(at + 1, n + 1)) for at, n in zip(crop, (width, height), strict=True)]
    shown = yuv_to_rgb(y, u, v)[crop[1] : crop[3], crop[0] : crop[2]]
    words = {
        "kind": kind,
        **size,
        **dict(zip("yuv", planes, strict=True)),
        "strides": strides,
        "steps": (1, step, step),
    }
    return {**words, "crop": crop, "direct": bool(random.random() < 0.5)}, shown


def some_pictures(count: int, seed: int, cases: Cases | None = None) -> Cases:
    """Photographs and noise in random sizes, from random sources, in random regions and orientations."""
    random, cases = np.random.default_rng(seed), cases or Cases()
    for number in range(count):
        height, width = (int(random.choice([random.integers(1, 9), random.integers(9, 300)])) for _ in range(2))
        if random.random() < 0.7:
            photo = PHOTOS[number % 2]
            top, left = random.integers(0, 427 - height), random.integers(0, 640 - width)
            raw = photo[top : top + height, left : left + width]
        else:
            raw = random.integers(0, 256, (height, width, 3), np.uint8)
        source, shown = some_source(random, raw)
        turn: dict[str, Any] = {"orientation": int(random.integers(0, 10))}
        turned = shown.shape[1::-1] if 5 <= turn["orientation"] <= 8 else shown.shape[:2]
        if random.random() < 0.5:
            turn = {"rotation": int(random.choice([0, 90, 180, 270]))}
            turned = shown.shape[1::-1] if turn["rotation"] % 180 else shown.shape[:2]
        region = None
        if random.random() < 0.5:
            top, left = (int(random.integers(0, n)) for n in turned[:2])
            region = (
                left,
                top,
                int(random.integers(left + 1, turned[1] + 1)),
                int(random.integers(top + 1, turned[0] + 1)),
            )
        target = int(random.integers(1, 60)), int(random.integers(1, 60))
        content = some_content(random)
        name = f"{number}: {source['kind']} {shown.shape} to {target}, {turn}, {region}, {content}"
        picture_case(
            cases, name, source, shown, content, target, region=region, first=bool(random.random() < 0.3), **turn
        )
    return cases


def some_sounds(seed: int, cases: Cases | None = None) -> Cases:
    """Noise at rates that apps have and at odd ones."""
    random, cases = np.random.default_rng(seed), cases or Cases()
    for rate, wanted in ((8000, 16000), (16000, 8000), (44100, 16000), (48000, 16000), (22050, 44100), (16000, 16000),
                         (44101, 16000), (11025, 12000), (96000, 8000)):  # fmt: skip
        for kind in ("pcm16", "float"):
            channels, count = int(random.integers(1, 4)), int(random.integers(1, 3000))
            if kind == "pcm16":
                data = random.integers(-(2**15), 2**15, (count, channels)).astype("<i2")
                samples = data.astype(np.int64) << 8
            else:
                data = random.uniform(-1.2, 1.2, (count, channels)).astype("<f4")
                samples = np.clip(np.floor(data.astype(float) * 2**23 + 0.5), -(2**23), 2**23 - 1).astype(np.int64)
            said = {"sample_rate": wanted, "length": int(random.integers(1, 2000))}
            said |= {"hop": None if random.random() < 0.5 else int(random.integers(1, 900)), "mean": 0.25, "std": 0.5}
            sound_case(cases, f"{kind} {channels} x {count} {rate} {said}", kind, data, samples, rate, **said)
    return cases


def some_numbers(cases: Cases | None = None) -> Cases:
    """Numbers to quantize, scores, and the kernel."""
    random, cases = np.random.default_rng(4), cases or Cases()
    halves = np.arange(-40, 40, dtype=np.float32) * np.float32(0.25)
    odd = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 0, -0.0, 1e-45], np.float32)
    for dtype, zero in (
        ("int8", 0),
        ("int8", -128),
        ("int8", 7),
        ("uint8", 128),
        ("uint8", 0),
        ("int16", 0),
        ("int16", 3),
    ):
        for scale in (0.5, 0.003921569, 1e-4, 7.0):
            real = np.concatenate([halves, odd, random.normal(0, 100 * scale, 300).astype(np.float32)])
            quantized_case(cases, real, scale, zero, dtype)
    for scores in (np.float32([1, 3, 3, 2, 3]), np.float32([0.0, -0.0, 0.0]), np.float32([1000, -1000, 999]),
                   random.normal(0, 5, 1000).astype(np.float32), np.float32([np.nan, 1, 2])):  # fmt: skip
        for threshold, most in ((-np.inf, 10**9), (0.5, 3), (2.5, 2), (1e9, 5)):
            wide = scores.astype(float)
            exp = np.exp(wide - wide.max())
            with np.errstate(over="ignore"):
                sigmoid = 1 / (1 + np.exp(-wide))
            best = [i for i in sorted(range(len(scores)), key=lambda i: -scores[i]) if scores[i] >= threshold][:most]
            words = {
                "threshold": "-Infinity" if threshold < 0 else threshold,
                "most": most,
                "data": scores.astype("<f4"),
            }
            if np.isnan(scores).any():
                best = [i for i in (2, 1) if scores[i] >= threshold][:most]
            softmax = (exp / exp.sum()).astype(np.float32)
            name = f"scores {scores[:5]} {threshold}"
            cases.add(name, "scores", words, [softmax, sigmoid.astype(np.float32), np.array(best, np.int32)])
    cases.add("the kernel of resample.json", "kernel", {}, [TABLE.astype(np.int32)])
    return cases


def whole_photographs() -> Cases:
    """Photographs as phones take them, turned, made smaller and larger."""
    cases = Cases()
    for number, raw in enumerate(PHOTOS):
        opaque = np.concatenate([raw, np.full((*raw.shape[:2], 1), 255, np.uint8)], -1)
        source = {"kind": "bitmap", "width": 640, "height": 427, "data": argb(opaque)}
        for resize, antialias in (("nearest", False), ("bilinear", False), ("bilinear", True), ("area", False)):
            content = Content("image", "rgb", (127.5,), (127.5,), resize=resize, antialias=antialias, fit="crop")
            picture_case(cases, f"{number} {resize}", source, opaque, content, (224, 224), rotation=90)
            larger = replace(content, fit="letterbox", color_space="grayscale")
            picture_case(cases, f"{number} {resize} larger", source, opaque, larger, (700, 701), rotation=270)
    return cases


def all_kinds() -> Cases:
    """Some of everything: what a mistake has to show in."""
    return some_numbers(some_sounds(2, some_pictures(60, 1, vectors())))
