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
from typing import Any

import numpy as np

from tflite_build.engines.contract import Answer, Invalid, Refused, Request
from tflite_build.engines.files import graph as graphs
from tflite_build.engines.files.graph import Graph, Operator
from tflite_build.engines.files.runner import Runner
from tflite_build.engines.words import near_or_all, quoted

from . import counts, divisions, half, left_in_float, masks, own_recipe, proportion, quantized_file, repacking
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


def run(request: Request) -> Answer:
    """Write `model.tflite`.

    Raises:
        Invalid: If the recipe is wrong, a `keep_float` pattern matches nothing, or the file is quantized already.
        Refused: If the library cannot, or the runtime does not load what it made.
    """
    content = request.inputs["model"].read_bytes()
    graph = graphs.read(content)
    quantized_file.check_source(graph)
    own = {name: t.name for s, names in zip(graph.subgraphs, graph.unique_names(), strict=True)
           for t, name in zip(s.tensors, names, strict=True)}  # fmt: skip
    shared = any(name != before for name, before in own.items())
    if shared:  # the library tells tensors apart by their names, over all signatures
        content = repacking.with_names(content, graph.unique_names())
        graph = graphs.read(content)
    word = request.params["quantize"]
    unfit = _beyond_float16(request, content, graph) if word == "float16" else []
    exact = [scope for weight in unfit for scope in weight.scopes]
    integer = word in _ACTIVATION_BITS
    if integer:
        ranges = request.read_json("ranges")
        divided = divisions.operators(graph, ranges, _ACTIVATION_BITS[word])
        exact = [*counts.operators(graph), *divided, *masks.idle_clamps(graph), *_spread(graph)]
    masked = _around_masks(request, graph)
    left: list[str] = []  # kinds of operators whose quantized form the runtime refuses
    coarse: list[Coarse] = []
    while True:
        recipe = _recipe(request, graph, [*exact, *masked]) + _kept([f"op:{kind}" for kind in left], graph)
        made = _quantized(request, content, graph, recipe)
        if shared:
            made = repacking.with_names(
                made, [[own.get(t.name, t.name) for t in s.tensors] for s in graphs.read(made).subgraphs]
            )
        if request.params["io"] == "uint8":
            made = with_unsigned_ends(made)
        runner = Runner(made)  # by its verifier, before anything else reads the file
        _check(request, made, graph)
        try:
            runner.load()
            break
        except Refused as refused:
            beyond = [o for o in proportion.operators(graphs.read(made)) if o.scope not in exact] if integer else []
            more = _without(refused, graph, request, left)
            if more and integer and not request.params.get("partly"):  # TensorFlow's quantizer may have another form
                refused.alternative, more = "litert-partly", []
            if not (beyond or more):
                raise
            coarse += beyond
            exact += [o.scope for o in beyond]
            left += more
    (request.outputs / "model.tflite").write_bytes(made)
    asked = [*request.params["keep_float"], *(f"op:{kind}" for kind in left)]
    said = left_in_float.warnings(graphs.read(made), word, asked, {*exact, *masked})
    said += [*(weight.warning for weight in unfit), *(operator.warning for operator in coarse)]
    if masked:
        said.append(masks.warning(masked, word))
    if left:
        stay = "stays" if len(left) == 1 else "stay"
        said.append(f"{quoted(left)} {stay} float: the runtime refuses the {word} form that the quantizer makes")
    return Answer(warnings=said)


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
    patterns = [p for p in request.params["keep_float"] if not p.startswith("op:")]
    kinds = {p[3:] for p in request.params["keep_float"] if p.startswith("op:")}
    return {s: k for s, k in found.items() if k not in kinds and not any(re.search(p, s) for p in patterns)}


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
    """Rules that leave what `patterns` name in float."""
    rules = []
    operators = list(graph.operators())
    kinds = sorted({operator.name for _, operator in operators})
    scopes = [subgraph.scope(operator) for subgraph, operator in operators]
    for pattern in patterns:
        if pattern.startswith("op:"):
            kind = pattern[3:]
            if kind not in kinds:
                raise Invalid(
                    f"'{pattern}' matches nothing: the model has no operator {kind}",
                    "variant.X.keep_float",
                    near_or_all(kind, kinds),
                )
            rules.append({"regex": ".*", "operation": kind, "algorithm_key": "no_quantize", "op_config": {}})
            continue
        if not any(re.search(pattern, scope) for scope in scopes):
            names = sorted({name for scope in scopes for name in scope.split(";") if name})
            raise Invalid(
                f"'{pattern}' matches no tensor of the model", "variant.X.keep_float", near_or_all(pattern, names)
            )
        rules.append({"regex": pattern, "operation": "*", "algorithm_key": "no_quantize", "op_config": {}})
    return rules


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
