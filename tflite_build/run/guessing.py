"""What tensors are taken for by their names, shapes and types: keys of a model.toml, each with a word on why.

A rule for each kind in one table, `RULES`: a tensor that one has taken no later one sees. What a rule says needs no more
than the model, so that it builds; what needs a file of the user's, or what nobody can see, is a comment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tflite_build.engines.contract import SignatureSpec, TensorSpec
from tflite_build.engines.words import shape_text
from tflite_build.wrap import words

_STATES = {"c", "cache", "carry", "h", "hidden", "kv", "memory", "past", "present", "state", "states"}
_TURNS = {"in", "input", "new", "next", "old", "out", "output", "past", "present", "prev", "previous"}
_POSTPROCESSED = re.compile(r"(?:.*/)?TFLite_Detection_PostProcess(?::([123]))?")  # boxes, classes, scores, count
_EXPORTED = re.compile(r"StatefulPartitionedCall:([0-3])")  # count, scores, classes, boxes
_STRIDES = (8, 16, 32)  # of the grids of a YOLO head
_MASKS = ({"attention", "mask"}, {"input", "mask"}, {"mask"})
_SEGMENTS = ({"token", "type", "ids"}, {"input", "type", "ids"}, {"segment", "ids"}, {"type", "ids"})
_IDS = ({"input", "ids"}, {"input", "word", "ids"}, {"ids"}, {"tokens"}, {"input", "tokens"})
_NO_NAMES = {"args", "default", "serving"}  # what exporters put before a name
_SCORES = {"logits", "predictions", "probabilities", "probability", "probs", "scores", "softmax"}
_EMBEDDINGS = {"embedding", "embeddings", "feature", "features", "pooled", "pooler"}
_ENDS = {"SOFTMAX": "the model ends with softmax", "LOGISTIC": "the model ends with a sigmoid"}
_MOST_CLASSES = 25_000  # scores of more are those of a language's words
# What MoveNet finds, and COCO has marked.
_BODY = (
    "nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder", "left elbow",
    "right elbow", "left wrist", "right wrist", "left hip", "right hip", "left knee", "right knee", "left ankle",
    "right ankle",
)  # fmt: skip
_OF_PIXELS = ("float32", "uint8", "int8")
_FEWEST = 8  # numbers of an embedding
_SMALLEST = 16  # height and width of a picture


@dataclass(frozen=True, slots=True)
class Key:
    """A line of a table.

    Attributes:
        note: Why, or what it is; "" where that needs no word.
        comment: Whether it is for the user to decide, so that the line is a comment.
    """

    name: str
    value: Any
    note: str = ""
    comment: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table beside those of tensors.

    Attributes:
        name: Of a signature's own, such as "result.detections"; of `whole` ones the same, for all signatures.
        whole: Whether it is of the model and not of a signature.
        comment: Whether it is a comment: it needs what only the user has.
    """

    name: str
    note: str
    keys: Sequence[Key]
    whole: bool = False
    comment: bool = False


@dataclass(frozen=True, slots=True)
class Guess:
    """What some tensors are taken for; a tensor without keys is taken, too.

    Attributes:
        inputs: Name -> lines of its table, as `outputs`.
    """

    inputs: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    outputs: Mapping[str, Sequence[Key]] = field(default_factory=dict)
    tables: Sequence[Table] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model tells of a signature, as far as no rule has taken it.

    Attributes:
        pictures: Height and width of the inputs that may be pictures.
        known: Whether one of them is known to be one, so that results may tell places in it.
        said: Output -> the keys that are known of it.
        also: What metadata calls a tensor, where that is something else.
        ends: Output -> the operator that computes it.
    """

    inputs: Sequence[TensorSpec]
    outputs: Sequence[TensorSpec]
    pictures: Sequence[tuple[int | str, int | str]] = ()
    known: bool = False
    said: Mapping[str, Collection[str]] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    ends: Mapping[str, str] = field(default_factory=dict)

    def words(self, tensor: TensorSpec) -> set[str]:
        """The words that a tensor is called by, without numbers."""
        return {*_plain(tensor.name), *_plain(self.also.get(tensor.name, ""))}

    def is_called(self, tensor: TensorSpec, names: Sequence[set[str]]) -> bool:
        """Whether it is called by the words of one of `names`, and no others."""
        return any(_plain(name) in names for name in (tensor.name, self.also.get(tensor.name, "")))

    def without(self, taken: Guess) -> Seen:
        """What is left."""
        return replace(
            self,
            inputs=[t for t in self.inputs if t.name not in taken.inputs],
            outputs=[t for t in self.outputs if t.name not in taken.outputs],
        )


Rule = Callable[[Seen], Iterator[Guess]]
_LEARNS = {"fit", "learn", "train"}
_SAVES, _RESTORES = {"save", "values", "weights"}, {"load", "restore", "set"}


def roles(signatures: Sequence[SignatureSpec]) -> list[Table]:
    """The roles of a model that is trained: a signature gives what another one takes, and one is called as what learns."""
    learns = [s for s in signatures if _LEARNS & _plain(s.name)]
    pairs = [
        (save, restore)
        for save in signatures
        for restore in signatures
        if _SAVES & _plain(save.name) and _RESTORES & _plain(restore.name)
        if {(t.name, t.shape, t.dtype) for t in save.outputs} == {(t.name, t.shape, t.dtype) for t in restore.inputs}
        if all(t.dtype == "float32" for t in save.outputs)
    ]
    if not learns or len(pairs) != 1 or not all(re.fullmatch(r"\w+", s.name, re.ASCII) for s in signatures):
        return []
    save, restore = pairs[0]
    said = {s.name: ("train", "learns from a batch, it seems") for s in learns}
    said |= {
        save.name: ("save", f"what '{restore.name}' takes"),
        restore.name: ("restore", f"what '{save.name}' gives"),
    }
    return [Table(f"method.{name}", note, [Key("role", role)], whole=True) for name, (role, note) in said.items()]


def guesses(seen: Seen) -> list[Guess]:
    """What the tensors of a signature are taken for."""
    seen = replace(seen, pictures=[(s[0], s[1]) for s in (_picture(t) for t in seen.inputs) if s])
    found: list[Guess] = []
    for rule in RULES:
        for guess in rule(seen):
            found.append(guess)
            seen = seen.without(guess)
    return found


def _states(seen: Seen) -> Iterator[Guess]:
    """Outputs that the next call takes: of the same shape and type as an input, and of the same name but for its turn."""
    outputs = {(_stem(t.name), t.shape, t.dtype): t.name for t in reversed(seen.outputs)}
    pairs = {
        t.name: outputs[_stem(t.name), t.shape, t.dtype]
        for t in seen.inputs
        if all(isinstance(d, int) for d in t.shape)
        and (_stem(t.name), t.shape, t.dtype) in outputs
        and _STATES & (_plain(t.name) | _plain(outputs[_stem(t.name), t.shape, t.dtype]))
    }
    if not pairs or len({*pairs.values()}) < len(pairs):
        return
    rows = _together(pairs, [t.name for t in seen.inputs]) or pairs
    tables = [
        Table(
            f"state.{_name(given, place)}",
            "a guess: what a call gives, the next one takes",
            [Key("input", given), Key("output", made)],
            whole=True,
        )
        for place, (given, made) in enumerate(rows.items())
    ]
    yield Guess(dict.fromkeys(pairs, ()), dict.fromkeys(pairs.values(), ()), tables)


def _together(pairs: Mapping[str, str], inputs: Sequence[str]) -> dict[str, str]:
    """One pattern for several states, `kv_*` and what they are called as outputs; nothing where there is none."""
    ends = [(_shared(names), _shared([n[::-1] for n in names])[::-1]) for names in ([*pairs], [*pairs.values()])]
    if len(pairs) < 2 or any("*" in name for pair in pairs.items() for name in pair):
        return {}

    def letters(name: str, before: str, after: str) -> str | None:
        fits = name.startswith(before) and name.endswith(after) and len(name) >= len(before) + len(after)
        return name[len(before) : len(name) - len(after)] if fits else None

    alike = all(letters(given, *ends[0]) == letters(made, *ends[1]) for given, made in pairs.items())
    others = any(letters(name, *ends[0]) is not None for name in inputs if name not in pairs)
    return {"*".join(ends[0]): "*".join(ends[1])} if alike and ends[0][0] and not others else {}


def _shared(names: Sequence[str]) -> str:
    """What all begin with."""
    first, last = min(names), max(names)
    return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


def _name(pattern: str, place: int) -> str:
    return "_".join(word for word in _words(pattern.replace("*", " ")) if word not in _TURNS) or f"state{place + 1}"


def _stem(name: str) -> str:
    """A name without the words that say whether it is taken or given: `past_key_values.0.key` is `present.0.key`."""
    plain = re.sub(r"(?i)(past|present)_key_values", "past", name)
    parts = [part for word in _words(plain) for part in re.findall(r"[a-z]+|[0-9]+", word)]
    return " ".join(part for part in parts if part not in _TURNS)


def _detections(seen: Seen) -> Iterator[Guess]:
    """The boxes, classes, scores and count of a model that has chosen by itself."""
    boxes = [t for t in seen.outputs if t.dtype == "float32" and len(t.shape) == 3 and t.shape[-1] == 4]
    if len(boxes) != 1:
        return
    (box,) = boxes
    rows = [t for t in seen.outputs if t.shape == box.shape[:2]]
    counts = [t for t in seen.outputs if t.shape in ((1,), (), (1, 1), box.shape[:1]) and t not in rows]
    roles = {t.name: role for t in rows if (role := _role(t, seen))}
    if sorted(roles.values()) != ["classes", "scores"] or len(rows) != 2 or len(counts) > 1:
        return
    roles |= {box.name: "boxes", **{t.name: "count" for t in counts}}
    more: dict[str, list[Key | None]] = {
        "boxes": [Key("box", {"index": [1, 0, 3, 2]}, "ymin, xmin, ymax, xmax, where nothing is said", comment=True)],
        "classes": [_labels(seen, next(n for n, role in roles.items() if role == "classes"))],
        "scores": [Key("score_threshold", 0.5, "the least score that an app gets", comment=True)],
    }
    yield Guess(
        outputs={
            name: [Key("content", role, "a guess"), *(key for key in more.get(role, []) if key is not None)]
            for name, role in roles.items()
        }
    )


def _role(tensor: TensorSpec, seen: Seen) -> str:
    """Whether numbers of boxes are their classes or their scores; "" where nothing tells."""
    own = seen.words(tensor)
    if own & {"category", "categories", "class", "classes", "labels"}:
        return "classes"
    if own & {"confidence", "confidences", "score", "scores"}:
        return "scores"
    converted, exported = _POSTPROCESSED.fullmatch(tensor.name), _EXPORTED.fullmatch(tensor.name)
    if converted:
        return {"1": "classes", "2": "scores"}.get(converted[1] or "", "")
    return {"1": "scores", "2": "classes"}.get(exported[1], "") if exported else ""


def _yolo(seen: Seen) -> Iterator[Guess]:
    """A head of YOLO: as many rows as the grids of the picture have cells, or three times as many."""
    cells = {
        sum(height // s * (width // s) for s in _STRIDES)
        for height, width in seen.pictures
        if isinstance(height, int) and isinstance(width, int) and height % 32 == width % 32 == 0
    }
    for tensor in seen.outputs:
        if tensor.dtype != "float32" or len(tensor.shape) != 3:
            continue
        sizes = sorted(d for d in tensor.shape[1:] if isinstance(d, int))
        few, many = sizes if len(sizes) == 2 else (0, 0)
        decode, before = ("yolov8", 4) if many in cells else ("yolov5", 5)
        if few <= before or (many not in cells and many not in {3 * n for n in cells}):
            continue
        keys = [
            Key("kind", "detections"),
            Key("boxes", tensor.name),
            Key("decode", decode),
            Key("score_threshold", 0.25),
            Key("nms", {"iou": 0.45}),
            Key("coordinates", "pixel", "where boxes are no shares of the picture", comment=True),
            Key("labels", "labels.txt", f"a line for each of {few - before} classes", comment=True),
        ]
        note = f"a guess: {shape_text(tensor.shape)} is a head of {decode.replace('yolo', 'YOLO')}"
        yield Guess(outputs={tensor.name: ()}, tables=[Table("result.detections", note, keys, comment=not seen.known)])
        return


def _text(seen: Seen) -> Iterator[Guess]:
    """Ids of a text, with what says which of them count and which sentence each is of."""
    whole = [t for t in seen.inputs if t.dtype in ("int32", "int64") and len(t.shape) in (1, 2)]
    ids, masks, segments = ([t for t in whole if seen.is_called(t, names)] for names in (_IDS, _MASKS, _SEGMENTS))
    if len(ids) != 1 or len(masks) > 1 or len(segments) > 1:
        return
    of_text = {"ids": ids[0].name}
    of_text |= {role: t.name for role, found in (("mask", masks), ("segments", segments)) for t in found}
    keys = [Key("kind", "text"), *(Key(role, name) for role, name in of_text.items())]
    keys.append(Key("tokenizer", {"type": "bert", "vocab": "vocab.txt"}))
    note = "what an app passes instead: a text, where this is how it becomes ids"
    yield Guess(
        {
            ids[0].name: [Key("content", "text-ids", "a guess")],
            **{t.name: [Key("range", [0, 1], "a guess: which ids are of the text")] for t in masks},
            **{t.name: [Key("range", [0, 1], "a guess: which text an id is of")] for t in segments},
        },
        tables=[Table("argument.text", note, keys, comment=True)] if len(of_text) > 1 else [],
    )


def _keypoints(seen: Seen) -> Iterator[Guess]:
    """The joints of a body, as MoveNet gives them."""
    for tensor in seen.outputs:
        if seen.pictures and tensor.dtype == "float32" and _inner(tensor) == (len(_BODY), 3):
            keys = [Key("kind", "keypoints"), Key("points", tensor.name), Key("axes", "yxs"), Key("names", list(_BODY))]
            note = f"a guess: {shape_text(tensor.shape)} is y, x and score of each of {len(_BODY)} joints"
            yield Guess(outputs={tensor.name: ()}, tables=[Table("result.pose", note, keys, comment=not seen.known)])
            return


def _masks(seen: Seen) -> Iterator[Guess]:
    """What has a number, or one for each of some classes, for each pixel of the picture that is taken."""
    sizes = [size for size in seen.pictures if all(isinstance(d, int) for d in size)]
    for tensor in seen.outputs:
        inner = _inner(tensor)
        size, classes = (inner, 1) if len(inner) == 2 else (inner[:2], inner[2]) if len(inner) == 3 else ((), 0)
        if size not in sizes or classes == 3 or tensor.dtype not in ("float32", "uint8", "int8", "int32", "int64"):
            continue
        each = "a number" if classes == 1 else f"{classes} scores"
        keys = [Key("content", "mask", f"a guess: {each} for each pixel of the picture")]
        which = "each of 2 classes, the background first" if classes == 1 else f"each of {classes} classes"
        if tensor.dtype == "float32" and "labels" not in seen.said.get(tensor.name, ()):
            keys.append(Key("labels", "labels.txt", f"a line for {which}", comment=True))
        yield Guess(outputs={tensor.name: keys})


def _classes(seen: Seen) -> Iterator[Guess]:
    """One score for each class: by labels that are known, by what the model ends with, or by its name."""
    for tensor in seen.outputs:
        count = _row(tensor)
        if tensor.dtype not in ("float32", "int8", "uint8") or count < 2:
            continue
        end, labelled = seen.ends.get(tensor.name, ""), "labels" in seen.said.get(tensor.name, ())
        named = bool(seen.words(tensor) & _SCORES) and count <= _MOST_CLASSES
        if not labelled and end not in _ENDS and not named:
            continue
        note = f"a guess: {'there are labels' if labelled else _ENDS.get(end, 'by its name')}"
        keys = [Key("content", "classes", note), _labels(seen, tensor.name, count)]
        if end == "LOGISTIC":
            keys.append(Key("multi_label", True, "where several classes may be there at once", comment=True))
        if end not in _ENDS:
            keys.append(Key("activation", "softmax", "where the model gives logits", comment=True))
        yield Guess(outputs={tensor.name: [key for key in keys if key is not None]})


def _labels(seen: Seen, output: str, count: int | None = None) -> Key | None:
    """A place for labels, where there are none."""
    which = "each class" if count is None else f"each of {count} classes"
    known = "labels" in seen.said.get(output, ())
    return None if known else Key("labels", "labels.txt", f"a line for {which}", comment=True)


def _embeddings(seen: Seen) -> Iterator[Guess]:
    """A row of numbers that is called so, or that the model divides by its length."""
    for tensor in seen.outputs:
        divided = seen.ends.get(tensor.name) == "L2_NORMALIZATION"
        if tensor.dtype == "float32" and _row(tensor) >= _FEWEST and (divided or seen.words(tensor) & _EMBEDDINGS):
            note = "a guess: the model divides it by its length" if divided else "a guess: by its name"
            keys = [Key("content", "embedding", note)]
            if not divided:
                keys.append(Key("normalize", "l2", "where all are to have the length 1", comment=True))
            yield Guess(outputs={tensor.name: keys})


def _pictures(seen: Seen) -> Iterator[Guess]:
    """What has the shape of a picture: only who trained the model can say how pixels become numbers."""
    for tensor in seen.inputs:
        if _picture(tensor) is not None and tensor.dtype in _OF_PIXELS:
            note = "a picture? Then say with what mean and std the model was trained:"
            keys = [Key("content", "image", note), Key("mean", 127.5), Key("std", 127.5)]
            yield Guess({tensor.name: [replace(key, comment=True) for key in keys]})
    for tensor in seen.outputs:
        if seen.pictures and _picture(tensor) is not None and tensor.dtype in _OF_PIXELS:
            note = "a picture? See mean and std of [result.NAME] where its values are not 0 to 255"
            yield Guess(outputs={tensor.name: [Key("content", "image", note, comment=True)]})


def _picture(tensor: TensorSpec) -> tuple[int | str, int | str] | None:
    """Height and width of what may be a picture."""
    if len(tensor.shape) != 4 or (tensor.shape[0] != 1 and not isinstance(tensor.shape[0], str)):
        return None
    _, a, b, c = tensor.shape
    height, width = (a, b) if c in (1, 3) else (b, c) if a in (1, 3) else (0, 0)
    large = all(isinstance(d, str) or d >= _SMALLEST for d in (height, width))
    return (height, width) if large else None


# In this order, a row for each kind that something tells from others; nothing tells a sound from another row of numbers.
RULES: Sequence[Rule] = (
    _states,
    _detections,
    _yolo,
    _text,
    _keypoints,
    _masks,
    _classes,
    _embeddings,
    _pictures,
)


def _inner(tensor: TensorSpec) -> tuple[int | str, ...]:
    """The shape without dimensions of 1, and an open batch, at its start."""
    shape = tensor.shape
    while len(shape) > 1 and (shape[0] == 1 or (isinstance(shape[0], str) and shape is tensor.shape)):
        shape = shape[1:]
    return shape


def _row(tensor: TensorSpec) -> int:
    """How many numbers one row of them has; 0 of what is no such row."""
    batch, own = (tensor.shape[:1], tensor.shape[1:]) if len(tensor.shape) > 1 else ((), tensor.shape)
    long = [d for d in own if d != 1]
    one = all(d == 1 or isinstance(d, str) for d in batch)
    return long[0] if one and len(long) == 1 and isinstance(long[0], int) else 0


def _words(name: str) -> list[str]:
    return [word for word in words.words(name) if word not in _NO_NAMES]


def _plain(name: str) -> set[str]:
    return {word.rstrip("0123456789") for word in _words(name)}
