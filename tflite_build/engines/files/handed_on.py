"""Which operators hand the values of their inputs on unchanged, to other places or as another type.

Their further inputs say which values and where, and are no values themselves. Knows the kinds of operators and no files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tflite_build.engines.files.graph import Operator

# Which inputs the values are; None is all of them.
_VALUES: Mapping[str, tuple[int, ...] | None] = {
    "BROADCAST_TO": (0,),
    "CAST": (0,),
    "CONCATENATION": None,
    "EXPAND_DIMS": (0,),
    "FILL": (1,),
    "GATHER": (0,),
    "GATHER_ND": (0,),
    "PACK": None,
    "RESHAPE": (0,),
    "SELECT": (1, 2),
    "SELECT_V2": (1, 2),
    "SLICE": (0,),
    "SPLIT": (1,),
    "SQUEEZE": (0,),
    "STRIDED_SLICE": (0,),
    "TILE": (0,),
    "TRANSPOSE": (0,),
    "UNPACK": (0,),
}
KINDS = _VALUES.keys()


def values(operator: Operator) -> Sequence[int] | None:
    """The inputs whose values the outputs hold; None where the operator computes values of its own."""
    if operator.custom or operator.name not in _VALUES:
        return None
    places = _VALUES[operator.name]
    return operator.inputs if places is None else [operator.inputs[place] for place in places]
