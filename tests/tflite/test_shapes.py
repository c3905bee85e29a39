"""The shapes that TFLite_Detection_PostProcess gives, which files do not tell; and the options that do."""

from __future__ import annotations

import struct

import detectors
from edited import rewrite

from tflite_build.tflite import flexbuffer, reader
from tflite_build.tflite.edit import Edits
from tflite_build.tflite.reader import Contents
from tflite_build.tflite.shapes import true_shapes

KNOWN = {"max_detections": 6, "max_classes_per_detection": 1, "num_classes": 3, "use_regular_nms": 0}
SHAPES = ((1, 6, 4), (1, 6), (1, 6), (1,))


def contents(data: bytes) -> Contents:
    return Contents(memoryview(data), reader.parse(memoryview(data)))


def test_the_options_are_read() -> None:
    assert flexbuffer.integers(memoryview(detectors.OPTIONS)) == KNOWN


def test_damaged_options_say_nothing_wrong() -> None:
    """Cut off anywhere, with any byte another, and made of numbers alone: no error, and no number from elsewhere."""
    whole = detectors.OPTIONS
    damaged = [whole[:end] for end in range(len(whole))] + [whole[start:] for start in range(len(whole))]
    damaged += [whole[:at] + bytes([value]) + whole[at + 1 :] for at in range(len(whole)) for value in (0, 1, 127, 255)]
    damaged += [bytes([value]) * 64 for value in range(256)]
    for data in damaged:
        for value in flexbuffer.integers(memoryview(data)).values():
            assert -(2**63) <= value < 2**64


def test_a_file_is_given_the_shapes_of_its_boxes() -> None:
    data = detectors.picture()
    found = true_shapes(contents(data))
    assert found == {(0, 10 + place): shape for place, shape in enumerate(SHAPES)}
    changed = contents(rewrite(data, Edits(shapes=found)))
    assert true_shapes(changed) == {}
    before, after = contents(data).model.subgraphs[0].tensors, changed.model.subgraphs[0].tensors
    assert [tensor.shape for tensor in after[10:]] == list(SHAPES)
    assert after[:10] == before[:10]


def test_options_without_a_number_of_boxes_leave_the_file_as_it_is() -> None:
    data = detectors.picture()
    for count in (0, -1):
        at = data.index(detectors.OPTIONS) + detectors.OPTIONS.index(struct.pack("<I", 6))
        other = data[:at] + struct.pack("<i", count) + data[at + 4 :]
        assert true_shapes(contents(other)) == {}
