"""What arguments and results are, in sentences for the comments of any language: shapes, units and ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflite_build.engines.content import Content

from .view import ArgumentView, ResultView, TensorView

_FIT = {"stretch": "pulled to", "crop": "cut at its sides to fit", "letterbox": "fitted with a border into"}
_CHANNELS = {"rgb": "red, green and blue", "bgr": "blue, green and red", "grayscale": "grey"}


def argument(view: ArgumentView) -> Iterator[str]:
    """What a caller passes."""
    if view.description:
        yield view.description
    if view.image is not None:
        image, content = view.image, view.image.content
        yield f"a picture of any size; it is {_FIT[content.fit]} {image.width} x {image.height} pixels, {content.resize}"
        yield f"its {_CHANNELS[image.color_space]} values v from 0 to 255 are given as {_given(content)}"
    elif view.sound is not None:
        sound = view.sound
        yield (
            f"a sound of one channel; it is brought to {sound.sample_rate} samples a second, of which {sound.length} are "
            f"taken, {sound.length / sound.sample_rate:.3g} s"
        )
        yield f"its samples v from -1 to 1 are given as {_given(sound.content)}"
    else:
        within = f", from {view.range[0]:g} to {view.range[1]:g}" if view.range else ""
        yield f"{_values(view.tensor)}{within}"


def result(view: ResultView) -> Iterator[str]:
    """What a caller gets."""
    if view.description:
        yield view.description
    after = f", after {view.activation}" if view.activation else ""
    if view.kind == "classes":
        yield f"the best of {view.classes} classes, the best first{after}"
    else:
        yield f"{_values(view.tensor)}{after}"


def tensor(view: TensorView) -> str:
    """What a tensor holds, as the file has it."""
    said = f"{view.dtype} {_shape(view)}"
    if view.scale is None:
        return said + (", unsigned bytes" if view.dtype == "uint8" else "")
    value = "an unsigned byte v" if view.dtype == "uint8" else "a value v"
    sign = "-" if view.zero_point > 0 else "+"
    real = f"(v {sign} {abs(view.zero_point)})" if view.zero_point else "v"
    return f"{said}; {value} stands for {view.scale:.7g} * {real}"


def _shape(view: TensorView) -> str:
    """`[1, n, 8]`, or "scalar"."""
    return f"[{', '.join(map(str, view.shape))}]" if view.shape else "scalar"


def _values(view: TensorView) -> str:
    if view.is_value:
        return "one value"
    unsigned = ", unsigned bytes" if view.real == "uint8" else ""
    return f"the values of a {_shape(view)} tensor, row by row{unsigned}"


def _given(content: Content) -> str:
    """What is made of a value v."""
    value = "255 - v" if content.invert else "v"
    if any(content.mean):
        value = f"{value} - {_numbers(content.mean)}"
    if any(std != 1 for std in content.std):
        value = f"{value if value == 'v' else f'({value})'} / {_numbers(content.std)}"
    return "they are" if value == "v" else value.replace("- -", "+ ")


def _numbers(values: Sequence[float]) -> str:
    """One for all channels, or one for each."""
    texts = [f"{v:g}" for v in values]
    return texts[0] if len({*texts}) == 1 else f"({', '.join(texts)})"
