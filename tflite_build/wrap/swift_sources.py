"""Which of the Swift sources that generated code shares need which others, so that an app has no more than it uses.

The files are templates/ios/shared/NAME.swift.jinja; each takes `header`, the text of its first comment.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import needs

NEEDS: dict[str, tuple[str, ...]] = {
    "ARGBPicture": ("Picture", "Plane"),
    "ApplePictures": (
        "BytePicture", "ModelError", "Orientation", "Picture", "PixelFormat", "PixelMemory", "Plane", "Require",
        "YUVEncoding", "YUVPicture",
    ),
    "BytePicture": ("Picture", "PixelFormat", "PixelMemory", "Plane", "Require"),
    "Category": ("Classification",),
    "Classification": ("Category", "Require"),
    "ColorSpace": (),
    "Division": (),
    "Detections": ("Category", "PictureTransform", "Require", "Classification"),
    "FilledUp": ("Require",),
    "Fit": ("Division", "Region"),
    "HeatmapOffsets": (),
    "HeatmapPoints": ("Keypoints",),
    "KeypointEdges": ("Keypoints",),
    "Keypoints": ("PictureTransform",),
    "ListedPoints": ("Keypoints",),
    "Mask": ("PictureGrid", "Require"),
    "MaskNumbers": ("Mask",),
    "MaskOverlay": ("Mask", "ModelError", "OutputPicture", "Require"),
    "MaskScores": ("Division", "Mask", "Require"),
    "ModelError": (),
    "Normalization": ("Require",),
    "Orientation": ("ModelError",),
    "OutputPicture": (),
    "Picture": (),
    "PictureGrid": ("Orientation", "PictureTransform", "Region", "Require"),
    "PicturePreprocessing": (
        "ColorSpace", "Fit", "Normalization", "Orientation", "Picture", "PictureReader", "PictureTransform",
        "PreparedPicture", "Region", "Require", "Resize", "Weights",
    ),
    "PictureReader": ("ColorSpace", "Division", "Orientation", "Picture", "Region", "Require", "Weights"),
    "PictureTransform": ("Orientation", "Region"),
    "PixelDecoder": ("ColorSpace", "OutputPicture"),
    "PixelFormat": ("Plane",),
    "PixelMemory": (),
    "Plane": ("PixelMemory", "Require"),
    "PreparedPicture": ("PicturePreprocessing", "PictureTransform", "Quantization", "QuantizedValue"),
    "Quantization": ("QuantizedValue", "Require"),
    "QuantizedValue": ("Quantization",),
    "Region": ("Require",),
    "Require": ("ModelError",),
    "Resampler": ("Division", "Require"),
    "Resize": (),
    "RowScores": ("Scores",),
    "ScoredCandidates": ("Detections",),
    "Scores": ("Require",),
    "Sound": ("Division", "Require"),
    "SoundPreprocessing": ("Normalization", "Require", "Resampler", "Sound"),
    "SsdCandidates": ("ModelError", "ScoredCandidates"),
    "Suppression": ("Detections",),
    "Weights": ("Division", "Resize"),
    "YUVEncoding": (),
    "YoloCandidates": ("Detections",),
    "YUVPicture": ("Picture", "Plane", "Require", "YUVEncoding"),
}  # fmt: skip


def with_needs(names: Iterable[str]) -> list[str]:
    """`names` and all that they need, sorted."""
    return needs.closed(names, NEEDS)
