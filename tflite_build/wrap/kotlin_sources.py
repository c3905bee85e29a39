"""Which of the Kotlin sources that generated code shares need which others, so that an app has no more than it uses.

The files are templates/android/shared/NAME.kt.jinja; each takes `package`, and `header`, the text of its first comment.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import needs

NEEDS: dict[str, tuple[str, ...]] = {
    "Accents": ("CharacterTable",),
    "AndroidPictures": ("BytePicture", "Picture", "PixelFormat", "Plane", "YuvPicture"),
    "ArgbPicture": ("Picture", "Plane"),
    "BestClasses": (),
    "BoxLayout": (),
    "BytePicture": ("Picture", "PixelFormat", "Plane"),
    "BertTokenizer": ("CharacterTable", "TextIds", "Vocabulary"),
    "Categories": (),
    "Category": (),
    "CharacterTable": (),
    "Classification": ("Category", "Require"),
    "Checkpoint": (),
    "ColorSpace": (),
    "Detections": ("Category", "PictureTransform", "Require"),
    "Embedding": (),
    "FilledUp": (),
    "Fit": ("Region",),
    "HeatmapOffsets": (),
    "HeatmapPoints": ("Keypoints",),
    "KeypointEdges": ("Keypoints",),
    "Keypoints": ("PictureTransform",),
    "LabelOffset": (),
    "LanguageTags": (),
    "ListedCandidates": ("BoxLayout", "Detections"),
    "ListedPoints": ("Keypoints",),
    "LowerCase": ("CharacterTable",),
    "Mask": ("PictureGrid",),
    "MaskNumbers": ("Mask", "PictureGrid"),
    "MaskOverlay": ("Mask", "OutputPicture", "PictureGrid"),
    "MaskScores": ("Mask", "PictureGrid"),
    "Moment": (),
    "Normalization": (),
    "Normalized": (),
    "Orientation": (),
    "OutputPicture": (),
    "Picture": (),
    "PictureGrid": ("Orientation", "PictureTransform", "Require"),
    "PicturePreprocessing": (
        "ColorSpace", "Fit", "Normalization", "Orientation", "Picture", "PictureReader", "PictureTransform",
        "PreparedPicture", "Region", "Require", "Resize", "Weights",
    ),
    "PictureReader": ("ColorSpace", "Orientation", "Picture", "Region", "Weights"),
    "PictureTransform": ("Orientation", "Region"),
    "PieceTokenizer": ("TextIds",),
    "PixelDecoder": ("ColorSpace", "OutputPicture"),
    "PixelFormat": (),
    "Plane": ("Require",),
    "PreparedPicture": ("PicturePreprocessing", "PictureTransform", "Quantization", "Require"),
    "Quantization": ("Require",),
    "RegexTokenizer": ("TextIds", "Vocabulary"),
    "Region": (),
    "Require": (),
    "Resampler": (),
    "Resize": (),
    "RowScores": ("Scores",),
    "ScoreCalibration": (),
    "ScoredCandidates": ("BestClasses", "BoxLayout", "Detections"),
    "Scores": ("Require",),
    "Sound": ("Require",),
    "SoundStream": ("Require", "Resampler", "Sound"),
    "Spotting": ("Category", "Classification"),
    "SoundPreprocessing": ("Normalization", "Require", "Resampler", "Sound"),
    "SsdCandidates": ("BestClasses", "Detections"),
    "Suppression": ("Detections",),
    "TextIds": (),
    "TextPair": ("BertTokenizer", "TextIds"),
    "Vocabulary": (),
    "Weights": ("Resize",),
    "YoloCandidates": ("BestClasses", "BoxLayout", "Detections"),
    "YuvPicture": ("Picture", "Plane", "Require"),
}  # fmt: skip


def with_needs(names: Iterable[str]) -> list[str]:
    """`names` and all that they need, sorted."""
    return needs.closed(names, NEEDS)
