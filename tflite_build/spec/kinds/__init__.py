"""[argument.NAME] and [result.NAME]: what an app passes and gets, a file for each kind."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .audio import AudioArgument
from .categorical import CategoricalArgument
from .classes import ClassesResult
from .detections import DetectionsResult
from .embedding import EmbeddingResult
from .keypoints import KeypointsResult
from .mask import MaskResult
from .picture import PictureResult
from .single import ImageArgument, TensorArgument, TensorResult
from .text import TextArgument

Argument = Annotated[
    ImageArgument | AudioArgument | TextArgument | CategoricalArgument | TensorArgument, Field(discriminator="kind")
]
Result = Annotated[
    ClassesResult | DetectionsResult | EmbeddingResult | KeypointsResult | MaskResult | PictureResult | TensorResult,
    Field(discriminator="kind"),
]
