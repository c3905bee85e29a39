"""The peer: what a plain TensorFlow script does to get the four files. Run under the tensorflow toolchain.

baseline.py keras|saved_model MODEL CALIBRATION.npz OUT_DIR
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

kind, model, calibration, out = sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])
samples = next(iter(np.load(calibration).values()))
loaded = tf.keras.models.load_model(model, compile=False) if kind == "keras" else None


def converter():
    if loaded is not None:
        return tf.lite.TFLiteConverter.from_keras_model(loaded)
    return tf.lite.TFLiteConverter.from_saved_model(model)


def representative():
    for sample in samples:
        yield [sample[None]]


out.mkdir(parents=True, exist_ok=True)
for name in ("float32", "float16", "dynamic-int8", "int8"):
    c = converter()
    if name != "float32":
        c.optimizations = [tf.lite.Optimize.DEFAULT]
    if name == "float16":
        c.target_spec.supported_types = [tf.float16]
    if name == "int8":
        c.representative_dataset = representative
        c.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    (out / f"{name}.tflite").write_bytes(c.convert())
