"""Reading picture and sound files: PNG and JPEG by Pillow, WAV by the standard library.

PNG and WAV are exact. JPEG decoders may differ by a few levels (docs/preprocessing.md, "Decode").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.contract import Invalid

from .image import Picture
from .sound import FULL, Sound

PICTURES = (".png", ".jpg", ".jpeg")
SOUNDS = (".wav",)
_MOST_PIXELS = 100_000_000
_ORIENTATION = 0x0112
_STREAMED = 0x7FFF0000  # who writes to a pipe says such a size, or one beyond: how long it gets is not known then
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE  # wFormatTag, of RIFFMCI and mmreg.h


def picture(path: Path, shown: str, key: str) -> Picture:
    """The picture in a PNG or JPEG file.

    Args:
        path: The file.
        shown: What the user calls it.
        key: The key of model.toml that brings it in.

    Raises:
        Invalid: It is neither, it is damaged, or its pixels are not grey or RGB.
    """
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # the limit is ours, with a message of ours
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            if image.width * image.height > _MOST_PIXELS:
                size = f"{image.width}x{image.height}"
                raise Invalid(f"'{shown}' has {size} pixels, more than {_MOST_PIXELS // 10**6} million", key)
            image.load()
            return Picture(_pixels(image, shown, key), int(image.getexif().get(_ORIENTATION, 1)))
    except UnidentifiedImageError as error:
        raise Invalid(f"'{shown}' is no PNG or JPEG picture", key, "save it as one of them") from error
    except (Invalid, MemoryError):
        raise
    except Exception as error:  # whatever damage does to Pillow and zlib is the same to the user
        raise Invalid(f"'{shown}' is damaged or cut off", key) from error


def _pixels(image: Any, shown: str, key: str) -> NDArray[np.uint8]:
    if image.mode in ("I;16", "I;16B", "I"):  # grey of 16 bits: the high byte, as Pillow takes of 16-bit RGB
        return (np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)[..., None]
    if "transparency" in image.info or image.mode in ("PA", "LA"):
        image = image.convert("RGBA")
    elif image.mode == "P":
        image = image.convert("RGB")
    elif image.mode == "1":
        image = image.convert("L")
    if image.mode not in ("L", "RGB", "RGBA"):
        raise Invalid(f"'{shown}' has the colours {image.mode}; grey, RGB and RGBA are read", key, "save it as RGB")
    array: NDArray[np.uint8] = np.asarray(image)
    return array if array.ndim == 3 else array[..., None]


def sound(path: Path, shown: str, key: str) -> Sound:
    """The sound in a WAV file: PCM of 8, 16, 24 or 32 bits, or 32-bit float.

    Source: Multimedia Programming Interface and Data Specifications 1.0 (RIFF), and WAVEFORMATEXTENSIBLE.

    Raises:
        Invalid: It is no such file, or it is damaged.
    """
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise Invalid(f"'{shown}' is no WAV file", key, "save it as WAV with 16-bit PCM")
    chunks = {
        name: (content, size) for name, content, size in reversed(list(_chunks(data)))
    }  # of several alike, the first
    described, _ = chunks.get(b"fmt ", (b"", 0))
    content, size = chunks.get(b"data", (None, 0))
    if len(described) < 16 or content is None:
        raise Invalid(f"'{shown}' is damaged: it has no description or no samples", key)
    form, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", described)
    if form == _EXTENSIBLE and len(described) >= 26:
        form = struct.unpack_from("<H", described, 24)[0]
    if channels < 1 or rate < 1 or (form, bits) not in [*((_PCM, b) for b in (8, 16, 24, 32)), (_FLOAT, 32)]:
        raise Invalid(
            f"'{shown}' is a WAV file of the form {form} with {bits} bits, {channels} channels and {rate} samples a second",
            key,
            "save it as WAV with 16-bit PCM",
        )
    whole = len(content) // (channels * bits // 8) * channels
    if not whole:
        raise Invalid(f"'{shown}' holds no sound", key)
    samples = _samples(content[: whole * bits // 8], form, bits)
    if samples is None:
        raise Invalid(f"'{shown}' holds values that are not finite", key)
    return Sound(samples.reshape(-1, channels), rate, cut=len(content) < size < _STREAMED)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Name, content and the size that it should have."""
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        yield name, data[at + 8 : at + 8 + size], size
        at += 8 + size + size % 2


def _samples(content: bytes, form: int, bits: int) -> NDArray[np.int64] | None:
    """Whole numbers of 24 bits; None where a float is not finite."""
    if form == _FLOAT:
        floats = np.frombuffer(content, "<f4").astype(np.float64)
        if not np.isfinite(floats).all():
            return None
        return np.clip(np.floor(floats * FULL + 0.5), -FULL, FULL - 1).astype(np.int64)
    if bits == 8:
        return (np.frombuffer(content, np.uint8).astype(np.int64) - 128) << 16
    if bits == 16:
        return np.frombuffer(content, "<i2").astype(np.int64) << 8
    if bits == 32:
        return np.frombuffer(content, "<i4").astype(np.int64) >> 8
    low, middle, high = np.frombuffer(content, np.uint8).astype(np.int64).reshape(-1, 3).T
    unsigned = low | middle << 8 | high << 16
    return np.where(high >= 128, unsigned - (1 << 24), unsigned)
