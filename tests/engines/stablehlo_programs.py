"""One JAX function for each operation that JAX lowers to: their programs as the tool writes them, and all as text.

    PYTHON stablehlo_programs.py FOLDER         with the Python of the toolchain `litert` and the tool on its path

Gives FOLDER/NAME/chosen and FOLDER/NAME/text (see `lowered`), and operations.json: all that the dialects have.
"""

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy import special
from jaxlib.mlir.dialects import chlo, stablehlo

from tflite_build.engines.contract import TensorSpec
from tflite_build.engines.sources import lower_stablehlo
from tflite_build.engines.sources.lower_stablehlo import Program

FLOAT, IMAGE, INTEGER = ((4, 4), "float32"), ((1, 6, 6, 2), "float32"), ((4, 4), "int32")
UNARY = """
    abs neg sign floor ceil exp expm1 log log1p logistic tanh sin cos tan sqrt rsqrt cbrt is_finite erf erf_inv lgamma
    digamma acos asin atan acosh asinh atanh sinh cosh square bessel_i1e erfc
"""
BINARY = "add sub mul div rem pow atan2 max min nextafter complex"
BITS = "bitwise_and bitwise_or bitwise_xor shift_left shift_right_arithmetic shift_right_logical mulhi"
KERNEL = np.ones((3, 3, 2, 4), "float32")
DIMS = ("NHWC", "HWIO", "NHWC")


def window(x, combine, start):
    return lax.reduce_window(x, start, combine, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def slices(x, i):
    return lax.dynamic_update_slice(x, lax.dynamic_slice(x, (i[0, 0], 1), (2, 2)), (0, 0))


PROGRAMS = {
    **{name: (getattr(lax, name), [FLOAT]) for name in UNARY.split()},
    **{name: (getattr(lax, name), [FLOAT, FLOAT]) for name in BINARY.split()},
    **{name: (getattr(lax, name), [INTEGER, INTEGER]) for name in BITS.split() },
    "round_even": (lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), [FLOAT]),
    "round_away": (lambda x: lax.round(x, lax.RoundingMethod.AWAY_FROM_ZERO), [FLOAT]),
    "not": (lax.bitwise_not, [INTEGER]),
    "popcnt": (lax.population_count, [INTEGER]),
    "clz": (lax.clz, [INTEGER]),
    "compare_select": (lambda x, y: lax.select(x > y, x, y), [FLOAT, FLOAT]),
    "clamp": (lambda x: lax.clamp(0.0, x, 1.0), [FLOAT]),
    "convert": (lambda x: x.astype(jnp.int8), [FLOAT]),
    "bitcast": (lambda x: lax.bitcast_convert_type(x, jnp.int32), [FLOAT]),
    "precision": (lambda x: lax.reduce_precision(x, 5, 10), [FLOAT]),
    "barrier": (lax.optimization_barrier, [FLOAT]),
    "shapes": (lambda x: jnp.flip(jnp.pad(x.T.reshape(2, 8), 1)[:2, ::2] + jnp.arange(5.0), 0), [FLOAT]),
    "concatenate": (lambda x: jnp.concatenate([x, x]), [FLOAT]),
    "slices": (slices, [FLOAT, INTEGER]),
    "dot": (lambda x: x @ x, [FLOAT]),
    "batched_dot": (lambda x: jnp.einsum("bij,bkj->bik", x, x), [((2, 3, 4), "float32")]),
    "convolution": (lambda x: lax.conv_general_dilated(x, KERNEL, (2, 2), "SAME", dimension_numbers=DIMS), [IMAGE]),
    "transposed": (lambda x: lax.conv_transpose(x, KERNEL, (2, 2), "SAME", dimension_numbers=DIMS), [IMAGE]),
    "reduce": (lambda x: (x.sum(0), x.max(1), jnp.argmax(x, 1), x.prod(), (x > 0).all()), [FLOAT]),
    "reduce_window": (lambda x: (window(x, lax.max, -np.inf), window(x, lax.add, 0.0)), [IMAGE]),
    "cumulated": (lambda x: jnp.cumsum(x, 1), [FLOAT]),
    "select_and_scatter": (jax.grad(lambda x: window(x, lax.max, -np.inf).sum()), [IMAGE]),
    "gather": (lambda x, i: jnp.take(x, i % 4, axis=0), [FLOAT, INTEGER]),
    "scatter": (lambda x, i: (x.at[i[0] % 4].set(1.0), x.at[i[0] % 4].add(2.0)), [FLOAT, INTEGER]),
    "sort": (lambda x: lax.sort((x, x), dimension=1), [FLOAT]),
    "top_k": (lambda x: lax.top_k(x, 2), [FLOAT]),
    "while": (lambda x: lax.while_loop(lambda v: v.sum() < 9, lambda v: v + 1, x), [FLOAT]),
    "scan": (lambda x: lax.scan(lambda c, v: (c + v, c * v), jnp.zeros(4), x), [FLOAT]),
    "cond": (lambda x: lax.cond(x.sum() > 0, lambda v: v + 1, lambda v: v * 2, x), [FLOAT]),
    "switch": (lambda x, i: lax.switch(i[0, 0], [lambda v: v, lambda v: v + 1, lambda v: v * 2], x), [FLOAT, INTEGER]),
    "fft": (lambda x: jnp.fft.rfft(x).real + jnp.fft.fft(x).imag[:, :3], [FLOAT]),
    "cholesky": (lax.linalg.cholesky, [FLOAT]),
    "triangular": (lambda x: lax.linalg.triangular_solve(x, x, left_side=True), [FLOAT]),
    "eigh": (jnp.linalg.eigh, [FLOAT]),
    "bits": (lambda x: lax.rng_bit_generator(x.astype(jnp.uint32)[0], (4,)), [INTEGER]),
    "random": (lambda x: x + jax.random.normal(jax.random.key(1), x.shape), [FLOAT]),
    "special": (lambda x: (special.polygamma(1, x), special.zeta(x + 2, 1.0), special.gammaln(x)), [FLOAT]),
    "types": (lambda x: (x.astype(jnp.bfloat16) * 2, x.astype(jnp.float16), x.astype(jnp.uint8), x > 0), [FLOAT]),
    "constants": (lambda x: x + np.arange(16, dtype="float32").reshape(4, 4) + np.float32(0.1), [FLOAT]),
    "composite": (lax.composite(lambda x: x * 2 + 1, "team.twice"), [FLOAT]),
    "called": (lambda x: jax.nn.gelu(jax.nn.relu(x)) + jax.nn.softmax(x), [FLOAT]),
}  # fmt: skip


def main(folder: Path) -> None:
    chosen = lower_stablehlo.needs_text
    for name, (function, given) in PROGRAMS.items():
        inputs = tuple(TensorSpec(f"i{n}", shape, dtype) for n, (shape, dtype) in enumerate(given))

        def flat(*tensors, function=function):
            leaves = jax.tree.leaves(function(*tensors))
            return [(f"o{n}", leaf) for n, leaf in enumerate(leaves)]

        for form, needs_text in (("chosen", chosen), ("text", lambda _: True)):
            lower_stablehlo.needs_text = needs_text
            (folder / name).mkdir(parents=True, exist_ok=True)
            lower_stablehlo.lower([Program("serving_default", flat, inputs)], folder / name / form, False)
    classes = [value for module in (stablehlo, chlo) for value in vars(module).values()]
    names = {c.OPERATION_NAME for c in classes if isinstance(getattr(c, "OPERATION_NAME", None), str)}
    (folder / "operations.json").write_text(json.dumps(sorted(names)))


main(Path(sys.argv[1]))
