"""What tensors are, in words for the comments of any language: shapes, units and ranges."""

from __future__ import annotations

from collections.abc import Sequence

from tflite_build.engines.content import Content

from .view import TensorView


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


def values(view: TensorView) -> str:
    """What callers pass and get of a tensor."""
    if view.is_value:
        return "one value"
    unsigned = ", unsigned bytes" if view.real == "uint8" else ""
    return f"the values of a {_shape(view)} tensor, row by row{unsigned}"


def given(content: Content) -> str:
    """What the model takes for a value v of a picture or a sound."""
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
