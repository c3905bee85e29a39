"""Which of the Kotlin sources that generated code shares need which others, so that an app has no more than it uses.

The files are templates/android/shared/NAME.kt.jinja; each takes `package`, and `header`, the text of its first comment.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import needs

NEEDS: dict[str, tuple[str, ...]] = {
    "AndroidPictures": ("BytePicture", "Picture", "PixelFormat", "Plane", "YuvPicture"),
    "ArgbPicture": ("Picture", "Plane"),
    "BytePicture": ("Picture", "PixelFormat", "Plane"),
    "Category": (),
    "Classification": ("Category", "Require"),
    "ColorSpace": (),
    "Detections": ("Category", "PictureTransform", "Require"),
    "FilledUp": (),
    "Fit": ("Region",),
    "HeatmapOffsets": (),
    "HeatmapPoints": ("Keypoints",),
    "KeypointEdges": ("Keypoints",),
    "Keypoints": ("PictureTransform",),
    "ListedPoints": ("Keypoints",),
    "Mask": ("PictureGrid",),
    "MaskNumbers": ("Mask",),
    "MaskOverlay": ("Mask", "OutputPicture"),
    "MaskScores": ("Mask",),
    "Normalization": (),
    "Orientation": (),
    "OutputPicture": (),
    "Picture": (),
    "PictureGrid": ("Orientation", "PictureTransform", "Region", "Require"),
    "PicturePreprocessing": (
        "ColorSpace", "Fit", "Normalization", "Orientation", "Picture", "PictureReader", "PictureTransform",
        "PreparedPicture", "Region", "Require", "Resize", "Weights",
    ),
    "PictureReader": ("ColorSpace", "Orientation", "Picture", "Region", "Weights"),
    "PictureTransform": ("Orientation", "Region"),
    "PixelDecoder": ("ColorSpace", "OutputPicture"),
    "PixelFormat": (),
    "Plane": ("Require",),
    "PreparedPicture": ("PicturePreprocessing", "PictureTransform", "Quantization", "Require"),
    "Quantization": ("Require",),
    "Region": (),
    "Require": (),
    "Resampler": (),
    "Resize": (),
    "RowScores": ("Scores",),
    "ScoredCandidates": ("Detections",),
    "Scores": ("Require",),
    "Sound": ("Require",),
    "SoundPreprocessing": ("Normalization", "Require", "Resampler", "Sound"),
    "SsdCandidates": ("ScoredCandidates",),
    "Suppression": ("Detections",),
    "Weights": ("Resize",),
    "YoloCandidates": ("Detections",),
    "YuvPicture": ("Picture", "Plane", "Require"),
}  # fmt: skip


def with_needs(names: Iterable[str]) -> list[str]:
    """`names` and all that they need, sorted."""
    return needs.closed(names, NEEDS)
