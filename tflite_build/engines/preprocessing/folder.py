"""A folder of pictures or sounds as arrays for one input, in the order of the files' names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tflite_build.engines.content import Content
from tflite_build.engines.contract import Invalid, TensorSpec
from tflite_build.engines.words import counted, quoted

from . import decode, layout, sound
from .image import fitted, normalized

Array = NDArray[Any]
KERNEL = Path(__file__).with_name("resample.json")  # of specs/preprocessing, laid here where engines run


def files(folder: Path, kind: str, shown: str, key: str) -> tuple[list[str], list[str]]:
    """The pictures or sounds below `folder`, sorted paths with `/`, and what else lies there; hidden files are neither.

    Raises:
        Invalid: There is none.
    """
    endings = decode.PICTURES if kind == "image" else decode.SOUNDS
    found: list[str] = []
    others: list[str] = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            (found if path.suffix.lower() in endings else others).append(name.as_posix())
    if not found:
        what = "picture" if kind == "image" else "sound"
        raise Invalid(f"'{shown}' holds no {what}", key, f"files that end in {quoted(endings, 'or')} are read")
    return sorted(found), sorted(others)


def samples(
    folder: Path, names: Sequence[str], content: Content, tensor: TensorSpec, shown: str, key: str, cut: list[str]
) -> Iterator[list[Array]]:
    """For each file its samples, each in the tensor's own shape: one of a picture, one or more of a sound.

    Args:
        folder: Where the files lie.
        names: Their paths in it.
        content: What the spec says of the input.
        tensor: The input, under its public name.
        shown: What the user calls the folder.
        key: The key of model.toml that names it.
        cut: Gets the names of sounds that end before they should.

    Raises:
        Invalid: A file cannot be read, or the tensor holds no picture or sound.
    """
    dtype = _dtype(content, tensor, key)
    if content.kind == "image":
        place = layout.of_image(tensor.shape, content.color_space, tensor.name, key)
        _check_values(content, 3 if place.color_space != "grayscale" else 1, tensor.name, key)
        for name in names:
            picture = decode.picture(folder / name, f"{shown}/{name}", key)
            try:
                made = fitted(picture, content, place.height, place.width, place.color_space)
            except ValueError as error:
                raise Invalid(f"'{shown}/{name}': {error}", key, "make it smaller") from error
            yield [place.placed(made if dtype == "uint8" else normalized(made, content))]
        return
    shape, length = layout.of_sound(tensor.shape, tensor.name, key)
    if content.sample_rate is None:
        raise Invalid(f"'{tensor.name}' has no sample_rate, which sounds are brought to", key)
    kernel = sound.read_table(KERNEL)
    for name in names:
        heard = decode.sound(folder / name, f"{shown}/{name}", key)
        if heard.cut:
            cut.append(name)
        one = sound.resampled(sound.mono(heard.samples), heard.rate, content.sample_rate, kernel)
        framed = sound.frames(one, length, content.hop)
        yield [frame.reshape(shape) for frame in normalized(sound.real(framed), content)]


def _dtype(content: Content, tensor: TensorSpec, key: str) -> str:
    plain = content.mean == (0.0,) and content.std == (1.0,)
    if tensor.dtype == "uint8" and content.kind == "image" and plain:
        return "uint8"
    if not tensor.dtype.startswith("float"):
        allowed = "a float input, or an uint8 one without mean and std" if content.kind == "image" else "a float input"
        raise Invalid(f"'{tensor.name}' is {tensor.dtype}; a folder is for {allowed}", key, "use an .npz file instead")
    return "float32"


def _check_values(content: Content, channels: int, name: str, key: str) -> None:
    """Values for each channel have to be as many as the tensor has channels."""
    for word, values in (("mean", content.mean), ("std", content.std), ("fill", content.fill)):
        if len(values) not in (1, channels):
            raise Invalid(
                f"'{word}' of '{name}' has {counted(len(values), 'value')}, and the tensor {counted(channels, 'channel')}",
                key,
            )


def stacked(made: Iterable[Sequence[Array]], files: int, limit: int | None) -> tuple[Array, list[int]]:
    """All samples as one array, the first axis the samples, and for each the number of its file.

    Args:
        made: The samples of each file; of files that are not needed for `limit` none are asked for.
        files: How many files there are.
        limit: How many samples to take at most.
    """
    array: Array | None = None
    numbers: list[int] = []
    for number, each in enumerate(made):
        for one in each:
            if array is None:
                array = np.empty((min(files, limit or files), *one.shape), one.dtype)
            elif len(numbers) == len(array):  # sounds of several frames
                array = np.concatenate([array, np.empty_like(array)])
            array[len(numbers)] = one
            numbers.append(number)
            if len(numbers) == limit:
                return array[: len(numbers)], numbers
    assert array is not None  # a folder without files is told before
    return array[: len(numbers)], numbers
