"""Writes specs/preprocessing/vectors.json: small pictures and sounds with parameters and what has to become of them.

Code in other languages is tested with that file; a test holds it against a second implementation of
docs/preprocessing.md that has nothing in common with the first.

    uv run scripts/make_preprocessing_vectors.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tflite_build.engines.content import Content
from tflite_build.engines.preprocessing import image, sound
from tflite_build.engines.preprocessing.image import Picture

FOLDER = Path(__file__).resolve().parent.parent / "specs" / "preprocessing"
IMAGENET = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}
# name: size of the picture (height, width, channels), size of the tensor (height, width), what the spec says
PICTURES: dict[str, tuple[tuple[int, int, int], tuple[int, int], dict[str, Any]]] = {
    "as_it_is": ((3, 4, 3), (3, 4), {"color_space": "rgb"}),
    "nearest_smaller": ((7, 9, 1), (3, 4), {"color_space": "grayscale", "resize": "nearest"}),
    "nearest_larger": ((2, 3, 1), (5, 7), {"color_space": "grayscale", "resize": "nearest"}),
    "bilinear_smaller": ((7, 9, 1), (3, 4), {"color_space": "grayscale"}),
    "bilinear_larger": ((2, 3, 3), (5, 7), {"color_space": "rgb"}),
    "bilinear_halved": ((4, 4, 1), (2, 2), {"color_space": "grayscale"}),
    "antialias_smaller": ((9, 13, 3), (4, 5), {"color_space": "rgb", "antialias": True}),
    "antialias_one_axis": ((9, 3, 1), (4, 5), {"color_space": "grayscale", "antialias": True}),
    "area_smaller": ((9, 13, 3), (4, 5), {"color_space": "rgb", "resize": "area"}),
    "area_larger": ((2, 3, 1), (5, 7), {"color_space": "grayscale", "resize": "area"}),
    "area_halved": ((4, 4, 1), (2, 2), {"color_space": "grayscale", "resize": "area"}),
    "gray_of_rgb": ((3, 4, 3), (3, 4), {"color_space": "grayscale", "mean": (0.0,), "std": (255.0,)}),
    "rgb_of_gray": ((3, 4, 1), (3, 4), {"color_space": "rgb"}),
    "bgr": ((3, 4, 3), (3, 4), {"color_space": "bgr"}),
    "alpha": ((3, 4, 4), (3, 4), {"color_space": "rgb"}),
    "gray_alpha": ((3, 4, 2), (3, 4), {"color_space": "grayscale"}),
    "invert": ((3, 4, 1), (3, 4), {"color_space": "grayscale", "invert": True, "std": (16.0,)}),
    "crop_wide": ((4, 9, 1), (3, 3), {"color_space": "grayscale", "fit": "crop"}),
    "crop_tall": ((9, 4, 1), (2, 3), {"color_space": "grayscale", "fit": "crop"}),
    "letterbox_wide": ((4, 9, 3), (5, 6), {"color_space": "rgb", "fit": "letterbox", "fill": (114,)}),
    "letterbox_tall": (
        (9, 4, 3),
        (6, 5),
        {"color_space": "bgr", "fit": "letterbox", "fill": (1, 2, 3), "invert": True},
    ),
    "imagenet": ((3, 4, 3), (3, 4), {"color_space": "rgb", **IMAGENET}),
    "minus_one_to_one": ((3, 4, 3), (3, 4), {"color_space": "rgb", "mean": (127.5,), "std": (127.5,)}),
}
QUANTIZED = ((0.0078125, 0, "int8"), (0.003921569, -128, "int8"), (0.02, 114, "uint8"), (0.0001, 0, "int16"))
# name: channels, count, rate, wanted rate, frame, hop
SOUNDS = {
    "mono": (1, 40, 16000, 16000, 40, None),
    "stereo": (2, 40, 16000, 16000, 40, None),
    "shorter": (1, 10, 16000, 16000, 16, None),
    "longer": (1, 40, 16000, 16000, 16, None),
    "frames": (1, 40, 16000, 16000, 16, 8),
    "halved": (1, 64, 32000, 16000, 32, None),
    "doubled": (1, 32, 8000, 16000, 64, None),
    "cd_to_speech": (1, 90, 44100, 16000, 33, None),
}


def vectors() -> dict[str, Any]:
    """The content of vectors.json."""
    random = np.random.default_rng(20)
    pictures = []
    for name, (size, target, said) in PICTURES.items():
        pixels = random.integers(0, 256, size, np.uint8)
        pictures.append(_picture(name, Picture(pixels), target, said))
    for orientation in range(1, 9):
        pixels = random.integers(0, 256, (2, 3, 1), np.uint8)
        target = (3, 2) if orientation > 4 else (2, 3)
        said = {"color_space": "grayscale"}
        pictures.append(_picture(f"orientation_{orientation}", Picture(pixels, orientation), target, said))
    real = [-200.0, -1.0, -0.5, -0.01, -0.0, 0.00390625, 0.01171875, 0.03, 0.5, 0.999, 1.0, 3.0, 200.0]
    quantized = [
        {
            "real": real,
            "scale": scale,
            "zero_point": zero,
            "dtype": dtype,
            "values": image.quantized(np.array(real, np.float32), scale, zero, dtype).tolist(),
        }
        for scale, zero, dtype in QUANTIZED
    ]
    kernel = sound.read_table(FOLDER / "resample.json")
    sounds = []
    for name, (channels, count, rate, wanted, length, hop) in SOUNDS.items():
        samples = random.integers(-(2**23), 2**23, (count, channels)).astype(np.int64)
        whole = sound.resampled(sound.mono(samples), rate, wanted, kernel)
        sounds.append(
            {
                "name": name,
                "channels": channels,
                "rate": rate,
                "samples": samples.reshape(-1).tolist(),
                "parameters": {"sample_rate": wanted, "length": length, "hop": hop},
                "resampled": whole.tolist(),
                "frames": sound.frames(whole, length, hop).tolist(),
            }
        )
    return {"version": 1, "pictures": pictures, "quantized": quantized, "sounds": sounds}


def _picture(name: str, given: Picture, target: tuple[int, int], said: dict[str, Any]) -> dict[str, Any]:
    content = Content("image", **said)
    made = image.fitted(given, content, *target, content.color_space)
    height, width, channels = given.pixels.shape
    parameters = {key: value for key, value in content.to_json().items() if key not in ("kind", "sample_rate", "hop")}
    return {
        "name": name,
        "picture": {
            "height": height,
            "width": width,
            "channels": channels,
            "orientation": given.orientation,
            "pixels": given.pixels.reshape(-1).tolist(),
        },
        "parameters": {"height": target[0], "width": target[1], **parameters},
        "pixels": made.reshape(-1).tolist(),
        "values": image.normalized(made, content).reshape(-1).tolist(),
    }


def text() -> str:
    """The file: one case a line."""
    parts = []
    for key, value in vectors().items():
        if isinstance(value, list):
            lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in value)
            parts.append(f'"{key}": [\n{lines}\n]')
        else:
            parts.append(f'"{key}": {value}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    (FOLDER / "vectors.json").write_text(text(), "utf-8")
