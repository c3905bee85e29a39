"""Boxes by numpy, which code of every language is held against: beside definitions that are written otherwise."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tflite_build.engines.content import Content
from tflite_build.engines.contract import TensorSpec
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.detections import Detections, Suppression, of
from tflite_build.engines.postprocessing.detections import Candidates, candidates, chosen, flat
from tflite_build.engines.postprocessing.places import places
from tflite_build.engines.preprocessing import image
from tflite_build.spec.kinds.detections import DetectionsResult

Array = np.ndarray[Any, Any]
CORNERS = Detections("listed", (0, 1, 2, 3), "boundaries", ratio=False)
SIDE = st.integers(0, 12)


def overlap(a: Array, b: Array) -> Fraction:
    """Intersection over union of two boxes with whole corners, exactly: by counting pixels."""
    one, other = ({(x, y) for x in range(int(p[0]), int(p[2])) for y in range(int(p[1]), int(p[3]))} for p in (a, b))
    return Fraction(len(one & other), len(one | other)) if one | other else Fraction(0)


@st.composite
def boxes(draw: st.DrawFn) -> Candidates:
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    count = draw(st.integers(0, 16))
    corner = random.integers(0, 9, (count, 2))
    corners = np.hstack([corner, corner + random.integers(0, 13, (count, 2))]).astype("f")
    scores = random.choice([0, 0.25, 0.5, 0.75, 1, np.nan], count, p=[0.1, 0.2, 0.2, 0.2, 0.2, 0.1]).astype("f")
    return Candidates(corners, scores, random.choice([-1, 0, 1, 2, 3], count, p=[0.1, 0.3, 0.3, 0.2, 0.1]))


SUPPRESSIONS = st.builds(
    Suppression, st.sampled_from([1 / 97, 30 / 97, 50 / 97, 1.0]), st.integers(1, 6), st.booleans()
)


@given(
    boxes(),
    st.one_of(st.none(), SUPPRESSIONS),
    st.integers(-2, 1),
    st.one_of(st.none(), st.integers(1, 4)),
    st.sampled_from([None, 0.25, 0.6]),
    st.sampled_from([None, 1, 3]),
)
@settings(max_examples=400)
def test_those_are_kept_that_no_better_one_covers(
    found: Candidates,
    kept: Suppression | None,
    offset: int,
    labels: int | None,
    threshold: float | None,
    most: int | None,
) -> None:
    """What is kept is in order; no two of them are one thing; and each that is not kept is one with a better one."""
    how = Detections("listed", (0, 1, 2, 3), "boundaries", ratio=False, offset=offset, suppression=kept)
    made = chosen(found, how, labels, threshold, most).tolist()

    def counts(i: int) -> bool:
        number = found.classes[i] + offset
        known = found.classes[i] >= 0 <= number and (labels is None or number < labels)
        return known and not math.isnan(found.scores[i]) and (threshold is None or found.scores[i] >= threshold)

    def alike(i: int, j: int) -> bool:
        assert kept is not None
        if not kept.across and found.classes[i] != found.classes[j]:
            return False
        return overlap(found.corners[i], found.corners[j]) > Fraction(kept.iou)

    order = sorted(filter(counts, range(len(found.scores))), key=lambda i: (-found.scores[i], i))
    if kept is not None:
        limit = min(kept.max, most or kept.max)
        assert made == [i for i in order if i in made]
        assert not any(alike(i, j) for i in made for j in made if i < j)
        if len(made) < limit:
            better = {i: order[: order.index(i)] for i in order}
            assert all(any(alike(i, j) for j in made if j in better[i]) for i in order if i not in made)
        assert len(made) <= limit
    else:
        assert made == order[:most]


def test_a_box_that_is_not_finite_is_left_out() -> None:
    rows = np.zeros((4, 4), "f")
    rows[0, 1], rows[1, 3], rows[2, 0] = np.nan, np.inf, -np.inf
    found = Candidates(rows, np.ones(4, "f"), np.zeros(4, np.int64))
    assert chosen(found, CORNERS, None, None, None).tolist() == [3]


ORDERS = {
    "yxyx": lambda x, y, w, h: (y, x, y + h, x + w),
    "xyxy": lambda x, y, w, h: (x, y, x + w, y + h),
    "xywh": lambda x, y, w, h: (x, y, w, h),
    "yxhw": lambda x, y, w, h: (y, x, h, w),
    "cxcywh": lambda x, y, w, h: (x + w / 2, y + h / 2, w, h),
    "cycxhw": lambda x, y, w, h: (y + h / 2, x + w / 2, h, w),
}


def how_of(shapes: dict[str, tuple[int, ...]], labels: int | None = None, **said: Any) -> Detections:
    """What the keys of a result say of outputs of these shapes, which are called as their roles."""
    result = DetectionsResult(kind="detections", **{role: role for role in shapes}, **said)
    binding = Binding("detections", "things", 'result."things"', result.tensors, result.said({}))
    return of(binding, {role: TensorSpec(role, shape, "float32") for role, shape in shapes.items()}, labels)


@pytest.mark.parametrize("order", ORDERS)
@given(st.tuples(SIDE, SIDE, SIDE, SIDE))
@settings(max_examples=20)
def test_every_order_of_numbers(order: Any, box: tuple[int, int, int, int]) -> None:
    x, y, w, h = box
    rest = {"scores": np.ones(1, "f"), "classes": np.zeros(1, "f")}
    shapes = {"boxes": (1, 1, 4), "scores": (1, 1), "classes": (1, 1)}
    values = np.array(ORDERS[order](x, y, w, h), "f")
    how = how_of(shapes, box_order=order, coordinates="pixel")
    assert candidates(how, {"boxes": values, **rest}, (16, 32)).corners.tolist() == [[x, y, x + w, y + h]]
    how = how_of(shapes, box_order=order)
    size = np.array((16, 32, 16, 32) if order.startswith(("x", "cx")) else (32, 16, 32, 16), "f")
    assert candidates(how, {"boxes": values / size, **rest}, (16, 32)).corners.tolist() == [[x, y, x + w, y + h]]


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(6, 12), st.booleans())
@settings(max_examples=60)
def test_a_head_of_yolo_either_way_round(seed: int, classes: int, count: int, logits: bool) -> None:
    random = np.random.default_rng(seed)
    row = {4: "yolov8", 5: "yolov5"}
    for before, decode in row.items():
        width = before + classes
        rows = random.normal(size=(count, width)).astype("f")
        activation = "sigmoid" if logits else None
        made = []
        for values in (rows[None], rows.T[None]):
            if width == count:
                continue
            how = how_of({"boxes": values.shape}, classes, decode=decode, activation=activation, coordinates="pixel")
            assert (how.classes, how.across) == (classes, values.shape[1] == width)
            made.append(candidates(how, {"boxes": values}, (1, 1)))
        for found in made:
            own = 1 / (1 + np.exp(-rows[:, 4:].astype(np.float64))) if logits else rows[:, 4:].astype(np.float64)
            best = own[:, before - 4 :].argmax(1)
            score = own[np.arange(count), before - 4 + best] * (own[:, 0] if before == 5 else 1)
            assert found.classes.tolist() == best.tolist()
            np.testing.assert_allclose(found.scores, score, rtol=1e-6)
            middle, half = rows[:, :2].astype(np.float64), rows[:, 2:4].astype(np.float64) / 2
            np.testing.assert_allclose(found.corners, np.hstack([middle - half, middle + half]), rtol=1e-5, atol=1e-6)


@given(st.integers(0, 10**6))
@settings(max_examples=60)
def test_distances_from_anchors(seed: int) -> None:
    """What TensorFlow's object detection encodes comes back."""
    random = np.random.default_rng(seed)
    anchors, middles = random.uniform(0.1, 0.9, (2, 5, 4))
    places_ = (middles[:, :2] - anchors[:, :2]) / anchors[:, 2:] * 10
    sizes = np.log(middles[:, 2:] / anchors[:, 2:]) * 5
    how = how_of({"boxes": (1, 5, 4), "scores": (1, 5, 2)}, decode="ssd", anchors="a.csv")
    outputs = {"boxes": np.hstack([places_, sizes])[None].astype("f"), "scores": np.zeros((1, 5, 2), "f")}
    found = candidates(how, outputs, (200, 100), anchors.astype("f"))
    (y, x), (h, w) = middles[:, :2].T, middles[:, 2:].T
    wanted = np.stack([(x - w / 2) * 200, (y - h / 2) * 100, (x + w / 2) * 200, (y + h / 2) * 100], 1)
    np.testing.assert_allclose(found.corners, wanted, rtol=1e-4, atol=1e-3)


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Array, tuple[int, int, int, int], tuple[int, int], str]:
    """An upright picture with a rectangle in it, a region around that, and what the picture is fitted into, and how.

    The rectangle lies in what a crop keeps of the region, and is larger than what one pixel of the tensor stands for.
    """
    width, height = draw(st.integers(60, 120)), draw(st.integers(60, 120))
    left, top = draw(st.integers(0, 20)), draw(st.integers(0, 20))
    right, bottom = draw(st.integers(left + 30, width)), draw(st.integers(top + 30, height))
    size = draw(st.integers(24, 64)), draw(st.integers(24, 64))
    across, down = right - left, bottom - top
    kept = min(across, down * size[0] / size[1]), min(down, across * size[1] / size[0])
    middle = (left + right) / 2, (top + bottom) / 2
    a = [int(m - k * draw(st.floats(0.15, 0.4))) for m, k in zip(middle, kept, strict=True)]
    b = [math.ceil(m + k * draw(st.floats(0.15, 0.4))) for m, k in zip(middle, kept, strict=True)]
    assume(min(b[0] - a[0], b[1] - a[1]) > max(across / size[0], down / size[1]))
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[a[1] : b[1], a[0] : b[0]] = (250, 100, 200)
    return pixels, (left, top, right, bottom), size, draw(st.sampled_from(["stretch", "crop", "letterbox"]))


def bounds(pixels: Array) -> list[int]:
    """Left, top, right and bottom of the rectangle."""
    y, x = np.nonzero(pixels[..., 0] == 250)
    return [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]


@given(drawn(), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_a_rectangle_is_found_where_it_was_drawn(
    case: tuple[Array, tuple[int, int, int, int], tuple[int, int], str], turns: int
) -> None:
    """Drawn in a picture as it was given, and looked for in the tensor; to a pixel of the tensor and one of the picture."""
    upright, region, size, how = case
    lying = np.rot90(upright, turns)
    content = Content("image", "rgb", (0,), (1,), resize="nearest", fit=how, fill=(0,))
    left, top, right, bottom = region
    part = image.Picture(np.ascontiguousarray(np.rot90(lying, -turns)[top:bottom, left:right]))
    seen = bounds(image.fitted(part, content, size[1], size[0], "rgb"))
    found = Candidates(np.array([seen], "f"), np.ones(1, "f"), np.zeros(1, np.int64))
    where = places(content, size, (lying.shape[1], lying.shape[0]), turns, region)
    (row,) = flat(found, np.array([0]), 0, where)
    taken, filled = where.fitted.taken, where.fitted.filled
    off = 1 + max(taken.width / filled.width, taken.height / filled.height)
    np.testing.assert_allclose(row[2:6], bounds(lying), atol=off)
    np.testing.assert_allclose(row[6:10], bounds(upright), atol=off)
