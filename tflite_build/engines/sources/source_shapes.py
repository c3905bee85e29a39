"""The shapes that a source leaves open and the spec closes: one rule for every source that TensorFlow reads.

An open first dimension is the batch and becomes 1 where nothing is declared; any other must be declared, as a number or
as the name of a dynamic dimension. Knows nothing of where the source's shapes come from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tflite_build.engines.contract import Declared, DeclaredInput, Invalid, TensorSpec
from tflite_build.engines.words import near_or_all, quoted, shape_text, table

DTYPES = ("float32", "float16", "float64", "int8", "uint8", "int16", "int32", "int64", "bool")
_IMAGE = ("batch", "height", "width", "channels")
_PICTURES = re.compile("image|img|photo|picture|pixel", re.IGNORECASE)
_RECORDINGS = re.compile("wave|audio|sound|speech|pcm", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SourceInput:
    """An input as the source states it.

    Attributes:
        shape: None for an open dimension; None as a whole where the rank is open.
        dtype: As numpy names it, or "" where the source takes any.
    """

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str


def unbatched(source: SourceInput) -> tuple[int | str, ...] | None:
    """The shape of one picture [height, width, channels] or one recording [samples], with names for what is open.

    None for everything else. Names and types are all that tells them from a batch of sequences, or of single numbers.
    """
    shape = source.shape
    picture = shape is not None and len(shape) == 3 and shape[:2] == (None, None) and shape[2] in (1, 3, 4)
    if shape and picture and (source.dtype == "uint8" or _PICTURES.search(source.name)):
        return ("height", "width", shape[2] or 1)
    if shape == (None,) and source.dtype.startswith(("float", "int16")) and _RECORDINGS.search(source.name):
        return ("samples",)
    return None


def check_dtype(tensor: TensorSpec, signature: str, key: str) -> None:
    """Make sure that an input or output is of a type that apps pass and that test data can be made of.

    Raises:
        Invalid: It is text, or a type such as complex64; the key is `key`.
    """
    if tensor.dtype in DTYPES:
        return
    text = tensor.dtype == "string"
    raise Invalid(
        f"'{tensor.name}' of the signature '{signature}' holds {'text (string)' if text else tensor.dtype}, and an app "
        f"passes numbers ({', '.join(DTYPES)})",
        key,
        "look words up in the app, and give the model their ids" if text else "cast it inside of the model",
    )


def check_text(inputs: Iterable[TensorSpec | SourceInput], key: str) -> None:
    """Make sure that a Keras model takes no text.

    Raises:
        Invalid: It does; the key is `key`.
    """
    strings = [i.name for i in inputs if i.dtype == "string"]
    if strings:
        raise Invalid(
            f"the model takes strings ({quoted(strings)}): inputs have to be numbers",
            key,
            "leave the layers that read text out of the model, and let the app pass the numbers that they give",
        )


def check_signatures(declared: Declared, names: Sequence[str]) -> None:
    """Make sure that every signature that the spec speaks of exists; "" stands for the only one.

    Raises:
        Invalid: There is no such signature, or "" does not say which.
    """
    for name in declared.signatures:
        if name == "" and len(names) > 1:
            raise Invalid(
                f"the source has the signatures {quoted(names)}, so [input] does not say which one it belongs to",
                "input",
                f"write [{table(names[0], False)}.NAME], or choose one: [source] signatures = [{json.dumps(names[0])}]",
            )
        if name and name not in names:
            raise Invalid(f"the source has no signature '{name}'", f"signature.{name}", near_or_all(name, names))


def resolve(
    inputs: Iterable[SourceInput], declared: Mapping[str, DeclaredInput], signature: str, alone: bool
) -> tuple[TensorSpec, ...]:
    """The inputs with every dimension a number or a name.

    Args:
        declared: What the spec says of the inputs of this signature.
        alone: Whether the model has this signature only.

    Raises:
        Invalid: The spec names an unknown input, contradicts the source, or leaves open what it must say.
    """
    known = list(inputs)
    for name in declared:
        if name not in [i.name for i in known]:
            key = table(signature, alone, name)
            raise Invalid(f"the source has no input '{name}'", key, near_or_all(name, [i.name for i in known]))
    specs: list[TensorSpec] = []
    lines: list[str] = []
    unclear: list[str] = []
    for source in known:
        said = declared.get(source.name, DeclaredInput())
        key = table(signature, alone, source.name)
        shape = _shape(source, said.shape, key)
        dtype = _dtype(source, said.dtype, key)
        if shape is not None and dtype:
            specs.append(TensorSpec(source.name, shape, dtype))
            continue
        unclear.append(source.name)
        lines.append(f"[{key}]")
        if shape is None:
            lines.append(f"shape = {_proposal(source)}")
        if not dtype:
            lines.append('dtype = "float32"')
    if unclear:
        raise Invalid(
            f"the source leaves the shape or type of {quoted(unclear)} open",
            table(signature, alone, unclear[0]),
            'say it with these lines; a number fixes a dimension, a name such as "n" leaves it open',
            "\n".join(lines),
        )
    return tuple(specs)


def dimension_names(rank: int) -> tuple[str, ...]:
    """What the dimensions of a tensor are called where nobody has named them."""
    return _IMAGE if rank == len(_IMAGE) else tuple(f"n{i}" for i in range(rank))


def open_dimensions(name: str, shape: Sequence[int] | None, inputs: Iterable[TensorSpec]) -> tuple[int | str, ...]:
    """The shape of an output with names for what is open (-1, or None as a whole for an open rank).

    The first dimension is called like that of the inputs, where they agree on a name; others after the output.
    """
    if shape is None:
        return (f"{name}_0",)
    first = {spec.shape[0] for spec in inputs if spec.shape}
    batch = first.pop() if len(first) == 1 else None
    return tuple(
        d if d >= 0 else batch if axis == 0 and isinstance(batch, str) else f"{name}_{axis}"
        for axis, d in enumerate(shape)
    )


def _shape(source: SourceInput, said: Sequence[int | str] | None, key: str) -> tuple[int | str, ...] | None:
    """The whole shape, or None where the spec must say more."""
    if said is None:
        if source.shape is None or None in source.shape[1:]:
            return None
        return tuple(1 if d is None else d for d in source.shape)
    if source.shape is not None:
        fits = len(said) == len(source.shape) and all(
            own is None or own == d for own, d in zip(source.shape, said, strict=True)
        )
        if not fits:
            stated = shape_text("any" if d is None else d for d in source.shape)
            raise Invalid(
                f"the shape {shape_text(said)} does not fit the input '{source.name}', which has {stated} in the source",
                f"{key}.shape",
            )
    return tuple(said)


def _dtype(source: SourceInput, said: str, key: str) -> str:
    if said and source.dtype and said != source.dtype:
        raise Invalid(
            f"the type {said} does not fit the input '{source.name}', which is {source.dtype} in the source",
            f"{key}.dtype",
        )
    return source.dtype or said


def _proposal(source: SourceInput) -> str:
    if source.shape is None:
        return '[1, "n"]'
    alone = unbatched(source)
    if alone is not None:
        return json.dumps(list(alone))
    words = dimension_names(len(source.shape))
    dims = ((words[i] if i else 1) if d is None else d for i, d in enumerate(source.shape))
    return json.dumps(list(dims))
