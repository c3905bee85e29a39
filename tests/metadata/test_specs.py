"""From model.toml to metadata: what TFLite Support and MediaPipe make of the files, and how mistakes are told."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import classifiers
import numpy as np
import pytest
import wild
from everything import EVERYTHING, GRAPH
from everything import official as official_json
from harness import Said, Workshop
from syrupy.assertion import SnapshotAssertion

from tflite_build.actions import described, pack
from tflite_build.engines.contract import Names, Request
from tflite_build.engines.kinds import classes, delimiters
from tflite_build.engines.kinds.text import Text
from tflite_build.engines.postprocessing.embedding import normalized
from tflite_build.engines.postprocessing.scores import activated, calibrated
from tflite_build.engines.preprocessing import characters
from tflite_build.engines.preprocessing.tokenizers import BertTokenizer, RegexTokenizer
from tflite_build.spec.load import load
from tflite_build.tflite import edit, metadata, reader, summary
from tflite_build.tflite.metadata import (
    AssociatedFile,
    ModelMetadata,
    Normalization,
    Stats,
    SubgraphMetadata,
    TensorMetadata,
)

Official = Callable[[Sequence[Path]], list[Any]]
CHARACTERS = Path(__file__).parents[2] / "specs" / "tokenizers" / "bert.json"
FIXTURES = Path(__file__).parents[1] / "fixtures" / "tflite"
HEAD = 'spec = 1\n[model]\nname = "m"\n[source]\n'
TFLITE = 'format = "tflite"\npath = "m.tflite"\n'
PICTURE = """
[input.image]
content = "image"
mean = 127.5
std = 127.5
[output.probabilities]
content = "classes"
labels = "labels.txt"
"""
MASK = """
[input.image]
content = "image"
mean = 127.5
std = 127.5
[result.colors]
kind = "mask"
mask = "mask"
activation = "softmax"
labels = "labels.txt"
"""
SOUND = """
[input.samples]
content = "audio"
sample_rate = 16000
[output.probabilities]
content = "classes"
labels = "labels.txt"
"""
BERT = """
[input.ids]
content = "text-ids"
range = [0, 5]
tokenizer = { type = "bert", vocab = "vocab.txt" }
[output.probabilities]
labels = "labels.txt"
"""
REGEX = r"""
[input.ids]
content = "text-ids"
range = [0, 4]
tokenizer = { type = "regex", vocab = "vocab.txt", pattern = "[^\\w\\']+" }
[output.probabilities]
labels = "labels.txt"
"""
# The same as arguments, with the vocabularies that their tokenizers need.
BERT_TEXT = """
[argument.text]
kind = "text"
ids = "ids"
mask = "mask"
segments = "segment_ids"
tokenizer = { type = "bert", vocab = "vocab.txt" }
[output.probabilities]
labels = "labels.txt"
"""
REGEX_TEXT = r"""
[argument.text]
kind = "text"
ids = "ids"
tokenizer = { type = "regex", vocab = "vocab.txt", pattern = "[^\\w\\']+" }
[output.probabilities]
labels = "labels.txt"
"""
TEXTS = ("hi low", "Low, low: HI!", "nothing known", "", "low " * 30)
CALIBRATION = "1,2,0.5\n\n0.8,-1.5,0.3,0.2"
TRANSFORMATIONS = ("identity", "log", "inverse-logistic")
EMBEDDING = '[result.what]\nkind = "embedding"\nembedding = "probabilities"\n'
QUANTIZED = '[variant.float32]\n[variant.int8]\nquantize = "int8"\nio = "uint8"\n[calibration]\ndata = "data.npz"\n'
COLORS = {"m.tflite": classifiers.picture(), "labels.txt": "red\ngreen\nblue\n"}
WORDS = "[PAD]\n[CLS]\n[SEP]\n[UNK]\nhi\nlow\n"  # MediaPipe fills up with 0
NUMBERED = "<PAD> 0\n<START> 1\n<UNKNOWN> 2\nhi 3\nlow 4\n"


def said(file: Path) -> ModelMetadata:
    found = summary.summarize(file).described
    assert found is not None
    return found


def packed(file: Path) -> dict[str, bytes]:
    if not zipfile.is_zipfile(file):
        return {}
    with zipfile.ZipFile(file) as archive:
        assert all(i.date_time == (1980, 1, 1, 0, 0, 0) and not i.compress_type for i in archive.infolist())
        return {name: archive.read(name) for name in archive.namelist()}


def pictures() -> np.ndarray[Any, Any]:
    values = np.random.default_rng(0).uniform(-1, 1, (8, 1, 1, 3))
    values[:2] = [[[[-1]]], [[[1]]]]
    return np.broadcast_to(values, (8, 8, 8, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def built(module_workshop: Workshop) -> Mapping[str, Said]:
    """A classifier of each kind, built."""
    shop = module_workshop
    shop.model("picture", TFLITE + PICTURE + QUANTIZED, COLORS, image=pictures())
    shop.model("sound", TFLITE + SOUND, {"m.tflite": classifiers.sound(), "labels.txt": "quiet\nloud\n"})
    bert = {"m.tflite": classifiers.text(("ids", "mask", "segment_ids")), "labels.txt": "low\nhigh\n"}
    shop.model("bert", TFLITE + BERT, {**bert, "vocab.txt": WORDS})
    regex = {"m.tflite": classifiers.text(("ids",)), "labels.txt": "low\nhigh\n", "vocab.txt": NUMBERED}
    shop.model("regex", TFLITE + REGEX, regex)
    shop.model("bert_text", TFLITE + BERT_TEXT, {**bert, "vocab.txt": WORDS})
    shop.model("regex_text", TFLITE + REGEX_TEXT, regex)
    for name in TRANSFORMATIONS:
        about = f'score_calibration = {{ file = "c.csv", transformation = "{name}", default = 0.25 }}\n'
        shop.model(name, TFLITE + PICTURE + about, {**COLORS, "c.csv": CALIBRATION})
    own = '[result.own]\nkind = "classes"\nscores = "scores"\nlabels = "own.txt"\n'
    heads = {**COLORS, "m.tflite": classifiers.picture(scores=True), "own.txt": "rot\ngrün\nblau\n"}
    shop.model("heads", TFLITE + PICTURE + own, heads)
    background = {**COLORS, "labels.txt": "green\nblue\n"}
    shop.model("background", TFLITE + PICTURE + "label_offset = -1\n", background)
    shop.model("embedded", TFLITE + PICTURE.partition("[output")[0] + EMBEDDING, COLORS)
    shop.model("said", TFLITE + BERT.partition("[output")[0] + EMBEDDING, {**bert, "vocab.txt": WORDS})
    return shop.build()


def test_mediapipe_runs_the_classifiers(built: Mapping[str, Said], mediapipe: Callable[..., Any]) -> None:
    float32, uint8 = built["picture"].file(), built["picture"].file("int8")
    asked = [
        ("image", float32, [255, 0, 0]),
        ("image", float32, [0, 200, 0]),
        ("image", uint8, [255, 0, 0]),
        ("image", uint8, [0, 200, 0]),
        ("audio", built["sound"].file(), 0.9),
        ("audio", built["sound"].file(), 0.01),
        ("text", built["bert"].file(), "hi low"),
        ("text", built["regex"].file(), "hi low"),
    ]
    best = [max(found, key=found.get) for found in mediapipe(asked)]
    assert best == ["red", "green", "red", "green", "loud", "quiet", "low", "low"]


def test_mediapipe_splits_texts_as_arguments_say(built: Mapping[str, Said], mediapipe: Callable[..., Any]) -> None:
    """The models score the mean of their ids m by m - 1 and 1 - m: what of the reference comes is what MediaPipe gives."""
    tokens = {token: i for i, token in enumerate(WORDS.split())}
    words = {line.split()[0]: int(line.split()[1]) for line in NUMBERED.splitlines()}
    split = {
        "bert_text": BertTokenizer(Text("bert", 16), tokens, characters.load(CHARACTERS)),
        "regex_text": RegexTokenizer(Text("regex", 16, delimiters=delimiters.parse(r"[^\w\']+")), words),
    }
    asked = [(name, text) for name in split for text in TEXTS]
    found = mediapipe([("text", built[name].file(), text) for name, text in asked])
    for (name, text), answer in zip(asked, found, strict=True):
        mean = np.mean(split[name].encode(text).ids)
        assert answer["high"] == pytest.approx(1 / (1 + np.exp(2 - 2 * mean)), rel=1e-4), (name, text)


def test_an_argument_is_described_as_its_inputs_would_be(built: Mapping[str, Said]) -> None:
    for name in ("bert", "regex"):
        one, other = (said(built[model].file()) for model in (name, f"{name}_text"))
        assert one.subgraphs[0].input_process_units == other.subgraphs[0].input_process_units
        assert one.subgraphs[0].inputs[0] == other.subgraphs[0].inputs[0]
        assert packed(built[name].file()) == packed(built[f"{name}_text"].file())


def test_mediapipe_runs_a_segmenter(module_workshop: Workshop, mediapipe: Callable[..., Any]) -> None:
    """With its labels and its activation: of scores 2 and twice -2 softmax makes 0.9647."""
    module_workshop.model("parts", TFLITE + MASK, {"m.tflite": classifiers.parts(), "labels.txt": "red\ngreen\nblue\n"})
    built = module_workshop.build("parts")["parts"]
    assert built.ok, built.told
    (found,) = mediapipe([("segment", built.file(), [[255, 0, 0], [0, 0, 255]])])
    assert found == {"left": "red", "right": "blue", "sure": pytest.approx(0.9647, abs=1e-4)}


def test_a_float_picture_is_normalized_as_the_spec_says(
    built: Mapping[str, Said], mediapipe: Callable[..., Any]
) -> None:
    """Red 255 is 1 and 0 is -1: four times two apart."""
    (found,) = mediapipe([("image", built["picture"].file(), [255, 0, 0])])
    assert found["red"] / found["green"] == pytest.approx(np.exp(8), rel=1e-4)


def test_mediapipe_calibrates_scores_as_docs_say(built: Mapping[str, Said], mediapipe: Callable[..., Any]) -> None:
    """As the numpy reference, which Kotlin and Swift are held against."""
    names, shades = ("red", "green", "blue"), ([255, 0, 0], [90, 100, 120], [0, 0, 9], [130, 10, 255])
    known = classes.parameters(CALIBRATION.splitlines(), "", "")
    asked = [("image", built[name].file(), shade) for name in ("picture", *TRANSFORMATIONS) for shade in shades]
    answers = mediapipe(asked)
    for place, after in enumerate(answers[len(shades) :]):
        before = answers[place % len(shades)]
        calibration = classes.Calibration(TRANSFORMATIONS[place // len(shades)], 0.25, known)
        scores = calibrated(np.array([before[name] for name in names], np.float32), calibration)
        assert [after[name] for name in names] == pytest.approx(scores, rel=1e-5)


def test_mediapipe_finds_two_heads_and_embeddings(built: Mapping[str, Said], mediapipe: Callable[..., Any]) -> None:
    heads, red, text = mediapipe(
        [
            ("image", built["heads"].file(), [255, 0, 0]),
            ("image-embedding", built["embedded"].file(), [255, 0, 0]),
            ("text-embedding", built["said"].file(), "hi low"),
        ]
    )
    scores = np.array([4, -4, -4], np.float32)
    assert [heads[f"scores/{name}"] for name in ("rot", "grün", "blau")] == pytest.approx(scores)
    assert red == pytest.approx(normalized(activated(scores, "softmax")), rel=1e-4)
    assert len(text) == 2 and np.linalg.norm(text) == pytest.approx(1)


def test_a_calibration_that_mediapipe_counts_otherwise_is_told(workshop: Workshop) -> None:
    about = TFLITE + PICTURE + 'score_calibration = { file = "c.csv" }\n'
    workshop.model("told", about, {**COLORS, "c.csv": f"{CALIBRATION}\n"})
    workshop.model("quiet", about, {**COLORS, "c.csv": CALIBRATION})
    ran = workshop.cli("build", workshop.folder)
    assert ran.code == 0, ran.text
    assert ran.text.count("MediaPipe takes the end of the last line of 'c.csv'") == 1


def test_labels_that_readers_would_count_otherwise_are_not_written(built: Mapping[str, Said]) -> None:
    assert packed(built["background"].file()) == {}
    assert said(built["background"].file()).subgraphs[0].outputs[0].files == ()


def test_normalization_is_of_real_numbers_and_statistics_of_the_stored_ones(built: Mapping[str, Said]) -> None:
    """As the writers of TFLite Support have it: mean and std are alike for float and uint8.

    The range of calibration is rounded outward, so that 1 is just below the highest integer.
    """
    for variant, stats in (("float32", Stats((1.0,), (-1.0,))), ("int8", Stats((254.0,), (0.0,)))):
        image = said(built["picture"].file(variant)).subgraphs[0].inputs[0]
        assert image.process_units[0].options == Normalization((127.5,), (127.5,))
        assert image.stats == stats


def test_the_official_reader_agrees(built: Mapping[str, Said], official: Official) -> None:
    files = [s.file(v) for s in built.values() for v in s.variants]
    for file, theirs in zip(files, official(files), strict=True):
        ours = said(file)
        assert theirs["said"] == official_json(ours)
        assert theirs["version"] == ours.min_parser_version
        assert theirs["packed"] == {n: c.decode("latin1") for n, c in packed(file).items()}
        assert theirs["order"] == sorted(theirs["order"])


ALL = """
[input.picture]
description = "what the camera sees"
content = "image"
color_space = "rgb"
mean = [1, 2, 3]
std = [4, 5, 6]
default_size = [64, 32]
dimension_names = ["batch", "y", "x", "color"]
content_range = [1, 3]
stats = { min = [-1, -2, -3], max = [1, 2, 3] }
files = [{ file = "notes/about.txt", type = "descriptions", description = "of it", locale = "en", version = "3" }]
[input.sound]
content = "audio"
sample_rate = 8000
channels = 1
[input.ids]
content = "text-ids"
tokenizer = { type = "sentencepiece", model = "spm.model", vocab = "vocab.txt" }
process_units = [{ type = "regex", pattern = "x+", vocab = "numbered.txt" }]
[output.boxes]
content = "boxes"
box = { index = [0, 1, 2, 3], type = "center", coordinates = "pixel" }
[output.classes]
content = "classes"
labels = { default = "labels.txt", de = "labels_de.txt" }
[output.scores]
content = "scores"
score_threshold = 0.25
score_calibration = { file = "calibration.csv", transformation = "inverse-logistic", default = 0.125 }
process_units = [{ type = "normalization", mean = 1, std = 2 }]
[metadata]
name = "Everything"
files = [{ file = "scann.bin", type = "scann-index-file" }]
custom = { own = "own.bin" }
[metadata.graph]
name = "graph"
description = "does it"
files = [{ file = "about_graph.txt" }]
input_process_units = [{ type = "bert", vocab = "vocab.txt" }]
output_process_units = [{ type = "score-threshold", threshold = 0.5 }, { type = "score-calibration" }]
input_groups = { seen = ["picture", "sound"] }
output_groups = { found = ["boxes", "classes", "scores"] }
"""
ALL_FILES = {
    "notes/about.txt": "a picture\n",
    "spm.model": b"\x00\x01",
    "vocab.txt": WORDS,
    "numbered.txt": NUMBERED,
    "labels.txt": "cat\ndog\n",
    "labels_de.txt": "Katze\nHund\n",
    "calibration.csv": "1,2,3\n\n0.5,2,3,0.25\n1,1,1\n",
    "scann.bin": b"scann",
    "own.bin": b"\xff\x00own",
    "about_graph.txt": "a graph\n",
}


def everything_model() -> bytes:
    """Three inputs and three outputs, which only a spec says anything of."""
    import handmade as h

    names = [("picture", "float32", [1, 8, 8, 3]), ("sound", "float32", [1, 800]), ("ids", "int32", [1, 4]),
             ("boxes", "float32", [1, 4, 4]), ("classes", "float32", [1, 4]), ("scores", "float32", [1, 4])]  # fmt: skip
    tensors = [h.tensor(*t) for t in names]
    tensors += [h.tensor("shape", "int32", [3], 1), h.tensor("zeros", "float32", [1, 4, 4], 2)]
    tensors += [h.tensor("axis", "int32", [1], 3), h.tensor("cast", "float32", [1, 4])]
    cast = h.options(37, {0: h.i8(2), 1: h.i8(0)})
    runs = [
        h.operator(0, [2], [9], cast),
        h.operator(1, [9, 7], [3], h.options(11, {})),
        h.operator(1, [9, 9], [4], h.options(11, {})),
        h.operator(1, [4, 9], [5], h.options(11, {})),
    ]
    stored = [b"".join(n.to_bytes(4, "little") for n in (1, 4, 4)), bytes(64), bytes(4)]
    graph = h.graph(tensors, runs, [0, 1, 2], [3, 4, 5])
    return h.written(h.model([h.code("CAST"), h.code("ADD")], [graph], stored))


def test_every_key_is_read_by_the_official_reader(workshop: Workshop, official: Official) -> None:
    head = 'version = "1.2"\ndescription = "Finds it."\nauthor = "An author"\nlicense = "MIT"\n'
    folder = workshop.model("all", TFLITE + ALL, {"m.tflite": everything_model(), **ALL_FILES})
    spec = folder / "model.toml"
    spec.write_text(spec.read_text("utf-8").replace("[source]", head + "[source]"), "utf-8")
    built = workshop.build()["all"]
    assert built.ok, built.told
    (theirs,) = official([built.file()])
    assert theirs["version"] == "1.5.0"
    expected = json.loads(Path(__file__).with_name("all.json").read_text("utf-8"))
    assert theirs["said"] == expected
    sent = {Path(n).name: c if isinstance(c, bytes) else c.encode() for n, c in ALL_FILES.items() if n != "own.bin"}
    assert packed(built.file()) == sent


def test_the_same_bytes_again_and_a_changed_label_file_packs_again(
    workshop: Workshop, new_cli: Callable[[], Any]
) -> None:
    folder = workshop.model("m", TFLITE + PICTURE, COLORS)
    first = workshop.build()["m"].file().read_bytes()
    assert Workshop(workshop.folder, new_cli()).build()["m"].file().read_bytes() == first
    (folder / "labels.txt").write_text("rot\ngrün\nblau\n", "utf-8")
    again = workshop.build()["m"]
    assert again.ran == ["compare:float32", "pack:float32"]
    assert packed(again.file()) == {"labels.txt": "rot\ngrün\nblau\n".encode()}


def test_without_a_word_of_it_no_metadata_is_written(workshop: Workshop) -> None:
    workshop.model("plain", TFLITE + "[input.image]\n", {"m.tflite": classifiers.picture()})
    workshop.model("off", TFLITE + PICTURE + "[metadata]\nwrite = false\n", COLORS)
    for name, built in workshop.build().items():
        found = summary.summarize(built.file())
        assert (found.described, found.packed) == (None, ()), name


def test_what_a_source_says_is_kept_where_the_spec_says_nothing(workshop: Workshop) -> None:
    source = wild.described()
    workshop.model("kept", TFLITE, {"m.tflite": source})
    more = '[input.x]\ndescription = "new"\n[metadata]\nfiles = [{ file = "more.txt" }]\n'
    folder = workshop.model("more", TFLITE + more, {"m.tflite": source, "more.txt": "more"})
    built = workshop.build()
    before, kept, changed = said(folder / "m.tflite"), said(built["kept"].file()), said(built["more"].file())
    assert kept == before
    assert packed(built["more"].file()) == {"labels.txt": b"cat\nno cat\n", "more.txt": b"more"}
    (graph,) = before.subgraphs
    described = replace(graph, inputs=(replace(graph.inputs[0], description="new"),))
    assert replace(changed, files=()) == replace(before, name="more", subgraphs=(described,))


def test_a_quantized_variant_keeps_what_its_source_says(workshop: Workshop) -> None:
    graph = replace(GRAPH, inputs=(replace(GRAPH.inputs[0], stats=Stats((1,), (-1,))),), outputs=GRAPH.outputs[3:])
    whole = replace(EVERYTHING, subgraphs=(graph,))
    data = classifiers.picture()
    plain = edit.plan(memoryview(data), edit.Edits(metadata=metadata.write(whole))).applied(memoryview(data))
    folder = workshop.model("m", TFLITE + "[input.image]\n" + QUANTIZED, {"m.tflite": plain}, image=pictures())
    with zipfile.ZipFile(folder / "m.tflite", "a") as archive:
        archive.writestr("file1.txt", "one")
    built = workshop.build()["m"]
    assert said(built.file()) == whole
    stored = replace(graph, inputs=(replace(graph.inputs[0], stats=Stats((254,), (0,))),))
    assert said(built.file("int8")) == replace(whole, subgraphs=(stored,))
    assert packed(built.file("int8")) == {"file1.txt": b"one"}


def test_other_metadata_and_signatures_survive(workshop: Workshop) -> None:
    source = FIXTURES / "two-signatures.tflite"
    with reader.model(source) as model:
        names = [s.name for s in model.signatures]
        before = {n for n, _ in model.metadata}
    spec = f'[signature.{names[0]}]\n[signature.{names[1]}]\n[metadata]\nname = "Two"\n'
    workshop.model("two", TFLITE + spec, {"m.tflite": source.read_bytes()})
    built = workshop.build()["two"]
    assert built.ok, built.told
    with reader.model(built.file()) as model:
        assert [s.name for s in model.signatures] == names
        assert {n for n, _ in model.metadata} == before | {metadata.NAME}
    (graph,) = said(built.file()).subgraphs
    assert list(metadata.signatures(graph)) == [names[1]]


def _wrong(spec: str, **files: str | bytes) -> tuple[str, dict[str, str | bytes]]:
    return spec, {**COLORS, **files}


WRONG = {
    "labels_too_few": _wrong(PICTURE, **{"labels.txt": "red\ngreen\n"}),
    "labels_of_a_language": _wrong(
        PICTURE.replace('"labels.txt"', '{ default = "labels.txt", de = "de.txt" }'), **{"de.txt": "rot\n"}
    ),
    "labels_not_utf8": _wrong(PICTURE, **{"labels.txt": b"red\ngr\xfcn\nblue\n"}),
    "mean_of_two": _wrong("[input.image]\ncontent = \"image\"\nmean = [1, 2]\nstd = 1\n"),
    "stats_of_two": _wrong("[input.image]\nstats.min = [1, 2]\n"),
    "dimension_names": _wrong('[input.image]\ndimension_names = ["x", "y"]\n'),
    "content_range": _wrong('[input.image]\ncontent = "image"\ncontent_range = [1, 4]\n'),
    "token_twice": _wrong(
        '[metadata.graph]\ninput_process_units = [{ type = "bert", vocab = "v.txt" }]\n', **{"v.txt": "a\nb\na\n"}
    ),
    "token_without_number": _wrong(
        '[input.image]\nprocess_units = [{ type = "regex", pattern = "x", vocab = "v.txt" }]\n', **{"v.txt": "a 0\nb\n"}
    ),
    "vocabulary_empty": _wrong(
        '[metadata.graph]\ninput_process_units = [{ type = "bert", vocab = "v.txt" }]\n', **{"v.txt": ""}
    ),
    "token_of_odd_number": _wrong(
        '[input.image]\nprocess_units = [{ type = "regex", pattern = "x", vocab = "v.txt" }]\n', **{"v.txt": "a ²\n"}
    ),
    "piece_twice": _wrong(
        '[input.image]\nprocess_units = [{ type = "sentencepiece", model = "l.bin", vocab = "v.txt" }]\n',
        **{"v.txt": "a\t-1\nb\t-2\na\t-3\n", "l.bin": b"\0"},
    ),
    "vocabulary_not_utf8": _wrong(
        '[input.image]\nfiles = [{ file = "v.txt", type = "vocabulary" }]\n', **{"v.txt": b"a\n\xff\n"}
    ),
    "calibration_line": _wrong(
        '[output.probabilities]\nscore_calibration.file = "c.csv"\n', **{"c.csv": "1,2,3\n1;2\n\n"}
    ),
    "calibration_too_long": _wrong(
        '[output.probabilities]\nscore_calibration.file = "c.csv"\n', **{"c.csv": "1,2,3\n\n\n\n"}
    ),
    "group_of_nothing": _wrong('[metadata.graph]\noutput_groups = { g = ["probabilites"] }\n'),
    "signature_unknown": _wrong('[metadata]\nsignature = "classify"\n'),
}  # fmt: skip


@pytest.fixture(scope="module")
def refused(module_workshop: Workshop) -> Mapping[str, Said]:
    shop = Workshop(module_workshop.folder / "wrong", module_workshop.cli)
    for name, (spec, files) in WRONG.items():
        shop.model(name, TFLITE + spec, files)
    return shop.build()


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_the_model_is_told_with_its_line(
    name: str, refused: Mapping[str, Said], snapshot: SnapshotAssertion
) -> None:
    assert not refused[name].ok
    assert refused[name].told == snapshot


def test_init_lifts_what_keys_say_and_a_build_of_it_says_the_same(workshop: Workshop) -> None:
    about = '[input.image]\ndescription = "a picture"\ncontent = "image"\nmean = [123.68, 116.78, 103.94]\nstd = 58.4\n'
    about += '[output.probabilities]\ncontent = "classes"\nscore_threshold = 0.3\n'
    labels = 'labels = { default = "labels.txt", de = "labels_de.txt" }\n'
    folder = workshop.model("m", TFLITE + about + labels, {**COLORS, "labels_de.txt": "rot\ngrün\nblau\n"})
    spec = folder / "model.toml"
    spec.write_text(spec.read_text("utf-8").replace("[source]", 'version = "1"\nlicense = "MIT"\n[source]'), "utf-8")
    file = workshop.build()["m"].file()
    lifted = workshop.folder / "lifted"
    lifted.mkdir()
    (lifted / "m.tflite").write_bytes(file.read_bytes())
    ran = workshop.cli("init", lifted / "m.tflite", "--output", lifted / "model.toml")
    assert ran.code == 0, ran.text
    assert (lifted / "labels_de.txt").read_text("utf-8") == "rot\ngrün\nblau\n"
    text = (lifted / "model.toml").read_text("utf-8")
    for line in ('version = "1"', 'license = "MIT"', 'color_space = "rgb"', "mean = [123.68, 116.78, 103.94]",
                 "std = 58.4", 'description = "a picture"', "score_threshold = 0.3",
                 'labels = { default = "labels.txt", de = "labels_de.txt" }'):  # fmt: skip
        assert f"\n{line}\n" in text, line
    built = {said_.file().parent.parent.parent.name: said_.file() for said_ in workshop.build("lifted").values()}
    assert said(built["lifted"]) == said(file)


def test_init_replaces_no_file_of_the_users(workshop: Workshop) -> None:
    folder = workshop.model("m", TFLITE, {"m.tflite": wild.described(), "labels.txt": "my own\n"})
    data = folder / "m.tflite"
    assert workshop.cli("init", data, "--output", folder / "new.toml").code == 0  # the labels are of no class axis
    file = classifiers.picture()
    whole = replace(EVERYTHING, subgraphs=(replace(GRAPH, inputs=GRAPH.inputs[:1], outputs=GRAPH.outputs[3:]),))
    data.write_bytes(edit.plan(memoryview(file), edit.Edits(metadata=metadata.write(whole))).applied(memoryview(file)))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr("file2.txt", "a\nb\nc\n")
    (folder / "file2.txt").write_text("my own\n", "utf-8")
    ran = workshop.cli("init", data, "--output", folder / "other.toml")
    assert ran.code == 64
    assert "file2.txt is there already" in ran.err
    assert not (folder / "other.toml").exists()
    assert (folder / "file2.txt").read_text("utf-8") == "my own\n"
    (folder / "other.toml").write_text("old", "utf-8")
    forced = workshop.cli("init", data, "--output", folder / "other.toml", "--force")
    assert forced.code == 64 and "file2.txt is there already" in forced.err, "--force is of the model.toml"
    assert (folder / "file2.txt").read_text("utf-8") == "my own\n"
    (folder / "file2.txt").unlink()
    assert workshop.cli("init", data, "--output", folder / "other.toml", "--force").code == 0
    assert (folder / "file2.txt").read_text("utf-8") == "a\nb\nc\n"


def test_init_gives_packed_files_no_name_that_stands_for_something_else(workshop: Workshop) -> None:
    """A file of labels that is called as the model, as model.toml, or as another but for its case, stays packed."""
    names = {"": "M.TFLITE", "de": "Model.TOML", "fr": "labels.txt", "it": "Labels.txt", "default": "again.txt"}
    labels = tuple(AssociatedFile(name, "", "tensor-axis-labels", locale) for locale, name in names.items())
    graph = SubgraphMetadata(outputs=(TensorMetadata("probabilities", files=labels),))
    file = classifiers.picture()
    about = edit.Edits(metadata=metadata.write(ModelMetadata("m", subgraphs=(graph,))))
    folder = workshop.folder / "m"
    folder.mkdir(parents=True)
    (folder / "m.tflite").write_bytes(edit.plan(memoryview(file), about).applied(memoryview(file)))
    with zipfile.ZipFile(folder / "m.tflite", "a") as archive:
        for name in names.values():
            archive.writestr(name, "a\nb\nc\n")
    ran = workshop.cli("init", folder / "m.tflite", "--output", folder / "model.toml")
    assert ran.code == 0, ran.text
    assert sorted(p.name for p in folder.iterdir()) == ["again.txt", "labels.txt", "m.tflite", "model.toml"]
    text = (folder / "model.toml").read_text("utf-8")
    assert '\nlabels = { fr = "labels.txt", default = "again.txt" }\n' in text
    assert workshop.build("m")["m"].ok


def test_a_name_of_the_specs_choice_reaches_the_metadata_of_a_source(workshop: Workshop) -> None:
    """Where the spec says nothing else, nothing else is written."""
    graph = SubgraphMetadata(
        inputs=(TensorMetadata("image", "seen"),), outputs=(TensorMetadata("probabilities", "found"),)
    )
    whole = ModelMetadata("of old", min_parser_version="1.0.0", subgraphs=(graph,))
    data = memoryview((FIXTURES / "float32.tflite").read_bytes())
    source = edit.plan(data, edit.Edits(metadata=metadata.write(whole))).applied(data)
    workshop.model("m", TFLITE + '[input.photo]\nfrom = "image"\n', {"m.tflite": source})
    renamed = replace(graph, inputs=(replace(graph.inputs[0], name="photo"),))
    assert said(workshop.build()["m"].file()) == replace(whole, subgraphs=(renamed,))


def test_all_packed_files_come_along(workshop: Workshop) -> None:
    """More than a process may have open at once."""
    names = [f"{number:04}.txt" for number in range(3000)]
    more = '[metadata]\nfiles = [{ file = "more.txt" }]\n'
    files = {"m.tflite": wild.described(), "more.txt": "more"}
    source = workshop.model("many", TFLITE + more, files) / "m.tflite"
    with zipfile.ZipFile(source, "a") as archive:
        for name in names:
            archive.writestr(name, name)
    found = packed(workshop.build()["many"].file())
    assert found == {**{name: name.encode() for name in names}, "labels.txt": b"cat\nno cat\n", "more.txt": b"more"}


def test_diff_says_which_fields_and_which_files_differ(workshop: Workshop) -> None:
    other = PICTURE.replace("mean = 127.5", "mean = 128") + "score_threshold = 0.5\n"
    workshop.model("one", TFLITE + PICTURE + '[metadata]\nname = "M"\n', COLORS)
    workshop.model("other", TFLITE + other + '[metadata]\nname = "N"\n', {**COLORS, "labels.txt": "rot\ngelb\nblau\n"})
    built = workshop.build()
    ran = workshop.cli("diff", built["one"].file(), built["other"].file())
    assert ran.code == 1
    for line in (
        "metadata name: 'M' -> 'N'",
        "metadata subgraphs.0.inputs.0.process_units.0.options.mean: [127.5] -> [128.0]",
        "metadata subgraphs.0.outputs.0.process_units.0.options.threshold: nothing -> 0.5",
        "file 'labels.txt' that is packed with it: 15 bytes -> 14 bytes",
    ):
        assert line in ran.out, ran.out


def test_a_file_over_2_gb_gets_metadata_before_its_buffers(tmp_path: Path, official: Official) -> None:
    """The metadata is within the first bytes, where offsets of the FlatBuffer reach, and weights are found behind it."""
    source, outputs, at = tmp_path / "m.tflite", tmp_path / "out", 2**31 + 4096
    outputs.mkdir()
    wild.outside(source, at)
    (tmp_path / "model.toml").write_text(HEAD + TFLITE + '[output.y]\nlabels = "labels.txt"\n', "utf-8")
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\n", "utf-8")
    about = described.of(load(tmp_path / "model.toml").spec)
    assert about is not None
    inputs = {"model": source, "file:labels.txt": tmp_path / "labels.txt"}
    pack.run(Request("pack", {"names": Names().to_json(), "metadata": about.to_json()}, inputs, outputs))
    source.unlink()
    file = outputs / "model.tflite"
    with reader.opened(file) as data:
        model = reader.parse(data)
        constant, own = model.buffers[1], model.buffers[2]
        assert constant.external and constant.offset > at
        assert bytes(data[constant.offset : constant.offset + 16]) == wild.packed("f", 1, 2, 3, 4)
        assert own.offset < 4096
    assert packed(file) == {"labels.txt": b"a\nb\nc\nd\n"}
    (theirs,) = official([file])
    assert theirs["said"] == official_json(said(file))
    file.unlink()
