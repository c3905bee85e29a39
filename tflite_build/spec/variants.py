"""[variant] and [calibration]: the files to build."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    Field,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .base import SpecModel
from .checks import VariantChecks
from .values import LARGEST, Entry, Paths, RelativePath, Strings, is_data, wrong

QUANTIZE_WORDS = (
    "none",
    "float16",
    "dynamic-int8",
    "dynamic-int4",
    "weight-only-int8",
    "weight-only-int4",
    "int8",
    "int16x8",
    "from-source",
)


class Variant(SpecModel):
    """One .tflite file to build."""

    quantize: str = "none"
    """`none`, `float16`, `dynamic-int8`, `dynamic-int4`, `weight-only-int8`, `weight-only-int4`, `int8`, `int16x8`,
    `from-source` (the model was trained with quantization), or the path of a recipe file that ends in `.json`."""
    io: Literal["float32", "int8", "uint8", "int16"] | None = None
    """The type of the file's inputs and outputs. int8: float32, int8 or uint8; int16x8: float32 or int16; all others
    float32."""
    granularity: Literal["channel", "tensor"] | None = None
    """One scale for each output channel of a weight, or one for the whole tensor."""
    keep_float: Strings = ()
    """What stays float: regular expressions on tensor names, or `op:NAME` for all operators of a kind."""
    checks: VariantChecks = VariantChecks()
    """Limits of this variant, which go before those of [checks]."""

    @field_validator("quantize")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in QUANTIZE_WORDS and not value.endswith(".json"):
            allowed = [*QUANTIZE_WORDS, "a recipe file (.json)"]
            raise PydanticCustomError("word", "{found}", {"found": value, "allowed": allowed})
        return value

    @field_validator("keep_float")
    @classmethod
    def _patterns(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            if pattern.startswith("op:"):
                continue
            try:
                re.compile(pattern)
            except re.error as error:
                raise wrong(f"'{pattern}' is not a regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _possible(self) -> Variant:
        integers = {"int8": ("float32", "int8", "uint8"), "int16x8": ("float32", "int16")}
        allowed = integers.get(self.quantize, ("float32",))
        if self.io is not None and self.io not in allowed and not self.quantize.endswith(".json"):
            raise wrong(
                f'io = "{self.io}" does not go with quantize = "{self.quantize}": '
                f"inputs and outputs can be {' or '.join(allowed)}",
                "io",
            )
        if self.quantize == "from-source" and self.io is not None:
            raise wrong("'io' does not go with quantize = \"from-source\", which keeps the types of the source", "io")
        if self.quantize in ("none", "float16", "from-source"):
            for key, value in (("granularity", self.granularity), ("keep_float", self.keep_float)):
                if value:
                    raise wrong(
                        f"'{key}' does not go with quantize = \"{self.quantize}\": it is for those that give integers",
                        key,
                    )
        if self.granularity and self.quantize.endswith(".json"):
            raise wrong("'granularity' does not go with a recipe, whose rules say it themselves", "granularity")
        return self


class Calibration(SpecModel):
    """The representative data that int8 and int16x8 take their ranges from."""

    data: RelativePath | None = None
    """An .npz file with one array per input, its first axis the samples; `SIGNATURE/INPUT` with several signatures. Or a
    folder of pictures or sounds, which go through the input's own preprocessing."""
    entry: Entry | None = None
    """Or a function that yields samples, as `FILE.py:NAME`: each a dict of input name to array."""
    files: Paths = ()
    """Further files that `entry` opens below Python's sight."""
    samples: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """How many samples to take; fewer are an error. Default: all of `data`, the first 200 of `entry`."""

    sequence: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    """Of a model with [state]: how many samples follow each other, before states have their first values again. Default:
    all of them."""

    @model_validator(mode="after")
    def _one_form(self) -> Calibration:
        if bool(self.data) == bool(self.entry):
            raise wrong("[calibration] needs 'data' or 'entry', one of the two")
        is_data(self.data)
        return self
