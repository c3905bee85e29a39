"""Every measure of [checks.accuracy] beside a known library's: scikit-learn, and for boxes pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn import metrics, neighbors

from tflite_build.engines.checks.detected import Detected
from tflite_build.engines.checks.measures import MEASURES, Contents, NotFinite
from tflite_build.engines.contract import Invalid
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.classes import Calibration, Classes, Parameters
from tflite_build.spec.kinds.detections import DetectionsResult

RANDOM = np.random.default_rng(7)


def measured(
    name: str,
    outputs: Mapping[str, Any],
    labels: Mapping[str, Any],
    how: Classes | None = None,
    detected: Detected | None = None,
    **contents: str,
) -> float:
    """A measure of all samples; arrays have the samples as their first axis. `how` is of the output "y"."""
    of_classes = {} if how is None else {"y": how}
    named = {content: (output,) for content, output in contents.items()}
    measure = MEASURES[name](Contents(named, of_classes, detected))
    for i in range(len(next(iter(labels.values())))):
        measure.add({n: a[i] for n, a in outputs.items()}, {n: a[i] for n, a in labels.items()})
    return measure.value()


@pytest.mark.parametrize("k", [1, 5])
def test_top_k(k: int) -> None:
    scores = RANDOM.random((200, 1, 10)).astype(np.float32)
    labels = np.where(RANDOM.random(200) < 0.4, scores[:, 0].argmax(-1), RANDOM.integers(0, 10, 200))
    expected = metrics.top_k_accuracy_score(labels, scores[:, 0], k=k, labels=np.arange(10))
    assert measured(f"top{k}", {"y": scores}, {"labels": labels}) == pytest.approx(expected)


def test_of_equal_scores_the_first_class_is_the_larger() -> None:
    scores = np.zeros((2, 1, 8), np.float32)
    assert measured("top1", {"y": scores}, {"labels": np.array([0, 1])}) == 0.5
    assert measured("top5", {"y": scores}, {"labels": np.array([4, 5])}) == 0.5


@pytest.mark.parametrize(
    ("name", "theirs"), [("mae", metrics.mean_absolute_error), ("mse", metrics.mean_squared_error)]
)
def test_errors(name: str, theirs: Any) -> None:
    made = RANDOM.normal(0, 5, (50, 1, 3)).astype(np.float32)
    labels = RANDOM.normal(0, 5, (50, 3))
    assert measured(name, {"y": made}, {"labels": labels}) == pytest.approx(theirs(labels, made[:, 0]))
    one = {"y": made[..., :1], "other": made}
    assert measured(name, one, {"y": labels[:, 0]}) == pytest.approx(theirs(labels[:, 0], made[:, 0, 0]))


def test_iou() -> None:
    scores = RANDOM.random((6, 1, 9, 7, 4)).astype(np.float32)
    labels = RANDOM.choice(np.array([0, 1, 3, 255]), (6, 9, 7))
    seen = labels != 255
    expected = metrics.jaccard_score(labels[seen], scores[:, 0].argmax(-1)[seen], average="macro")
    assert measured("iou", {"y": scores}, {"labels": labels}) == pytest.approx(expected)


def test_iou_of_one_score_and_of_classes() -> None:
    scores, labels = RANDOM.random((5, 1, 8, 8, 1)).astype(np.float32), RANDOM.integers(0, 2, (5, 8, 8))
    expected = metrics.jaccard_score(labels.ravel(), (scores > 0.5).ravel().astype(int), average="macro")
    assert measured("iou", {"y": scores}, {"labels": labels}) == pytest.approx(expected)
    classes = (scores[..., 0] > 0.5).astype(np.int32)
    assert measured("iou", {"y": classes, "z": scores}, {"labels": labels}, mask="y") == pytest.approx(expected)


def test_f1() -> None:
    scores, labels = RANDOM.random((100, 1, 6)).astype(np.float32), RANDOM.choice([0, 1, 2, 4], 100)
    expected = metrics.f1_score(labels, scores[:, 0].argmax(-1), average="macro", zero_division=0)
    assert measured("f1", {"y": scores}, {"labels": labels}) == pytest.approx(expected)
    scores, labels = RANDOM.random((100, 1, 1)).astype(np.float32), RANDOM.integers(0, 2, 100)
    assert measured("f1", {"y": scores}, {"labels": labels}) == pytest.approx(
        metrics.f1_score(labels, scores.ravel() > 0.5)
    )
    scores = RANDOM.random((100, 1, 6)).astype(np.float32)
    several = (RANDOM.random((100, 6)) < 0.3).astype(np.int64)
    several[:, 5] = 0
    expected = metrics.f1_score(several, scores[:, 0] > 0.5, average="macro", zero_division=0)
    assert measured("f1", {"y": scores}, {"labels": several}) == pytest.approx(expected)


def test_labels_are_the_numbers_that_an_app_gets() -> None:
    """A background is never the answer, whatever its score, and a label without a score is never right."""
    logits, labels = RANDOM.normal(size=(200, 1, 5)).astype(np.float32), RANDOM.integers(0, 4, 200)
    logits[:, 0, 0] += 2
    expected = metrics.accuracy_score(labels, logits[:, 0, 1:].argmax(-1))
    assert measured("top1", {"y": logits}, {"labels": labels}, Classes(5, offset=-1)) == pytest.approx(expected)
    expected = metrics.f1_score(labels, logits[:, 0, 1:].argmax(-1), average="macro")
    assert measured("f1", {"y": logits}, {"labels": labels}, Classes(5, offset=-1), classes="y") == pytest.approx(
        expected
    )
    labels = RANDOM.integers(0, 7, 200)
    expected = metrics.accuracy_score(labels, logits[:, 0].argmax(-1) + 2)
    assert measured("top1", {"y": logits}, {"labels": labels}, Classes(5, offset=2)) == pytest.approx(expected)


def test_an_activation_changes_no_order_and_what_is_above_a_half() -> None:
    logits = np.array([[[17, 20, 30]], [[30, 20, 17]]], np.float32)  # all 1 after sigmoid
    for activation in ("sigmoid", "softmax"):
        assert measured("top1", {"y": logits}, {"labels": np.array([2, 0])}, Classes(3, activation)) == 1
    logits, labels = RANDOM.normal(0, 0.4, (100, 1, 1)).astype(np.float32), RANDOM.integers(0, 2, 100)
    expected = metrics.f1_score(labels, logits.ravel() > 0)
    assert measured("f1", {"y": logits}, {"labels": labels}, Classes(1, "sigmoid")) == pytest.approx(expected)


def test_several_labels_are_those_at_or_above_the_threshold() -> None:
    scores = RANDOM.integers(0, 5, (100, 1, 6)).astype(np.float32) / 4
    several = (RANDOM.random((100, 6)) < 0.3).astype(np.int64)
    for threshold in (0.5, 0.75):
        expected = metrics.f1_score(several, scores[:, 0] >= threshold, average="macro", zero_division=0)
        how = Classes(6, several=True, threshold=threshold)
        assert measured("f1", {"y": scores}, {"labels": several}, how) == pytest.approx(expected)


def test_calibrated_scores_are_those_that_count() -> None:
    scores, labels = np.array([[[0.9, 0.2]]], np.float32), np.array([1])
    how = Classes(2, calibration=Calibration("identity", 0.3, (Parameters(1, 0, -2), None)))
    assert measured("top1", {"y": scores}, {"labels": labels}) == 0
    assert measured("top1", {"y": scores}, {"labels": labels}, how) == 1


def test_recall_of_the_nearest() -> None:
    embeddings, labels = RANDOM.normal(size=(150, 1, 8)).astype(np.float32), RANDOM.integers(0, 9, 150)
    embeddings[:, 0] += np.eye(9)[labels][:, :8] * 2
    labels[:2] = (100, 101)  # which no other sample has
    model = neighbors.NearestNeighbors(n_neighbors=2, metric="cosine").fit(embeddings[:, 0])
    nearest = model.kneighbors(embeddings[:, 0], return_distance=False)[:, 1]
    expected = float(np.mean((labels[nearest] == labels)[2:]))
    assert 0.3 < expected < 0.95
    assert measured("recall1", {"y": embeddings, "z": labels}, {"labels": labels}, embedding="y") == pytest.approx(
        expected
    )
    with pytest.raises(Invalid, match="no two samples"):
        measured("recall1", {"y": embeddings}, {"labels": np.arange(150)})


def coco(outputs: Mapping[str, Any], labels: Mapping[str, Any]) -> float:
    """COCO's AP by its own tool, whose boxes are x, y, width and height."""

    def box(b: Any) -> list[float]:
        return [float(b[1]), float(b[0]), float(b[3] - b[1]), float(b[2] - b[0])]

    wanted, found = [], []
    for image, (boxes, classes) in enumerate(zip(labels["boxes"], labels["classes"], strict=True)):
        for b, c in zip(boxes, classes, strict=True):
            if c >= 0:
                area = float((b[2] - b[0]) * (b[3] - b[1]))
                entry = {"id": len(wanted) + 1, "image_id": image, "category_id": int(c), "bbox": box(b)}
                wanted.append({**entry, "area": area, "iscrowd": 0})
        count = int(outputs["count"][image].item())
        found += [
            {
                "image_id": image,
                "category_id": int(outputs["classes"][image, 0, i]),
                "bbox": box(outputs["boxes"][image, 0, i]),
                "score": float(outputs["scores"][image, 0, i]),
            }
            for i in range(count)
        ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        images = [{"id": i} for i in range(len(labels["boxes"]))]
        truth.dataset = {"images": images, "annotations": wanted, "categories": [{"id": c} for c in range(4)]}
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


@pytest.mark.parametrize("seed", range(4))
def test_mean_average_precision(seed: int) -> None:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 80, (12, 5, 2))
    boxes = np.concatenate([corner, corner + random.uniform(5, 30, (12, 5, 2))], -1)
    classes = random.integers(-1, 3, (12, 5))
    noisy = np.repeat(boxes, 3, 1) + random.normal(0, 3, (12, 15, 4))
    noisy[..., 2:] = np.maximum(noisy[..., 2:], noisy[..., :2] + 1)
    said = np.where(random.random((12, 15)) < 0.8, np.repeat(classes, 3, 1), random.integers(0, 4, (12, 15)))
    outputs = {
        "boxes": noisy[:, None].astype(np.float32),
        "classes": np.maximum(said, 0)[:, None].astype(np.float32),
        "scores": random.random((12, 1, 15)).round(2).astype(np.float32),
        "count": random.integers(5, 16, (12, 1)).astype(np.float32),
    }
    labels = {"boxes": boxes.astype(np.float32), "classes": classes}
    contents = {name: name for name in outputs}
    expected = coco(outputs, labels)
    assert 0.05 < expected < 0.9
    assert measured("mAP", outputs, labels, **contents) == pytest.approx(expected, abs=1e-9)
    # The same of a head of YOLO, whose first class is a background, and whose boxes are in pixels of a picture.
    found = detected(boxes="head", decode="yolov5", coordinates="pixel", label_offset=-1)
    head = heads(outputs, 4)
    shares = {**labels, "boxes": labels["boxes"] / np.array([SIZE[1], SIZE[0], SIZE[1], SIZE[0]])}
    assert measured("mAP", {"head": head}, shares, detected=found) == pytest.approx(expected, abs=1e-9)


SIZE = (160, 120)


def detected(lines: Mapping[str, list[str]] | None = None, **said: Any) -> Detected:
    result = DetectionsResult(kind="detections", **said)
    binding = Binding("detections", "things", 'result."things"', result.tensors, result.said({}))
    return Detected(binding, SIZE, lambda _, key: {"": (lines or {})[key]} if key in (lines or {}) else {})


def heads(outputs: Mapping[str, Any], classes: int) -> np.ndarray[Any, Any]:
    """Listed boxes as rows of YOLO; those that do not count are of the background."""
    (boxes, numbers, scores), count = (outputs[n][:, 0] for n in ("boxes", "classes", "scores")), outputs["count"]
    (top, left, bottom, right) = boxes.transpose(2, 0, 1)
    places = np.stack([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top, scores], -1)
    numbers = np.where(np.arange(scores.shape[1]) < count, numbers + 1, 0).astype(int)
    return np.concatenate([places, np.eye(classes + 1)[numbers]], -1)[:, None].astype(np.float32)


def test_mean_average_precision_of_a_result_by_hand() -> None:
    """Class 0 has two things; its best box finds one, its other box the same again: precision 1 up to a recall of 0.5.

    That are 51 of 101 points. Class 1 has one thing, which its second box finds: precision 0.5 at every recall. What an app
    leaves out counts.
    """
    anchors = ["0.5,0.5,0.4,0.4", "0.5,0.5,0.4,0.41", "0.2,0.2,0.1,0.1", "0.2,0.2,0.1,0.1"]
    said = {"boxes": "b", "scores": "s", "decode": "ssd", "anchors": "a.csv", "activation": "softmax"}
    logits = np.log([[[0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8], [0.1, 0.05, 0.85]]])
    outputs = {"b": np.zeros((1, 1, 4, 4), np.float32), "s": logits[:, None].astype(np.float32)}
    outputs["b"][0, 0, 3] = (-20, 0, 0, 0)  # of the second class the best box lies elsewhere
    boxes = np.array([[[0.3, 0.3, 0.7, 0.7], [0, 0, 0.1, 0.1], [0.15, 0.15, 0.25, 0.25]]])
    labels = {"boxes": boxes, "classes": np.array([[0, 0, 1]])}
    both = detected({"anchors": anchors}, **said, label_offset=-1, score_threshold=0.9, max_results=1)
    assert measured("mAP", outputs, labels, detected=both) == pytest.approx((51 / 101 + 0.5) / 2)
    one = detected({"anchors": anchors}, **said, label_offset=-1, nms={"iou": 0.5, "max": 1})
    assert measured("mAP", outputs, labels, detected=one) == pytest.approx(0)
    for kept, right in (({"iou": 0.5}, (51 / 101 + 0.5) / 2), ({"iou": 0.5, "max": 2}, (51 / 101) / 2)):
        found = detected({"anchors": anchors}, **said, label_offset=-1, nms=kept)
        assert measured("mAP", outputs, labels, detected=found) == pytest.approx(right)


@pytest.mark.parametrize(
    ("name", "outputs", "labels", "said"),
    [
        ("top5", {"y": np.zeros((1, 1, 5), np.float32)}, {"labels": np.array([0])}, "which top5 would always find"),
        ("top1", {"y": np.zeros((1, 1, 5), np.float32)}, {"labels": np.array([5])}, "has the classes 0 to 4"),
        ("mae", {"y": np.zeros((1, 3), np.float32)}, {"labels": np.zeros((1, 4))}, r"the output 'y' \[3\]"),
        ("mae", {"y": np.zeros((1, 3)), "z": np.zeros((1, 3))}, {"labels": np.zeros((1, 3))}, "does not say which"),
        ("mse", {"y": np.zeros((1, 3))}, {"x": np.zeros((1, 3))}, "'labels/x' is for no output"),
        ("iou", {"y": np.zeros((1, 1, 4, 4, 2))}, {"labels": np.zeros((1, 8, 8), int)}, r"the shape \[8, 8\] a sample"),
        (
            "iou",
            {"y": np.zeros((1, 1, 4, 4, 2))},
            {"labels": np.full((1, 4, 4), 0.5)},
            "holds 0.5, and classes are whole",
        ),
        (
            "iou",
            {"y": np.zeros((1, 1, 4, 4, 3))},
            {"labels": np.full((1, 4, 4), 9)},
            "holds 9, and 'y' has the classes 0 to 2",
        ),
        ("iou", {"y": np.zeros((1, 1, 4, 4, 3))}, {"labels": np.full((1, 4, 4), -1)}, "holds -1"),
        ("iou", {"y": np.zeros((1, 1, 4, 4, 1))}, {"labels": np.full((1, 4, 4), 2)}, "has the classes 0 to 1"),
        ("iou", {"y": np.zeros((1, 4, 4), int)}, {"labels": np.full((1, 4, 4), -1)}, "classes are counted from 0"),
        (
            "iou",
            {"y": np.zeros((1, 1, 4, 4, 3))},
            {"labels": np.full((1, 4, 4), 255)},
            "255 for every pixel, so that there is",
        ),
        (
            "f1",
            {"y": np.zeros((1, 1, 3))},
            {"labels": np.array([[-1, 1, 1]])},
            "holds -1, and of several labels each is 0 or 1",
        ),
        (
            "f1",
            {"y": np.zeros((1, 1, 3))},
            {"labels": np.array([[0, 2, 0]])},
            "holds 2, and of several labels each is 0 or 1",
        ),
        ("f1", {"y": np.zeros((1, 1, 3))}, {"labels": np.array([0.5])}, "holds 0.5, and classes are whole numbers"),
        ("top1", {"y": np.zeros((1, 1, 3))}, {"labels": np.array([0.5])}, "holds 0.5, and classes are whole numbers"),
        ("f1", {"y": np.zeros((1, 1, 3))}, {"labels": np.zeros((1, 2), int)}, "and 'y' 3 scores"),
        ("mAP", {"y": np.zeros((1, 1, 3))}, {"labels": np.zeros(1, int)}, "says of none that it is boxes"),
    ],
)
def test_labels_that_do_not_fit(name: str, outputs: Any, labels: Any, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        measured(name, outputs, labels)


BOXES = {"b": np.zeros((1, 1, 2, 4)), "c": np.zeros((1, 1, 2)), "s": np.zeros((1, 1, 2)), "n": np.zeros((1, 1))}
CONTENTS = {"boxes": ("b",), "classes": ("c",), "scores": ("s",), "count": ("n",)}


def test_boxes_that_say_nothing() -> None:
    measure = MEASURES["mAP"](Contents(CONTENTS))
    measure.add({n: a[0] for n, a in BOXES.items()}, {"boxes": np.zeros((3, 4)), "classes": np.full(3, -1)})
    with pytest.raises(Invalid, match="'labels/classes' has no box in any sample, so that there is nothing to measure"):
        measure.value()
    with pytest.raises(Invalid, match=r"holds 0\.5, and classes are whole numbers"):
        measure.add({n: a[0] for n, a in BOXES.items()}, {"boxes": np.zeros((3, 4)), "classes": np.full(3, 0.5)})
    with pytest.raises(NotFinite, match="n"):
        broken = {**BOXES, "n": np.full((1, 1), np.nan)}
        measure.add({n: a[0] for n, a in broken.items()}, {"boxes": np.zeros((3, 4)), "classes": np.zeros(3)})


def test_two_outputs_of_a_content_that_is_needed_once() -> None:
    with pytest.raises(Invalid, match="says of 'b' and 's' that they are boxes, and mAP needs one of them"):
        MEASURES["mAP"](Contents({**CONTENTS, "boxes": ("b", "s")}))


def test_whole_numbers_of_any_type_are_labels() -> None:
    scores = RANDOM.random((40, 1, 2)).astype(np.float32)
    labels = RANDOM.integers(0, 2, 40)
    masks, wanted = RANDOM.random((5, 1, 4, 4, 3)), RANDOM.integers(0, 3, (5, 4, 4))
    for dtype in ("float32", "float64", "uint8", "int64", "bool"):
        for name in ("top1", "f1"):
            given = labels.astype(dtype)
            assert measured(name, {"y": scores}, {"labels": given}) == measured(name, {"y": scores}, {"labels": labels})
        if dtype != "bool":
            assert measured("iou", {"y": masks}, {"labels": wanted.astype(dtype)}) == measured(
                "iou", {"y": masks}, {"labels": wanted}
            )
