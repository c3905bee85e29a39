"""`quantize.litert`: from a float .tflite file to a quantized one, by litert-quantizer.

Operator versions, which litert-quantizer leaves as they were, are put right when the file is packed. Knows recipes and
nothing of where ranges come from.
"""

from __future__ import annotations

import gc
import re
import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tflite_build.engines.contract import Answer, Invalid, Refused, Request
from tflite_build.engines.files import custom_operators, opening
from tflite_build.engines.files import graph as graphs
from tflite_build.engines.files.graph import Graph, Operator
from tflite_build.engines.words import near_or_all, quoted

from . import counts, divisions, half, left_in_float, masks, own_recipe, proportion, quantized_file, repacking
from .keep_float import keeps, kind_of, matches, of_kind
from .proportion import Coarse
from .unsigned import with_unsigned_ends


def _import_quantizer() -> Any:
    """litert-quantizer without SciPy, which only GPTQ needs and which takes as long to import as all the rest."""
    stubbed = "scipy" not in sys.modules
    if stubbed:
        scipy, linalg = types.ModuleType("scipy"), types.ModuleType("scipy.linalg")
        scipy.linalg = linalg  # type: ignore[attr-defined]
        sys.modules["scipy"], sys.modules["scipy.linalg"] = scipy, linalg
    try:
        import litert_quantizer.algorithm_manager
        import litert_quantizer.qtyping
        import litert_quantizer.quantizer
        import litert_quantizer.recipe_manager

        return litert_quantizer
    finally:
        if stubbed:
            for name in ("scipy", "scipy.linalg"):
                sys.modules.pop(name, None)


gc.disable()
_library = _import_quantizer()
gc.enable()

_ACTIVATION_BITS = {"int8": 8, "int16x8": 16}  # of the kinds whose arithmetic is integer


@dataclass(frozen=True, slots=True)
class _Source:
    """The float file, with tensors that the library can tell apart: it does so by their names, over all signatures.

    Attributes:
        own_names: Name here -> in the file itself; None where those are told apart already.
    """

    content: bytes
    graph: Graph
    own_names: Mapping[str, str] | None


@dataclass(slots=True)
class _Left:
    """What stays float though the kind would quantize it, and why.

    Attributes:
        unfit: Weights that float16 cannot hold.
        masked: Operators around masks, scope -> kind.
        exact: The scopes of all others that integers would be wrong for.
        coarse: Those of them that were found in a file that was made: out of proportion.
        kinds: Kinds of operators whose quantized form the runtime refuses.
    """

    unfit: list[half.Unfit]
    masked: dict[str, str]
    exact: list[str]
    coarse: list[Coarse] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    @property
    def scopes(self) -> list[str]:
        """Those of single operators."""
        return [*self.exact, *self.masked]


def run(request: Request) -> Answer:
    """Write `model.tflite`.

    Raises:
        Invalid: If the recipe is wrong, a `keep_float` pattern matches nothing, or the file is quantized already.
        Refused: If the library cannot, or the runtime does not load what it made.
    """
    source = _source(request)
    left = _left_at_first(request, source)
    while True:
        made = _made(request, source, left)
        if any(o.custom and o.name.startswith("Flex") for _, o in source.graph.operators()):
            _check(request, made, source.graph)  # `compare` loads it where TensorFlow's own kernels are
            break
        runner = opening.runner(request, made)  # by its verifier, before anything else reads the file
        _check(request, made, source.graph)
        if custom_operators.not_run(request):
            break
        try:
            runner.load()
            break
        except Refused as refused:
            _leave_more(left, refused, made, request, source.graph)
    (request.outputs / "model.tflite").write_bytes(made)
    return Answer(warnings=_warnings(left, made, request))


def _source(request: Request) -> _Source:
    content = request.inputs["model"].read_bytes()
    graph = graphs.read(content)
    quantized_file.check_source(graph)
    own = {name: t.name for s, names in zip(graph.subgraphs, graph.unique_names(), strict=True)
           for t, name in zip(s.tensors, names, strict=True)}  # fmt: skip
    if all(name == before for name, before in own.items()):
        return _Source(content, graph, None)
    content = repacking.with_names(content, graph.unique_names())
    return _Source(content, graphs.read(content), own)


def _left_at_first(request: Request, source: _Source) -> _Left:
    """What is known to stay float before any file is made."""
    word, graph = request.params["quantize"], source.graph
    unfit = _beyond_float16(request, source.content, graph) if word == "float16" else []
    exact = [scope for weight in unfit for scope in weight.scopes]
    if word in _ACTIVATION_BITS:
        divided = divisions.operators(graph, request.read_json("ranges"), _ACTIVATION_BITS[word])
        exact = [*counts.operators(graph), *divided, *masks.idle_clamps(graph), *_spread(graph)]
    return _Left(unfit, _around_masks(request, graph), exact)


def _made(request: Request, source: _Source, left: _Left) -> bytes:
    """The quantized file, with the tensors' own names and the ends that are wanted."""
    recipe = _recipe(request, source.graph, left.scopes) + _kept(list(map(of_kind, left.kinds)), source.graph)
    made = _quantized(request, source.content, source.graph, recipe)
    if source.own_names is not None:
        own = source.own_names
        made = repacking.with_names(
            made, [[own.get(t.name, t.name) for t in s.tensors] for s in graphs.read(made).subgraphs]
        )
    return with_unsigned_ends(made) if request.params["io"] == "uint8" else made


def _leave_more(left: _Left, refused: Refused, made: bytes, request: Request, graph: Graph) -> None:
    """Add to `left` what may make the runtime take the next file; raise `refused` where there is nothing."""
    integer = request.params["quantize"] in _ACTIVATION_BITS
    beyond = [o for o in proportion.operators(graphs.read(made)) if o.scope not in left.exact] if integer else []
    more = _without(refused, graph, request, left.kinds)
    if more and integer and not request.params.get("partly"):  # TensorFlow's quantizer may have another form
        refused.alternative, more = "litert-partly", []
    if not (beyond or more):
        raise refused
    left.coarse += beyond
    left.exact += [o.scope for o in beyond]
    left.kinds += more


def _warnings(left: _Left, made: bytes, request: Request) -> list[str]:
    """What to say of what stays float."""
    word = request.params["quantize"]
    asked = [*request.params["keep_float"], *map(of_kind, left.kinds)]
    said = left_in_float.warnings(graphs.read(made), word, asked, set(left.scopes))
    said += [*(weight.warning for weight in left.unfit), *(operator.warning for operator in left.coarse)]
    if left.masked:
        said.append(masks.warning(left.masked, word))
    if left.kinds:
        stay = "stays" if len(left.kinds) == 1 else "stay"
        said.append(f"{quoted(left.kinds)} {stay} float: the runtime refuses the {word} form that the quantizer makes")
    return said


def _beyond_float16(request: Request, content: bytes, graph: Graph) -> list[half.Unfit]:
    """The weights that float16 cannot hold, of those that would become float16."""
    unfit = half.unfit(graph)
    if not unfit:
        return []
    made = graphs.read(_quantized(request, content, graph, _recipe(request, graph, ())))
    cast = {t.name for s in made.subgraphs for t in s.tensors if t.constant and t.dtype == "float16"}
    found = [weight for weight in unfit if weight.name in cast]
    if found and cast == {weight.name for weight in found}:
        raise Invalid(f"no weight of the model fits float16: {found[0].why}", "variant.X.quantize")
    return found


def _without(refused: Refused, graph: Graph, request: Request, left: Sequence[str]) -> list[str]:
    """The kinds of operators to leave in float, so that the runtime may take the rest.

    None of a recipe, which says itself what is quantized.
    """
    if request.params["quantize"] == "recipe":
        return []
    there = {operator.name for _, operator in graph.operators()}
    return [o.name for o in refused.operators if o.name in there and o.name not in left]


def _around_masks(request: Request, graph: Graph) -> dict[str, str]:
    """The operators around masks, scope -> kind, which integer kinds leave in float; without those that stay so anyway."""
    bits = _ACTIVATION_BITS.get(request.params["quantize"])
    if bits is None or "ranges" not in request.inputs:
        return {}
    found = masks.operators(graph, request.read_json("ranges"), bits)
    return {s: k for s, k in found.items() if not keeps(request.params["keep_float"], k, s)}


def _quantized(request: Request, content: bytes, graph: Graph, recipe: list[dict[str, Any]]) -> bytes:
    calibration = None
    with _refusals():
        quantizer = _library.quantizer.Quantizer(content, recipe)
        needed = quantizer.need_calibration
    if needed:
        if "ranges" not in request.inputs:
            raise Invalid(
                "the recipe quantizes activations, which takes ranges from representative data",
                "variant.X.quantize",
                "add [calibration]",
            )
        calibration = _calibration(graph, request.read_json("ranges"))
    # It would load the float file, whose custom operators it has no kernels of, to look for ranges that are empty: none is.
    quantizer._ensure_model_qsv_sufficient = lambda _: None
    with _refusals():
        return bytes(quantizer.quantize(calibration, enable_progress_report=False).quantized_model)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever a library raises that fails on a model
        text = " ".join(str(error).split())
        raise Refused(f"litert-quantizer refuses it: {text[:300].rstrip('. ')}") from error


def _check(request: Request, made: bytes, source: Graph) -> None:
    """Raise unless the file is what the spec asks for."""
    word, io = request.params["quantize"], request.params["io"]
    kept = request.params["keep_float"]
    if not quantized_file.is_quantized(graphs.read(made)):
        if word == "recipe":
            raise Invalid("the rules of the recipe quantize nothing in this model", "variant.X.quantize")
        if kept:
            raise Invalid(
                f"{quoted(kept)} {'keep' if len(kept) > 1 else 'keeps'} everything in float that has a quantized form",
                "variant.X.keep_float",
                'leave the variant out, or use quantize = "none"',
            )
    result = quantized_file.check_made(made, word)
    quantized_file.check_custom(result, source)
    if not io:
        return
    try:
        quantized_file.check_ends(result, source, io)
    except Refused as refused:
        if word != "recipe":
            raise
        raise Invalid(refused.reason, "variant.X.io", "it is the recipe that says so: change one of the two") from None


def _recipe(request: Request, graph: Graph, kept: Sequence[str]) -> list[dict[str, Any]]:
    params = request.params
    if params["quantize"] == "recipe":
        recipe = own_recipe.read(request.inputs["recipe"], _library)
    else:
        recipe = _named(params["quantize"], params["granularity"] or "channel", params["io"])
        if params["quantize"] in _ACTIVATION_BITS:
            recipe += _bodies(graph)
        recipe += _left_out(kept)
    return [*recipe, *_kept(params["keep_float"], graph)]


def _named(word: str, granularity: str, io: str) -> list[dict[str, Any]]:
    """The rules of one of the spec's words, in litert-quantizer's own format."""
    axis = {"channel": "CHANNELWISE", "tensor": "TENSORWISE"}[granularity]

    def rule(config: Mapping[str, Any], algorithm: str = "min_max_uniform_quantize", operation: str = "*") -> Any:
        return {"regex": ".*", "operation": operation, "algorithm_key": algorithm, "op_config": dict(config)}

    def weights(bits: int) -> dict[str, Any]:
        return {"num_bits": bits, "symmetric": True, "granularity": axis, "dtype": "INT"}

    match word:
        case "float16":
            half = {"num_bits": 16, "symmetric": True, "granularity": "TENSORWISE", "dtype": "FLOAT"}
            config = {"weight_tensor_config": half, "compute_precision": "FLOAT", "explicit_dequantize": True}
            return [rule(config, "float_casting")]
        case "dynamic-int8" | "dynamic-int4":
            bits = int(word[-1])
            config = {
                "weight_tensor_config": weights(bits),
                "compute_precision": "INTEGER",
                "explicit_dequantize": False,
            }
            if granularity == "channel" or bits == 4:
                return [rule(config)]
            # The runtime's kernel reads a scale for each channel here, whether the file has them or not.
            each = {**config, "weight_tensor_config": {**weights(bits), "granularity": "CHANNELWISE"}}
            return [rule(config), rule(each, operation="DEPTHWISE_CONV_2D")]
        case "weight-only-int8" | "weight-only-int4":
            bits = int(word[-1])
            return [
                rule({"weight_tensor_config": weights(bits), "compute_precision": "FLOAT", "explicit_dequantize": True})
            ]
        case "int8" | "int16x8":
            activation_bits = _ACTIVATION_BITS[word]
            rules = [
                rule(
                    {
                        "activation_tensor_config": {
                            "num_bits": activation_bits,
                            "symmetric": activation_bits == 16,
                            "granularity": "TENSORWISE",
                            "dtype": "INT",
                        },
                        "weight_tensor_config": weights(8),
                        "compute_precision": "INTEGER",
                        "explicit_dequantize": False,
                    }
                )
            ]
            kept = [*left_in_float.COMPUTED_WRONGLY, *(("INPUT", "OUTPUT") if io == "float32" else ())]
            return rules + [rule({}, "no_quantize", operation) for operation in kept]
    raise Refused(f"litert-quantizer has no '{word}'")


def _bodies(graph: Graph) -> list[dict[str, Any]]:
    """Rules that leave the bodies of loops and branches in float: nobody sees their values, so there are no ranges."""
    scopes: dict[str, None] = {}
    for index, subgraph in enumerate(graph.subgraphs):
        if index not in graph.main_subgraphs():
            ends = [Operator("INPUT", 1, (), subgraph.inputs), Operator("OUTPUT", 1, subgraph.outputs, ())]
            scopes |= dict.fromkeys(subgraph.scope(operator) for operator in (*subgraph.operators, *ends))
    return _left_out(scopes)


def _spread(graph: Graph) -> list[str]:
    """The scopes of what is repeated along open dimensions: XNNPACK ends the program on some of these in int8.

    What is computed with them is quantized all the same.
    """
    return [
        subgraph.scope(operator)
        for subgraph, operator in graph.operators()
        if operator.name == "BROADCAST_TO" and -1 in subgraph.tensors[operator.outputs[0]].shape
    ]


def _left_out(scopes: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {"regex": f"^{re.escape(scope)}$", "operation": "*", "algorithm_key": "no_quantize", "op_config": {}}
        for scope in scopes
    ]


def _kept(patterns: Sequence[str], graph: Graph) -> list[dict[str, Any]]:
    """Rules that leave what `patterns` name in float; Invalid where one names nothing."""
    rules = []
    operators = [(operator.name, subgraph.scope(operator)) for subgraph, operator in graph.operators()]
    for pattern in patterns:
        kind = kind_of(pattern)
        if not any(matches(pattern, name, scope) for name, scope in operators):
            raise _matches_nothing(pattern, operators)
        which = {"regex": pattern, "operation": "*"} if kind is None else {"regex": ".*", "operation": kind}
        rules.append({**which, "algorithm_key": "no_quantize", "op_config": {}})
    return rules


def _matches_nothing(pattern: str, operators: Sequence[tuple[str, str]]) -> Invalid:
    kind = kind_of(pattern)
    if kind is not None:
        kinds = sorted({name for name, _ in operators})
        why, hint = f"'{pattern}' matches nothing: the model has no operator {kind}", near_or_all(kind, kinds)
    else:
        names = sorted({name for _, scope in operators for name in scope.split(";") if name})
        why, hint = f"'{pattern}' matches no tensor of the model", near_or_all(pattern, names)
    return Invalid(why, "variant.X.keep_float", hint)


def _calibration(graph: Graph, ranges: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Any]]:
    """Ranges as litert-quantizer takes them: arrays of the tensor's rank."""
    found: dict[str, dict[str, Any]] = {}
    for subgraph in graph.subgraphs:
        for tensor in subgraph.tensors:
            if tensor.name in ranges:
                low, high = ranges[tensor.name]
                shape = (1,) * len(tensor.shape)
                found[tensor.name] = {
                    "min": np.full(shape, low, np.float32),
                    "max": np.full(shape, high, np.float32),
                    "num_samples": np.array(1),
                }
    return found
