"""docs/preprocessing.md once more, as plainly as it can be written: one pixel at a time, in fractions and integers."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from typing import Any

HALF = Fraction(1, 2)
Grid = list[list[list[int]]]  # rows, columns, channels


def half_up(value: Fraction) -> int:
    return math.floor(value + HALF)


def float32(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def grid(pixels: list[int], height: int, width: int, channels: int) -> Grid:
    numbers = iter(pixels)
    return [[[next(numbers) for _ in range(channels)] for _ in range(width)] for _ in range(height)]


def oriented(picture: Grid, orientation: int) -> Grid:
    """Where the first row and the first column of the file go, as the table of EXIF says."""
    rows, columns = len(picture), len(picture[0])
    place = {
        1: lambda r, c: (r, c),
        2: lambda r, c: (r, columns - 1 - c),
        3: lambda r, c: (rows - 1 - r, columns - 1 - c),
        4: lambda r, c: (rows - 1 - r, c),
        5: lambda r, c: (c, r),
        6: lambda r, c: (c, rows - 1 - r),
        7: lambda r, c: (columns - 1 - c, rows - 1 - r),
        8: lambda r, c: (columns - 1 - c, r),
    }[orientation]
    made = {place(r, c): picture[r][c] for r in range(rows) for c in range(columns)}
    height, width = (columns, rows) if orientation > 4 else (rows, columns)
    return [[made[r, c] for c in range(width)] for r in range(height)]


def color(pixel: list[int], space: str) -> list[int]:
    if len(pixel) in (2, 4):
        alpha = Fraction(pixel[-1], 255)
        pixel = [half_up(v * alpha + 255 * (1 - alpha)) for v in pixel[:-1]]
    if space == "grayscale":
        return pixel if len(pixel) == 1 else [
            (19595 * pixel[0] + 38470 * pixel[1] + 7471 * pixel[2] + 32768) // 65536
        ]  # fmt: skip
    pixel = pixel * 3 if len(pixel) == 1 else pixel
    return pixel[::-1] if space == "bgr" else pixel


def weights(source: int, target: int, x: int, method: str, antialias: bool) -> dict[int, Fraction]:
    """Source pixel -> its share of the target pixel x."""
    scale = Fraction(source, target)
    centre = (x + HALF) * scale
    if method == "nearest":
        return {math.floor(centre): Fraction(1)}
    if method == "area":
        found = {j: min((x + 1) * scale, j + 1) - max(x * scale, j) for j in range(source)}
        found = {j: w for j, w in found.items() if w > 0}
    elif antialias and source > target:
        found = {j: 1 - abs(j + HALF - centre) / scale for j in range(source)}
        found = {j: w for j, w in found.items() if w > 0}
    else:
        left = math.floor(centre - HALF)
        part = centre - HALF - left
        found = {}
        for j, w in ((left, 1 - part), (left + 1, part)):
            j = min(max(j, 0), source - 1)
            found[j] = found.get(j, Fraction(0)) + w
    total = sum(found.values())
    return {j: w / total for j, w in found.items()}


def resized(picture: Grid, height: int, width: int, method: str, antialias: bool) -> Grid:
    made = []
    for y in range(height):
        rows = weights(len(picture), height, y, method, antialias)
        line = []
        for x in range(width):
            columns = weights(len(picture[0]), width, x, method, antialias)
            exact = [
                sum(wr * wc * picture[r][c][channel] for r, wr in rows.items() for c, wc in columns.items())
                for channel in range(len(picture[0][0]))
            ]
            line.append([half_up(Fraction(v)) for v in exact])
        made.append(line)
    return made


def picture(case: dict[str, Any]) -> tuple[list[int], list[float]]:
    """Pixels and values of a case of vectors.json."""
    given, said = case["picture"], case["parameters"]
    pixels = oriented(grid(given["pixels"], given["height"], given["width"], given["channels"]), given["orientation"])
    pixels = [[color(p, said["color_space"]) for p in row] for row in pixels]
    height, width = said["height"], said["width"]
    rows, columns = len(pixels), len(pixels[0])
    ratio, wanted = Fraction(columns, rows), Fraction(width, height)
    top = left = 0
    inner_height, inner_width = height, width
    if said["fit"] == "crop":
        if ratio > wanted:
            keep = max(1, half_up(rows * wanted))
            start = (columns - keep) // 2
            pixels = [row[start : start + keep] for row in pixels]
        else:
            keep = max(1, half_up(columns / wanted))
            start = (rows - keep) // 2
            pixels = pixels[start : start + keep]
    elif said["fit"] == "letterbox":
        if ratio > wanted:
            inner_height = max(1, half_up(width / ratio))
        else:
            inner_width = max(1, half_up(height * ratio))
        top, left = (height - inner_height) // 2, (width - inner_width) // 2
    inner = resized(pixels, inner_height, inner_width, said["resize"], said["antialias"])
    channels = len(inner[0][0])
    border = (said["fill"] * channels)[:channels] if len(said["fill"]) == 1 else said["fill"]
    made = []
    for y in range(height):
        for x in range(width):
            inside = top <= y < top + inner_height and left <= x < left + inner_width
            made += inner[y - top][x - left] if inside else border
    if said["invert"]:
        made = [255 - p for p in made]

    def each(values: list[float], i: int) -> float:
        return float32(values[i % channels if len(values) > 1 else 0])

    values = [
        float32(float32(p - each(said["mean"], i)) / each(said["std"], i))  # exact in float64, then rounded once
        for i, p in enumerate(made)
    ]
    return made, values


def quantized(case: dict[str, Any]) -> list[int]:
    low, high = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}[case["dtype"]]
    made = []
    for real in case["real"]:
        share = float32(float32(real) / float32(case["scale"]))
        made.append(min(max(round(share) + case["zero_point"], low), high))  # Python rounds half to even
    return made


def kernel(place: Fraction, table: list[int]) -> int:
    """The table at `place` steps from its middle."""
    index = math.floor(place)
    if index >= len(table) - 1:
        return 0
    return half_up(table[index] + (table[index + 1] - table[index]) * (place - index))


def sound(case: dict[str, Any], table: list[int]) -> tuple[list[int], list[list[int]]]:
    """The resampled sound and its frames."""
    channels, said = case["channels"], case["parameters"]
    samples = case["samples"]
    mono = [half_up(Fraction(sum(samples[i : i + channels]), channels)) for i in range(0, len(samples), channels)]
    made = mono
    if case["rate"] != said["sample_rate"]:
        step = Fraction(case["rate"], said["sample_rate"])
        made = []
        for n in range(math.ceil(len(mono) / step)):
            centre = n * step
            reach = math.ceil(16 * max(step, Fraction(1))) + 1
            total = whole = 0
            for i in range(math.floor(centre) - reach, math.floor(centre) + reach + 1):
                weight = kernel(256 * abs(i - centre) / max(step, Fraction(1)), table)
                whole += weight
                total += weight * (mono[i] if 0 <= i < len(mono) else 0)
            made.append(min(max(half_up(Fraction(total, whole)), -(2**23)), 2**23 - 1))
    length, hop = said["length"], said["hop"]
    padded = made + [0] * (length - len(made))
    starts = [0] if hop is None else range(0, len(padded) - length + 1, hop)
    return made, [padded[s : s + length] for s in starts]
