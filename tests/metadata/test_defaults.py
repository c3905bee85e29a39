"""What metadata says where the spec leaves it to the model, and what no metadata can say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import handmade as h
import pytest

from tflite_build.actions import described, metadata
from tflite_build.actions.metadata import Subject
from tflite_build.spec.load import load
from tflite_build.tflite import reader
from tflite_build.tflite.metadata import (
    AudioProperties,
    BoundingBoxProperties,
    Content,
    CustomMetadata,
    FeatureProperties,
    ImageProperties,
    ImageSize,
    ModelMetadata,
    Normalization,
    Stats,
    SubgraphMetadata,
    TensorMetadata,
    ValueRange,
)
from tflite_build.tflite.metadata import signatures as signatures_of

HEAD = 'spec = 1\n[model]\nname = "m"\n[source]\nformat = "tflite"\npath = "m.tflite"\n'
PICTURE = '[input.x]\ncontent = "image"\n'


def said(
    tmp_path: Path, spec: str, shape: list[int], dtype: str = "float32", scale: tuple[float, int] | None = None
) -> Any:
    """What is said of the model and the warnings; it has one input x, and outputs a, b and c."""
    (tmp_path / "model.toml").write_text(HEAD + spec, "utf-8")
    quantization = {4: {2: h.floats(scale[0]), 3: h.longs(scale[1])}} if scale else None
    tensors = [h.tensor("x", dtype, shape, 0, quantization), *(h.tensor(n, "float32", [1, 8, 4]) for n in "abc")]
    graph = h.graph(tensors, [], [0], [1, 2, 3])
    model = reader.parse(memoryview(h.written(h.model([h.code("ADD")], [graph]))))
    found = described.of(load(tmp_path / "model.toml", files=False).spec)
    assert found is not None
    subject = Subject(model, {}, {})
    return metadata.of(found, subject, None, {}).subgraphs[0], metadata.warnings(found, subject)


@pytest.mark.parametrize(
    ("more", "shape", "properties"),
    [
        ("", [1, 32, 64, 3], ImageProperties("rgb", ImageSize(64, 32))),
        ("", [1, 32, 64, 1], ImageProperties("grayscale", ImageSize(64, 32))),
        ("", [1, 3, 32, 64], ImageProperties("rgb", ImageSize(64, 32))),
        ("", [1, 32, 64, 2], ImageProperties("unknown", ImageSize(64, 32))),
        ('color_space = "bgr"\n', [1, 32, 64, 3], ImageProperties("unknown", ImageSize(64, 32))),
        ("default_size = [5, 6]\n", [1, 32, 64, 3], ImageProperties("rgb", ImageSize(5, 6))),
    ],
)
def test_a_picture_has_what_the_tensor_has(
    more: str, shape: list[int], properties: ImageProperties, tmp_path: Path
) -> None:
    graph, warnings = said(tmp_path, PICTURE + more, shape)
    (tensor,) = graph.inputs
    assert tensor.content == Content(properties)
    assert tensor.process_units[0].options == Normalization((0.0,), (1.0,))
    assert tensor.stats == Stats((255.0,), (0.0,))
    assert warnings == ()


def test_inverted_pixels_have_no_normalization(tmp_path: Path) -> None:
    graph, _ = said(tmp_path, PICTURE + "invert = true\nmean = 1\nstd = 2\n", [1, 8, 8, 1])
    assert (graph.inputs[0].process_units, graph.inputs[0].stats) == ((), None)


@pytest.mark.parametrize(
    ("scale", "mean", "as_they_are", "stats"),
    [
        ((1 / 128, 128), "128", True, Stats((255.0,), (0.0,))),
        ((1.0, 0), "0", False, Stats((2.0,), (0.0,))),
        ((1 / 128, 128), "[128, 128, 100]", False, None),
    ],
)
def test_who_gives_pixels_as_they_are_is_warned_of(
    scale: tuple[float, int], mean: str, as_they_are: bool, stats: Stats | None, tmp_path: Path
) -> None:
    """The Task library and MediaPipe do so for uint8."""
    graph, warnings = said(tmp_path, f"{PICTURE}mean = {mean}\nstd = 128\n", [1, 8, 8, 3], "uint8", scale)
    assert bool(warnings) != as_they_are
    assert stats is None or graph.inputs[0].stats == stats


@pytest.mark.parametrize("scale", [0.0, float("nan"), float("inf"), 1e-45])
def test_a_scale_that_is_none_does_no_harm(scale: float, tmp_path: Path) -> None:
    graph, _ = said(tmp_path, PICTURE + "mean = 128\nstd = 128\n", [1, 8, 8, 3], "uint8", (scale, 0))
    assert graph.inputs[0].stats in (Stats((0.9921875,), (-1.0,)), Stats((255.0,), (0.0,)))


def test_a_quantized_input_lies_between_its_integers(tmp_path: Path) -> None:
    graph, _ = said(tmp_path, '[input.x]\ncontent = "feature"\n', [1, 8], "int8", (0.5, 3))
    assert graph.inputs[0].stats == Stats((127.0,), (-128.0,))


def test_a_sound_has_one_channel(tmp_path: Path) -> None:
    graph, _ = said(tmp_path, '[input.x]\ncontent = "audio"\nsample_rate = 8000\n', [1, 800])
    assert graph.inputs[0].content == Content(AudioProperties(8000, 1))
    assert graph.inputs[0].process_units == ()


def test_boxes_are_said_as_the_official_writer_says_them(tmp_path: Path) -> None:
    spec = '[output.a]\ncontent = "boxes"\n[output.b]\ncontent = "classes"\nlabels = "l.txt"\n'
    spec += '[output.c]\ncontent = "scores"\n'
    graph, _ = said(tmp_path, spec, [1, 8])
    boxes, classes, scores = graph.outputs
    dimensions = ValueRange(2, 2)
    assert boxes.content == Content(BoundingBoxProperties((1, 0, 3, 2), "boundaries", "ratio"), dimensions)
    assert classes.content == scores.content == Content(FeatureProperties(), dimensions)
    assert [file.type for file in classes.files] == ["tensor-value-labels"]


def test_a_mask_is_a_picture(tmp_path: Path) -> None:
    graph, _ = said(tmp_path, '[output.a]\ncontent = "mask"\nlabels = "l.txt"\n', [1, 8])
    assert graph.outputs[0].content == Content(ImageProperties("grayscale", ImageSize(4, 8)), ValueRange(1, 2))
    assert [file.type for file in graph.outputs[0].files] == ["tensor-axis-labels"]


def test_metadata_of_graph_0_is_kept_where_another_signature_is_described(tmp_path: Path) -> None:
    """As a further signature's; what was said of that one before comes first, and back again nothing is lost."""
    graphs = [h.graph([h.tensor("x", "float32", [1, 8])], [], [0], [0]) for _ in range(2)]
    signatures = [h.signature(name, index, {"x": 0}, {"y": 0}) for index, name in enumerate(("zero", "one"))]
    model = reader.parse(memoryview(h.written(h.model([], graphs, more={7: signatures}))))
    tensors = (TensorMetadata("x", "of zero"),)
    source = SubgraphMetadata("old", inputs=tensors, outputs=tensors, custom=(CustomMetadata("mine", b"1"),))
    described_: dict[str, SubgraphMetadata] = {}
    for primary in ("one", "zero"):
        head = HEAD + f'[metadata]\nsignature = "{primary}"\n[signature.one.input.x]\ndescription = "of one"\n'
        (tmp_path / "model.toml").write_text(head + "[signature.zero]\n", "utf-8")
        found = described.of(load(tmp_path / "model.toml", files=False).spec)
        assert found is not None
        before = metadata.Existing(ModelMetadata(subgraphs=(source,)), ("float32",), ("float32",))
        (source,) = metadata.of(found, Subject(model, {}, {}), before, {}).subgraphs
        described_[primary] = source
    one, zero = described_["one"], described_["zero"]
    assert one.inputs[0].description == "of one" and "of zero" not in {t.description for t in one.outputs}
    assert signatures_of(one)["zero"].inputs == tensors
    assert [c.name for c in one.custom] == ["mine", "signature:zero"]
    assert (zero.name, zero.inputs, zero.outputs) == ("old", tensors, tensors)
    assert signatures_of(zero)["one"].inputs == one.inputs
    assert [c.name for c in zero.custom] == ["mine", "signature:one"]


def test_what_the_spec_is_silent_of_has_its_name(tmp_path: Path) -> None:
    graph, _ = said(tmp_path, '[metadata]\nname = "M"\n', [1, 8])
    assert isinstance(graph, SubgraphMetadata)
    assert [t.name for t in (*graph.inputs, *graph.outputs)] == ["x", "a", "b", "c"]
    assert all((t.content, t.process_units, t.files) == (None, (), ()) for t in graph.inputs)
