"""Runs packed models with MediaPipe's tasks: [task, file, input] lists on stdin, the categories of each as JSON."""

import json
import sys

import numpy as np
from mediapipe import Image, ImageFormat
from mediapipe.tasks.python import BaseOptions, audio, text, vision
from mediapipe.tasks.python.components.containers import AudioData


def classified(task, file, given):
    base = BaseOptions(model_asset_path=file)
    if task == "image":
        pixels = np.full((8, 8, 3), given, np.uint8)
        with vision.ImageClassifier.create_from_options(vision.ImageClassifierOptions(base)) as classifier:
            found = [classifier.classify(Image(image_format=ImageFormat.SRGB, data=pixels))]
    elif task == "audio":
        samples = np.full(800, given, np.float32)
        with audio.AudioClassifier.create_from_options(audio.AudioClassifierOptions(base)) as classifier:
            found = classifier.classify(AudioData.create_from_array(samples, 16000))
    else:
        with text.TextClassifier.create_from_options(text.TextClassifierOptions(base)) as classifier:
            found = [classifier.classify(given)]
    return {c.category_name: c.score for c in found[0].classifications[0].categories}


def segmented(file, given):
    """Of a picture of two halves in some colours what each shows, and how sure the segmenter is of the left one."""
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:, :4], pixels[:, 4:] = given
    options = vision.ImageSegmenterOptions(BaseOptions(model_asset_path=file), output_category_mask=True)
    with vision.ImageSegmenter.create_from_options(options) as segmenter:
        found = segmenter.segment(Image(image_format=ImageFormat.SRGB, data=pixels))
        labels = segmenter.labels
    left, right = (found.category_mask.numpy_view()[4, x].item() for x in (1, 6))
    sure = float(found.confidence_masks[left].numpy_view()[4, 1].item())
    return {"left": labels[left], "right": labels[right], "sure": sure}


def answer(task, file, given):
    return segmented(file, given) if task == "segment" else classified(task, file, given)


json.dump([answer(*asked) for asked in json.load(sys.stdin)], sys.stdout)
