"""Runs packed models with MediaPipe's tasks: [task, file, input] lists on stdin, as JSON what each finds.

Of classifiers the categories: name -> score, those of a further head as "head/name"; of embedders the numbers, divided by
their length; of detectors rows of a category, its score, and a corner and a size; of segmenters what two halves show.
"""

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
    heads = found[0].classifications
    return {
        f"{head.head_name}/{c.category_name}" if head.head_index else c.category_name: c.score
        for head in heads
        for c in head.categories
    }


def embedded(task, file, given):
    base = BaseOptions(model_asset_path=file)
    if task == "image-embedding":
        options = vision.ImageEmbedderOptions(base, l2_normalize=True)
        with vision.ImageEmbedder.create_from_options(options) as embedder:
            found = embedder.embed(Image(image_format=ImageFormat.SRGB, data=np.full((8, 8, 3), given, np.uint8)))
    else:
        options = text.TextEmbedderOptions(base, l2_normalize=True)
        with text.TextEmbedder.create_from_options(options) as embedder:
            found = embedder.embed(given)
    return found.embeddings[0].embedding.tolist()


def detected(file, given):
    """The picture is a file of RGB, with its width and height."""
    name, width, height = given
    pixels = np.fromfile(name, np.uint8).reshape(height, width, 3)
    options = vision.ObjectDetectorOptions(BaseOptions(model_asset_path=file))
    with vision.ObjectDetector.create_from_options(options) as detector:
        found = detector.detect(Image(image_format=ImageFormat.SRGB, data=pixels)).detections
    rows = []
    for box, (category,) in ((one.bounding_box, one.categories) for one in found):
        name = category.category_name or category.index
        rows.append([name, category.score, box.origin_x, box.origin_y, box.width, box.height])
    return rows


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


RUNS = {"detect": detected, "segment": segmented}


def answer(task, file, given):
    if task in RUNS:
        return RUNS[task](file, given)
    return (embedded if "embedding" in task else classified)(task, file, given)


json.dump([answer(*asked) for asked in json.load(sys.stdin)], sys.stdout)
