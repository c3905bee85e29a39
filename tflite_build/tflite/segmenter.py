"""What MediaPipe's image segmenter reads beside TFLite Metadata: what makes confidences of a mask's scores.

A FlatBuffer of its own (identifier V001) among the custom metadata of the graph. Source: MediaPipe's
image_segmenter_metadata_schema.fbs, version 1.0.0.
"""

from __future__ import annotations

from . import building
from .building import Number
from .metadata import CustomMetadata

_NAME = "SEGMENTER_METADATA"
_IDENTIFIER = b"V001"
_ACTIVATIONS = ("", "sigmoid", "softmax")


def metadata(activation: str) -> CustomMetadata:
    """The metadata of "sigmoid", "softmax" or ""."""
    return CustomMetadata(_NAME, building.built({0: Number("b", _ACTIVATIONS.index(activation))}, _IDENTIFIER))
