"""What files are read, exactly or within a decoder's freedom, and that a damaged one is told and nothing worse."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tflite_build.engines.contract import Invalid, TensorSpec
from tflite_build.engines.preprocessing import decode, layout, sound
from tflite_build.engines.preprocessing.pixels import opaque, oriented

RANDOM = np.random.default_rng(3)
RGBA = RANDOM.integers(0, 256, (5, 7, 4), np.uint8)


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def chunks(form: int, bits: int, data: bytes, channels: int = 1, rate: int = 16000, extra: bytes = b"") -> bytes:
    width = channels * bits // 8
    fmt = struct.pack("<HHIIHH", form, channels, rate, rate * width, width, bits) + extra
    body = b"fmt " + struct.pack("<I", len(fmt)) + fmt + b"LIST" + struct.pack("<I", 3) + b"abc\0"
    body += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_png_is_exact(mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(RGBA[..., :3] if mode == "P" else RGBA).convert(mode)
    made = decode.picture(saved(tmp_path / "a.png", image), "a.png", "k").pixels
    expected = np.asarray(image.convert({"P": "RGB", "1": "L", "LA": "RGBA"}.get(mode, mode)))
    assert np.array_equal(made, expected.reshape(5, 7, -1))


def test_16_bits_give_the_high_byte(tmp_path: Path) -> None:
    values = RANDOM.integers(0, 65536, (5, 7), np.uint16)
    image = Image.frombytes("I;16", (7, 5), values.astype("<u2").tobytes())
    made = decode.picture(saved(tmp_path / "a.png", image), "a.png", "k").pixels
    assert np.array_equal(made[..., 0], values >> 8)


def test_a_palette_with_a_transparent_color(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "L").convert("P")
    image.putpalette([9, 8, 7, 50, 60, 70])
    made = decode.picture(saved(tmp_path / "a.png", image, transparency=1), "a.png", "k").pixels
    assert opaque(made).tolist() == [[[9, 8, 7], [255, 255, 255]]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_as_pillow_turns_it(orientation: int, tmp_path: Path) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", Image.fromarray(RGBA), exif=exif)
    made = decode.picture(path, "a.png", "k")
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(oriented(made.pixels, made.orientation), expected)


def test_jpeg(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    made = decode.picture(saved(tmp_path / "a.jpg", Image.fromarray(smooth), quality=95), "a.jpg", "k").pixels
    assert np.abs(made[..., 0].astype(int) - smooth).max() <= 4
    with pytest.raises(Invalid, match="has the colours CMYK"):
        decode.picture(saved(tmp_path / "c.jpg", Image.new("CMYK", (8, 8))), "c.jpg", "k")


WHOLE = np.array([-(2**23), -65536, -256, 0, 256, 65536, 2**23 - 65536], np.int64)


@pytest.mark.parametrize(
    ("form", "bits", "data"),
    [
        (1, 8, ((WHOLE >> 16) + 128).astype(np.uint8).tobytes()),
        (1, 16, (WHOLE >> 8).astype("<i2").tobytes()),
        (1, 24, b"".join(int(v).to_bytes(3, "little", signed=True) for v in WHOLE)),
        (1, 32, (WHOLE << 8).astype("<i4").tobytes()),
        (3, 32, (WHOLE / 2**23).astype("<f4").tobytes()),
    ],
    ids=["8", "16", "24", "32", "float"],
)
def test_wav(form: int, bits: int, data: bytes, tmp_path: Path) -> None:
    expected = (WHOLE >> 16) << 16 if bits == 8 else WHOLE
    extensible = struct.pack("<HHIH", 22, bits, 4, form) + b"\0" * 14
    for content in (chunks(form, bits, data), chunks(0xFFFE, bits, data, extra=extensible)):
        (tmp_path / "a.wav").write_bytes(content)
        made = decode.sound(tmp_path / "a.wav", "a.wav", "k")
        assert made.rate == 16000 and made.samples[:, 0].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no WAV file"),
        (b"RIFF\0\0\0\0WAVE", "is damaged"),
        (chunks(1, 16, b""), "holds no sound"),
        (chunks(1, 12, b"1234"), "the form 1 with 12 bits"),
        (chunks(6, 8, b"1234"), "the form 6 with 8 bits"),
        (chunks(1, 16, b"1234", channels=0), "0 channels"),
        (chunks(1, 16, b"1234", rate=0), "0 samples a second"),
        (chunks(3, 32, np.array([np.nan], "<f4").tobytes()), "not finite"),
    ],
)
def test_wav_that_is_none(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(Invalid, match=said):
        decode.sound(tmp_path / "a.wav", "a.wav", "k")


def test_wav_that_is_cut_off(tmp_path: Path) -> None:
    whole = chunks(1, 16, b"1234" * 1000)
    at = whole.index(b"data") + 4
    for content, cut in (
        (whole, False),
        (whole[:-2000], True),
        (whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :], False),  # as it is written to a pipe
    ):
        (tmp_path / "a.wav").write_bytes(content)
        assert decode.sound(tmp_path / "a.wav", "a.wav", "k").cut == cut


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged EXIF
def test_damaged_files(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    originals = []
    for mode, kind in (("RGB", "PNG"), ("P", "PNG"), ("RGB", "JPEG"), ("L", "JPEG")):
        file = io.BytesIO()
        Image.fromarray(RANDOM.integers(0, 256, (24, 24, 4), np.uint8)).convert(mode).save(file, kind, exif=exif)
        originals.append((decode.picture, file.getvalue()))
    originals.append((decode.sound, chunks(1, 16, RANDOM.bytes(400), channels=2)))
    refused = 0
    for read, original in originals:
        for number in range(120):
            data = bytearray(original)
            for _ in range(1 + number % 4):
                data[RANDOM.integers(len(data) // (1 + number % 3))] = RANDOM.integers(256)
            path = tmp_path / "damaged"
            path.write_bytes(data[: RANDOM.integers(len(data))] if number % 5 == 0 else data)
            try:
                read(path, "damaged", "k")
            except Invalid as error:
                assert "damaged" in error.message
                refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    ("shape", "space", "expected"),
    [
        ((1, 8, 6, 3), "", (8, 6, "rgb", False)),
        (("b", 8, 6, 3), "bgr", (8, 6, "bgr", False)),
        ((8, 6, 1), "", (8, 6, "grayscale", False)),
        ((1, 3, 8, 6), "rgb", (8, 6, "rgb", True)),
        ((1, 8, 6), "", (8, 6, "grayscale", True)),
        ((8, 6), "grayscale", (8, 6, "grayscale", False)),
    ],
)
def test_layout(shape: tuple[Any, ...], space: str, expected: tuple[Any, ...]) -> None:
    made = layout.of_image(shape, space, "x", "k")
    assert (made.height, made.width, made.color_space, made.channels_first) == expected
    channels = 1 if made.color_space == "grayscale" else 3
    picture = np.arange(8 * 6 * channels, dtype=np.float32).reshape(8, 6, channels)
    placed = made.placed(picture)
    assert placed.shape == tuple(1 if isinstance(d, str) else d for d in shape)
    assert placed.ravel()[1] == (picture[0, 1, 0] if made.channels_first else picture.ravel()[1])


@pytest.mark.parametrize("shape", [(1, 8, 6, 4), (1, "h", 6, 3), (2, 8, 6, 3), (10,)])
def test_no_layout(shape: tuple[Any, ...]) -> None:
    with pytest.raises(Invalid):
        layout.of_image(shape, "", "x", "k")


def test_layout_of_sounds() -> None:
    assert layout.of_sound((1, 800), "x", "k") == ((1, 800), 800)
    assert layout.of_sound((800,), "x", "k") == ((800,), 800)
    assert layout.of_sound(("b", 800, 1), "x", "k") == ((1, 800, 1), 800)
    for shape in ((1, "n"), (1, 40, 20), ("n",)):
        with pytest.raises(Invalid):
            layout.of_sound(shape, "x", "k")


def test_frames() -> None:
    samples = np.arange(10)
    assert sound.frames(samples, 4, None).tolist() == [[0, 1, 2, 3]]
    assert sound.frames(samples, 4, 3).tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert sound.frames(samples[:2], 4, 3).tolist() == [[0, 1, 0, 0]]


def test_tensors_that_take_no_pictures() -> None:
    from tflite_build.engines.content import Content
    from tflite_build.engines.preprocessing import folder

    for dtype in ("int8", "int32"):
        with pytest.raises(Invalid, match=f"'x' is {dtype}; a folder is for a float input"):
            list(folder.samples(Path(), [], Content("image"), TensorSpec("x", (1, 8, 8, 1), dtype), "photos", "k", []))
