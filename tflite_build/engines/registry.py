"""Every kind of step that an engine process can do, in one table: kind -> module with a `run(request)`.

It returns an `Answer`, or None. Modules are imported when first asked for, so that a process pays only for what it does.
"""

from __future__ import annotations

STEPS: dict[str, str] = {
    # source -> what `init` and a converter read
    "look.keras": "sources.look",
    "lower.keras": "sources.keras_jax",
    "lower.jax": "sources.jax_function",
    "lower.tensorflow": "sources.keras_tensorflow",
    "lower.function": "sources.tf_function",
    # what the source computes, on given samples
    "reference.stablehlo": "sources.stablehlo_reference",
    "reference.saved_model": "sources.saved_model_reference",
    # -> float .tflite
    "convert.litert": "converters.litert_convert",
    "convert.tensorflow": "converters.saved_model",
    # on .tflite files
    "adopt": "variants.adopt",
    "preprocess": "preprocessing.preprocess",
    "samples": "variants.samples",
    "unroll": "variants.unrolled",
    "calibrate": "variants.calibrate",
    "quantize.litert": "variants.quantizer",
    "quantize.tensorflow": "variants.tf_quantizer",
    "compare": "checks.compare",
    "accuracy": "checks.accuracy",
    "layers": "checks.layers",
    "execute": "checks.execute",
    "timing": "checks.timing",
    "goldens": "checks.goldens",
    "outputs": "checks.outputs",
}
