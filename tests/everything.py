"""Metadata with every table, field and word of the schema, how TFLite Support writes it as JSON, and any that can be."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hypothesis import strategies as st

from tflite_build.tflite import metadata as m

# Where the schema's own word for a field is another.
_NAMES: Mapping[tuple[str, str], str] = {
    ("ModelMetadata", "subgraphs"): "subgraph_metadata",
    ("ModelMetadata", "files"): "associated_files",
    ("SubgraphMetadata", "inputs"): "input_tensor_metadata",
    ("SubgraphMetadata", "outputs"): "output_tensor_metadata",
    ("SubgraphMetadata", "files"): "associated_files",
    ("SubgraphMetadata", "input_groups"): "input_tensor_groups",
    ("SubgraphMetadata", "output_groups"): "output_tensor_groups",
    ("SubgraphMetadata", "custom"): "custom_metadata",
    ("TensorMetadata", "files"): "associated_files",
    ("ScoreCalibration", "transformation"): "score_transformation",
    ("ScoreThreshold", "threshold"): "global_score_threshold",
    ("BertTokenizer", "vocab"): "vocab_file",
    ("SentencePieceTokenizer", "vocab"): "vocab_file",
    ("SentencePieceTokenizer", "model"): "sentencePiece_model",
    ("RegexTokenizer", "vocab"): "vocab_file",
    ("RegexTokenizer", "pattern"): "delim_regex_pattern",
}
_UNIONS = {
    "Normalization": "NormalizationOptions",
    "ScoreCalibration": "ScoreCalibrationOptions",
    "ScoreThreshold": "ScoreThresholdingOptions",
    "BertTokenizer": "BertTokenizerOptions",
    "SentencePieceTokenizer": "SentencePieceTokenizerOptions",
    "RegexTokenizer": "RegexTokenizerOptions",
}
_WORDS = {("AssociatedFile", "type"), ("ImageProperties", "color_space"), ("BoundingBoxProperties", "type"),
          ("BoundingBoxProperties", "coordinate_type"), ("ScoreCalibration", "transformation")}  # fmt: skip


def official(value: Any) -> dict[str, Any]:
    """As TFLite Support says it: without what has its default."""
    kind = type(value).__name__
    found: dict[str, Any] = {}
    for field in fields(value):
        inner = getattr(value, field.name)
        name = _NAMES.get((kind, field.name), field.name)
        if (kind, field.name) in _WORDS:
            inner = inner.upper().replace("-", "_")
            default = {"coordinate_type": "RATIO", "transformation": "IDENTITY"}.get(field.name, "UNKNOWN")
            if inner != default:
                found[name] = inner
        elif (kind, field.name) in (("Content", "properties"), ("ProcessUnit", "options")):
            if inner is not None:
                union = "content_properties" if kind == "Content" else "options"
                which = type(inner).__name__
                found |= {f"{union}_type": _UNIONS.get(which, which), union: official(inner)}
        elif isinstance(inner, bytes):
            found[name] = list(inner)
        elif isinstance(inner, tuple) and inner:
            found[name] = [one if isinstance(one, str | int | float) else official(one) for one in inner]
        elif inner is not None and hasattr(inner, "__dataclass_fields__"):
            found[name] = official(inner)
        elif inner not in (None, "", 0, ()):
            found[name] = inner
    return found


def _file(number: int, locale: str = "", version: str = "") -> m.AssociatedFile:
    return m.AssociatedFile(f"file{number}.txt", f"file {number}", m.FILE_TYPES[number % 7], locale, version)


def _unit(options: m.Options) -> m.ProcessUnit:
    return m.ProcessUnit(options)


_INPUTS = (
    m.TensorMetadata(
        "picture", "a picture", ("batch", "y", "x", "c"),
        m.Content(m.ImageProperties("rgb", m.ImageSize(640, 480)), m.ValueRange(1, 3)),
        (_unit(m.Normalization((1.5, 2, 3), (0.5, 4, 5))), _unit(m.RegexTokenizer("[^a]+", (_file(5),)))),
        m.Stats((1, 2, 3), (-1, -2, -3)), (_file(1),),
    ),
    m.TensorMetadata("gray", content=m.Content(m.ImageProperties("grayscale"))),
    m.TensorMetadata("sound", content=m.Content(m.AudioProperties(16000, 2))),
    m.TensorMetadata("nothing"),
)  # fmt: skip
_BOXES = (
    m.BoundingBoxProperties((1, 0, 3, 2), "boundaries", "pixel"),
    m.BoundingBoxProperties((0, 1, 2, 3), "upper-left", "ratio"),
    m.BoundingBoxProperties((3, 2, 1, 0), "center", "pixel"),
)
_OUTPUTS = (
    *(m.TensorMetadata(f"boxes{i}", content=m.Content(box, m.ValueRange(2, 2))) for i, box in enumerate(_BOXES)),
    m.TensorMetadata(
        "scores", content=m.Content(m.FeatureProperties()),
        process_units=(
            *(_unit(m.ScoreCalibration(word, 0.25)) for word in m.TRANSFORMATIONS), _unit(m.ScoreThreshold(0.5)),
        ),
        files=(*(_file(n) for n in range(7)), _file(9, "de", "3")),
    ),
)  # fmt: skip
GRAPH = m.SubgraphMetadata(
    "graph", "does it", _INPUTS, _OUTPUTS, (_file(10),),
    (_unit(m.BertTokenizer((_file(5),))), _unit(m.SentencePieceTokenizer((_file(11),), (_file(5),)))),
    (_unit(m.ScoreThreshold(-1)),),
    (m.TensorGroup("seen", ("picture", "gray")),), (m.TensorGroup("found", ("boxes0", "scores")),),
    (m.CustomMetadata("own", bytes(range(20))),),
)  # fmt: skip
EVERYTHING = m.ModelMetadata("model", "finds", "v1", (GRAPH,), "author", "license", (_file(12),), "1.5.0")

_text = st.text(st.characters(codec="utf-8"), max_size=8)
_real = st.floats(width=32, allow_nan=False).map(lambda v: 0.0 if v == 0 else v)
_reals = st.lists(_real, max_size=4).map(tuple)
_size = st.integers(0, 2**32 - 1)


def _many(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(one, max_size=2).map(tuple)


_files = _many(st.builds(m.AssociatedFile, _text, _text, st.sampled_from([*m.FILE_TYPES, "77", "-1"]), _text, _text))
_properties = st.one_of(
    st.none(),
    st.builds(m.FeatureProperties),
    st.builds(
        m.ImageProperties, st.sampled_from(m.COLOR_SPACES), st.none() | st.builds(m.ImageSize, _size, _size)
    ),
    st.builds(
        m.BoundingBoxProperties,
        st.lists(_size, max_size=4).map(tuple), st.sampled_from(m.BOX_TYPES), st.sampled_from(m.COORDINATES),
    ),
    st.builds(m.AudioProperties, _size, _size),
)  # fmt: skip
_whole = st.integers(-(2**31), 2**31 - 1)
_contents = st.none() | st.builds(m.Content, _properties, st.none() | st.builds(m.ValueRange, _whole, _whole))
_units = _many(
    st.builds(
        m.ProcessUnit,
        st.one_of(
            st.none(),
            st.builds(m.Normalization, _reals, _reals),
            st.builds(m.ScoreCalibration, st.sampled_from(m.TRANSFORMATIONS), _real),
            st.builds(m.ScoreThreshold, _real),
            st.builds(m.BertTokenizer, _files),
            st.builds(m.SentencePieceTokenizer, _files, _files),
            st.builds(m.RegexTokenizer, _text, _files),
        ),
    )
)
_texts = st.lists(_text, max_size=3).map(tuple)
_tensors = _many(
    st.builds(m.TensorMetadata, _text, _text, _texts, _contents, _units,
              st.none() | st.builds(m.Stats, _reals, _reals), _files)
)  # fmt: skip
_groups = _many(st.builds(m.TensorGroup, _text, _texts))
_graphs = _many(
    st.builds(m.SubgraphMetadata, _text, _text, _tensors, _tensors, _files, _units, _units, _groups, _groups,
              _many(st.builds(m.CustomMetadata, _text, st.binary(max_size=40))))
)  # fmt: skip
ANY = st.builds(m.ModelMetadata, _text, _text, _text, _graphs, _text, _text, _files, _text)


def file_with(said: bytes, graph_inputs: int, graph_outputs: int) -> bytes:
    """A model with so many inputs and outputs, and these bytes as its metadata."""
    import handmade as h

    count = graph_inputs + graph_outputs
    tensors = [h.tensor(f"t{i}", "float32", [4]) for i in range(count)]
    runs = [h.operator(0, [0, 0], [i]) for i in range(graph_inputs, count)]
    graph = h.graph(tensors, runs, list(range(graph_inputs)), list(range(graph_inputs, count)))
    listed = {6: [{0: m.NAME, 1: h.u32(1)}]}
    return h.written(h.model([h.code("ADD")], [graph], [said], listed))


def float32(value: float) -> float:
    """What a field of 32 bits holds of it."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])
