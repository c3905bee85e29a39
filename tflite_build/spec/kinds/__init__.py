"""[argument.NAME] and [result.NAME]: what an app passes and gets, a file for each kind."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .classes import ClassesResult
from .detections import DetectionsResult
from .keypoints import KeypointsResult
from .mask import MaskResult
from .picture import PictureResult
from .single import AudioArgument, ImageArgument, TensorArgument, TensorResult

Argument = Annotated[ImageArgument | AudioArgument | TensorArgument, Field(discriminator="kind")]
Result = Annotated[
    ClassesResult | DetectionsResult | KeypointsResult | MaskResult | PictureResult | TensorResult,
    Field(discriminator="kind"),
]
