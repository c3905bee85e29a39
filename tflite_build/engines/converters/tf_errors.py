"""What TensorFlow's converter says when it fails, as data: which operators, what they need, where they stand.

Source: tensorflow/compiler/mlir/lite/metrics/converter_error_data.proto of TensorFlow 2.21. Text is parsed
for facts only where there is nothing else: for what the importer of SavedModels refuses. Knows nothing of how the
converter is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tflite_build.engines.contract import FailingOperator, Invalid, Refused
from tflite_build.engines.native import protobuf_wire as wire
from tflite_build.engines.words import element_types, quoted

_NEEDS = {1: "select", 2: "custom"}
_FUNCTION_CALLS_LEFT = 4
_LINES = 8
_WRONG = re.compile(r"^'tf\.\w+' op (requires .+)")
# What has a form in few operators, and what to compute in instead.
_NARROWER = {"float64": "float32", "int64": "int32", "uint64": "int32", "complex128": "complex64"}
# Operators that call back into the Python process that made the model.
_PYTHON = frozenset({"EagerPyFunc", "PyFunc", "PyFuncStateless", "NumpyFunction"})


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed conversion.

    Attributes:
        operators: Those that the converter blames, sorted.
        wide: The names of those that compute in a type of 64 bits -> these types.
        tensor_lists: Whether it fails on lists whose elements have an open shape, as of an LSTM with an open batch.
        calls_left: Whether function calls are left over, which copying the functions may cure.
        damage: What is wrong with the files of the SavedModel, where that is why.
        unregistered: An operator that TensorFlow does not know, or "".
        text: The converter's own first lines.
        wrong: Those of `operators` that have a form, and in these shapes are a mistake -> what the converter says of each.
    """

    operators: tuple[FailingOperator, ...]
    tensor_lists: bool
    calls_left: bool
    damage: Invalid | None
    unregistered: str
    text: str
    wide: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)


def read(text: str, collected: Iterable[bytes]) -> Failure:
    """The failure from the converter's text and its serialized ConverterErrorData messages."""
    operators: set[FailingOperator] = set()
    messages: list[str] = []
    wide: dict[str, tuple[str, ...]] = {}
    wrong: dict[str, str] = {}
    lists = calls = False
    for data in collected:
        code, name = wire.number(data, 3), wire.text(wire.message(data, 5), 1).removeprefix("tf.")
        of_list = name.startswith(("TensorList", "EmptyTensorList"))
        lists |= of_list and "TensorList" in wire.text(data, 2)
        calls |= code == _FUNCTION_CALLS_LEFT
        message, _, more = wire.text(data, 4).partition("\n")
        messages.append(message)
        said = _WRONG.search(message)
        if said and code not in _NEEDS and not of_list:
            wrong[name] = said[1]
        types = [t for t in element_types(more.partition("\n")[0].rpartition(" : ")[2]) if t in _NARROWER]
        if types:
            wide[name] = tuple(dict.fromkeys((*wide.get(name, ()), *types)))
        if name and (code in _NEEDS or name != "Const"):
            operators.add(FailingOperator(name, _NEEDS.get(code, ""), _source(wire.message(data, 6))))
    # The pass that fails first reports an operator without its needs, too; once is enough.
    operators = {replace(o, needs="shape") if o.name in wrong and not o.needs else o for o in operators}
    named = {o.name for o in operators if o.needs}
    kept = sorted((o for o in operators if o.needs or o.name not in named), key=lambda o: (o.name, o.needs, o.source))
    lines = list(dict.fromkeys(messages)) or [_plain(line) for line in text.splitlines() if line.strip()]
    unregistered = re.search(r"Op type not registered '([^']+)'", text) if not messages else None
    shown = sorted(lines)[:_LINES] if messages else lines[:_LINES]
    return Failure(
        tuple(kept),
        lists,
        calls,
        None if messages else _damage(text),
        unregistered[1] if unregistered else "",
        "\n".join(shown),
        wide,
        wrong,
    )


def _damage(text: str) -> Invalid | None:
    if re.search(r"\{\{node (\S+/)?RestoreV2", text):
        return unreadable_weights(text)
    if "as binary proto" in text:
        return Invalid(
            "'saved_model.pb' is damaged: TensorFlow cannot parse it",
            "source.path",
            "copy it again, or export the model again",
        )
    return None


def refusal(failure: Failure) -> Refused:
    """The failure as TensorFlow's refusal to convert."""
    names = sorted({o.name for o in failure.operators})
    if failure.unregistered:
        name = " ".join(failure.unregistered.split())
        return Refused(
            f"the model has the operator '{name}', which TensorFlow itself does not know: it is from a library such as "
            "TensorFlow Text",
            [FailingOperator(name, "custom")],
        )
    if not names:
        return Refused("the TensorFlow converter fails and blames no operator", (), failure.text)
    if all(o.needs == "shape" for o in failure.operators):
        said = "; ".join(f"'{name}' {failure.wrong[name]}" for name in names)
        reason = f"the TensorFlow converter does not get through the shapes: {said}"
        return Refused(f"{reason}; where a dimension is open, it counts as 1", failure.operators, failure.text)
    python = [n for n in names if n in _PYTHON]
    if python:
        return Refused(f"the model calls back into Python ({quoted(python)}), which no device has", failure.operators)
    if failure.tensor_lists:
        advice = "declare a fixed shape for its inputs"
        return Refused(
            "the TensorFlow converter cannot write loops over lists of tensors with an open dimension "
            f"({quoted(names)}): {advice}",
            failure.operators,
            failure.text,
        )
    if any(name.startswith(("HashTable", "LookupTable", "MutableHashTable")) for name in names):
        return Refused(
            f"the TensorFlow converter has no form of the model's lookup table ({quoted(names)}): a table of TensorFlow "
            "Lite maps strings to int64 or int64 to strings, and does not change",
            failure.operators,
            failure.text,
        )
    places = sorted({o.source for o in failure.operators if re.search(r":\d+$", o.source)})
    where = f" ({', '.join(places[:3])})" if places else ""
    typed = [f"{name} of {' and '.join(failure.wide[name])}" if name in failure.wide else name for name in names]
    reason = f"the TensorFlow converter has no form of {quoted(typed)}{where}"
    select = sorted({o.name for o in failure.operators if o.needs == "select"})
    wide = sorted({kind for name in names for kind in failure.wide.get(name, ())})
    if select == names:
        reason += "; only TensorFlow's own kernels run that"
    if select == names and not wide:
        listed = ", ".join(f'"{name}"' for name in select)
        reason += (
            f": `select_tf_ops = [{listed}]` in [compatibility] leaves it to them, and the app links their library; "
            f"[compatibility.custom_ops.{select[0]}] says that the app has a kernel of its own"
        )
    if wide:
        narrower = " and ".join(dict.fromkeys(_NARROWER[kind] for kind in wide))
        reason += f"; few operators have a form of {' or '.join(wide)}: cast what they take to {narrower}"
    return Refused(reason, failure.operators, failure.text)


def unreadable_weights(text: str) -> Invalid:
    """The files of the variables are damaged or another model's; `text` is TensorFlow's."""
    first = re.sub(r"\S*/(variables/)", r"\1", text.strip().partition("\n")[0])
    return Invalid(
        f"the weights of the SavedModel cannot be read: {first}",
        "source.path",
        "the folder 'variables' is damaged or belongs to another model: copy it again, or export the model again",
    )


def _source(location: memoryview) -> str:
    """The user's innermost line, such as `model.py:12`; else the operator's path in the model, such as `lstm_1/while`."""
    path = place = ""
    for call in wire.messages(location, 2):
        name, source = wire.text(call, 1), wire.message(call, 2)
        if name and path:
            break  # the frames of the function that calls this one begin
        path = path or name.partition("@")[0]
        file, line = wire.text(source, 1), wire.number(source, 2)
        if "/stage/" in file:  # where user code runs (see `usercode`); frames go inwards
            place = f"{file.rpartition('/stage/')[2]}:{line}"
    return place or path


def _plain(line: str) -> str:
    """A line of MLIR's diagnostics without its location."""
    return re.sub(r"^.*?\b(error|note): (loc\(.*?\)+: )?", "", line)[:300]
