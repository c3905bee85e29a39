"""A recipe file of the user's: rules in litert-quantizer's own JSON, every word of which is checked.

The library itself takes a mistyped key of a tensor's configuration for a parameter of the algorithm and says nothing.
Knows the words of litert-quantizer 0.11 by its own types; applying the rules is `quantizer`'s.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tflite_build.engines.contract import Invalid
from tflite_build.engines.words import near_or_all, quoted
from tflite_build.errors import near_miss, one_of

_KEY = "variant.X.quantize"
_RULE_KEYS = ("regex", "operation", "algorithm_key", "op_config")
_BY_SAMPLES = ("GPTQ", "OSCAR")
_TENSORS = ("weight_tensor_config", "activation_tensor_config")
_PARAMETERS = ("block_size", "max_hadamard_size")  # that algorithms have beside the keys of every tensor


def read(path: Path, library: Any) -> list[dict[str, Any]]:
    """The rules in `path`.

    Args:
        path: The user's file.
        library: The package `litert_quantizer`, imported.

    Raises:
        Invalid: If it is no recipe that the library takes.
    """
    name = path.name
    try:
        recipe = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise Invalid(f"'{name}' is not JSON: {error}", _KEY) from error
    if not isinstance(recipe, list) or not all(isinstance(rule, dict) for rule in recipe) or not recipe:
        raise Invalid(
            f"'{name}' is no recipe: a list of rules is needed",
            _KEY,
            "each rule has regex, operation, algorithm_key and op_config, as litert-quantizer writes them",
        )
    for number, rule in enumerate(recipe):
        _check_rule(rule, f"rule {number} of '{name}'", library)
    try:
        manager = library.recipe_manager.RecipeManager()
        manager.load_quantization_recipe(recipe)
    except Exception as error:  # whatever it says of rules that fit its types and not each other
        text = " ".join(str(error).split())
        raise Invalid(
            f"litert-quantizer does not take the rules of '{name}': {text[:300].rstrip('. ')}", _KEY
        ) from error
    return recipe


def _check_rule(rule: Mapping[str, Any], where: str, library: Any) -> None:
    _keys(rule, _RULE_KEYS, where, _RULE_KEYS)
    try:
        re.compile(rule["regex"])
    except (re.error, TypeError) as error:
        raise Invalid(f"the regex of {where} is no regular expression: {error}", _KEY) from None
    types = library.qtyping
    _one_of(rule["operation"], types.TFLOperationName, f"operation of {where}")
    algorithm = rule["algorithm_key"]
    _one_of(algorithm, library.algorithm_manager.AlgorithmName, f"algorithm_key of {where}")
    if algorithm in _BY_SAMPLES:
        raise Invalid(
            f"{where} asks for {algorithm}, which looks at every sample by itself; this tool gives ranges",
            _KEY,
            "use min_max_uniform_quantize, OCTAV or MSE",
        )
    if algorithm != "no_quantize" or rule["op_config"] != {}:  # which needs none, and takes one
        _check_config(rule["op_config"], f"the op_config of {where}", types)


def _check_config(config: Any, where: str, types: Any) -> None:
    _keys(config, [f.name for f in dataclasses.fields(types.OpQuantizationConfig)], where, ("weight_tensor_config",))
    if "compute_precision" in config:
        _one_of(config["compute_precision"], types.ComputePrecision, f"compute_precision in {where}")
    allowed = [f.name for f in dataclasses.fields(types.TensorQuantizationConfig)]
    for tensor in _TENSORS:
        if tensor not in config:
            continue
        inside = f"the {tensor} in {where}"
        given = config[tensor]
        _keys(given, [*allowed, *_PARAMETERS], inside, ("num_bits",))
        for key, words in (("granularity", types.QuantGranularity), ("dtype", types.TensorDataType)):
            if key in given:
                _one_of(given[key], words, f"{key} of {inside}")


def _keys(table: Any, allowed: Collection[str], where: str, needed: Collection[str]) -> None:
    if not isinstance(table, dict):
        raise Invalid(f"{where} has to be a JSON object", _KEY)
    for key in table:
        if key not in allowed:
            raise Invalid(f"{where} has an unknown key '{key}'", _KEY, near_or_all(key, list(allowed)))
    missing = [key for key in needed if key not in table]
    if missing:
        raise Invalid(
            f"{where} has no {quoted(missing)}", _KEY, f"it needs {quoted(needed)}" if len(needed) > 1 else ""
        )


def _one_of(word: Any, words: Any, where: str) -> None:
    """`words` is an enumeration of the library's, whose values stand in recipes."""
    allowed = [str(one.value) for one in words]
    if word not in allowed:
        near = near_miss(str(word), allowed)
        raise Invalid(
            f"the {where} is {json.dumps(word)}, which litert-quantizer does not know",
            _KEY,
            near,
            "" if near else f"it knows {one_of(allowed)}",
        )
