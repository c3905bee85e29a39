"""[argument.NAME] with kind = "audio"."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tflite_build.spec.base import SpecModel
from tflite_build.spec.values import Strings

from .base import ContentArgument, TensorName

Duration = Annotated[float, Field(gt=0, le=3600)]


class Stream(SpecModel):
    """A sound that comes in pieces, as a microphone gives it: the model hears a window each `hop` of the input."""

    average: Duration | None = None
    """Of classes: seconds of windows whose scores are averaged. Default: each window stands for itself."""
    refractory: Duration | None = None
    """Of classes: seconds in which a class that was heard is not heard again."""
    ignore: Strings = ()
    """Labels of classes that are never heard, such as `["silence", "unknown"]`."""


class AudioArgument(ContentArgument):
    """A sound; its input says how it becomes a tensor."""

    kind: Literal["audio"]
    """What it is."""
    input: TensorName
    """The input that is made of it, which has `content = "audio"`."""
    stream: Stream | None = None
    """Have code for a sound that comes in pieces, too. An empty table is enough."""
