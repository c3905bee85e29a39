"""Which of the Swift sources that generated code shares need which others, so that an app has no more than it uses.

The files are templates/ios/shared/NAME.swift.jinja; each takes `header`, the text of its first comment.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import needs

NEEDS: dict[str, tuple[str, ...]] = {
    "ARGBPicture": ("Picture", "Plane"),
    "Accents": ("CharacterTable",),
    "ApplePictures": (
        "BytePicture", "ModelError", "Orientation", "Picture", "PixelFormat", "PixelMemory", "Plane", "Require",
        "YUVEncoding", "YUVPicture",
    ),
    "BertTokenizer": ("CharacterTable", "TextIds", "Vocabulary"),
    "BestClasses": (),
    "BoxLayout": (),
    "BytePicture": ("Picture", "PixelFormat", "PixelMemory", "Plane", "Require"),
    "Categories": ("ModelError", "Require"),
    "Category": ("Classification",),
    "CharacterTable": (),
    "Classification": ("Category", "Require"),
    "Checkpoint": ("Require",),
    "ColorSpace": (),
    "Division": (),
    "Detections": ("Category", "Classification", "PictureTransform", "Require"),
    "Embedding": ("Require",),
    "FilledUp": ("Require",),
    "Fit": ("Division", "Region"),
    "HeatmapOffsets": (),
    "HeatmapPoints": ("Keypoints",),
    "KeypointEdges": ("Keypoints",),
    "Keypoints": ("PictureTransform",),
    "LabelOffset": (),
    "LanguageTags": (),
    "ListedCandidates": ("BoxLayout", "Detections"),
    "ListedPoints": ("Keypoints",),
    "LowerCase": ("CharacterTable",),
    "Mask": ("PictureGrid", "Require"),
    "MaskNumbers": ("Mask", "PictureGrid"),
    "MaskOverlay": ("Mask", "ModelError", "OutputPicture", "PictureGrid", "Require"),
    "MaskScores": ("Division", "Mask", "PictureGrid", "Require"),
    "ModelError": (),
    "Moment": (),
    "Normalization": ("Require",),
    "Normalized": (),
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
    "PieceTokenizer": ("TextIds",),
    "PixelDecoder": ("ColorSpace", "OutputPicture"),
    "PixelFormat": ("Plane",),
    "PixelMemory": (),
    "Plane": ("PixelMemory", "Require"),
    "PreparedPicture": ("PicturePreprocessing", "PictureTransform", "Quantization", "QuantizedValue"),
    "Quantization": ("QuantizedValue", "Require"),
    "QuantizedValue": ("Quantization",),
    "RegexTokenizer": ("TextIds", "Vocabulary"),
    "Region": ("Require",),
    "Require": ("ModelError",),
    "Resampler": ("Division", "Require"),
    "Resize": (),
    "RowScores": ("Scores",),
    "ScoreCalibration": ("ModelError",),
    "ScoredCandidates": ("BestClasses", "BoxLayout", "Detections"),
    "Scores": ("Require",),
    "Sound": ("Division", "Require"),
    "SoundStream": ("Require", "Resampler", "Sound"),
    "Spotting": ("Category", "Classification"),
    "SoundPreprocessing": ("Normalization", "Require", "Resampler", "Sound"),
    "SsdCandidates": ("BestClasses", "Detections", "ModelError"),
    "Suppression": ("Detections",),
    "TextIds": (),
    "TextPair": ("BertTokenizer", "TextIds"),
    "Vocabulary": (),
    "Weights": ("Division", "Resize"),
    "YUVEncoding": (),
    "YoloCandidates": ("BestClasses", "BoxLayout", "Detections"),
    "YUVPicture": ("Picture", "Plane", "Require", "YUVEncoding"),
}  # fmt: skip


def with_needs(names: Iterable[str]) -> list[str]:
    """`names` and all that they need, sorted."""
    return needs.closed(names, NEEDS)
