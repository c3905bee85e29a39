"""The models: Keras applications with weights scaled so that outputs mean something. Run under a Keras toolchain.

models.py keras OUT_DIR NAME...      (litert toolchain: NAME.keras)
models.py saved_model OUT_DIR        (tensorflow toolchain: mobilenet/)

`weights=None` would be useless for comparing: the output is uniform and an int8 softmax all zeros. He-scaled kernels and
a jittered batch normalization keep signals alive through the depth of the network, and the last layer is scaled so that
some of 1,000 classes are likely.
"""

import os
import sys
from pathlib import Path

form, out = sys.argv[1], Path(sys.argv[2])
os.environ["KERAS_BACKEND"] = "jax" if form == "keras" else "tensorflow"

import keras  # noqa: E402
import numpy as np  # noqa: E402

CHOICES = {
    "MobileNetV2": lambda: keras.applications.MobileNetV2(weights=None),
    "MobileNetV2_050": lambda: keras.applications.MobileNetV2(weights=None, alpha=0.5),
    "MobileNetV2_128": lambda: keras.applications.MobileNetV2(weights=None, input_shape=(128, 128, 3)),
    "MobileNet": lambda: keras.applications.MobileNet(weights=None),
    "MobileNet_050": lambda: keras.applications.MobileNet(weights=None, alpha=0.5),
    "MobileNetV3Small": lambda: keras.applications.MobileNetV3Small(
        weights=None, include_preprocessing=False, input_shape=(224, 224, 3)
    ),
    "NASNetMobile": lambda: keras.applications.NASNetMobile(weights=None),
    "EfficientNetB0": lambda: keras.applications.EfficientNetB0(weights=None),
}
SPREAD = 2.5  # standard deviation of the logits


def scaled(model):
    rng = np.random.default_rng(0)
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            shapes = [w.shape for w in weights]
            weights = [
                rng.uniform(0.8, 1.2, shapes[0]),
                rng.normal(0, 0.1, shapes[1]),
                rng.normal(0, 0.1, shapes[2]),
                rng.uniform(0.8, 1.2, shapes[3]),
            ]
        elif weights and not isinstance(layer, keras.layers.Normalization):
            weights = [he(w, rng, isinstance(layer, keras.layers.DepthwiseConv2D)) for w in weights]
        else:
            continue
        layer.set_weights(weights)
    decided(model, rng)
    return model


def decided(model, rng):
    """Scale the last layer with weights so that logits differ by a few units."""
    given = rng.normal(size=(2, *model.input_shape[1:])).astype("float32")
    spread = np.log(model.predict(given, verbose=0)).std()
    last = [layer for layer in model.layers if layer.weights][-1]
    last.set_weights([w * SPREAD / spread for w in last.get_weights()])


def he(weight, rng, depthwise):
    if weight.ndim == 4:
        fan = weight.shape[0] * weight.shape[1] * (1 if depthwise else weight.shape[2])
        return rng.normal(0, np.sqrt(2 / fan), weight.shape)
    if weight.ndim == 2:
        return rng.normal(0, np.sqrt(2 / weight.shape[0]), weight.shape)
    return rng.normal(0, 0.01, weight.shape)


out.mkdir(parents=True, exist_ok=True)
if form == "keras":
    for name in sys.argv[3:] or CHOICES:
        keras.utils.clear_session()
        scaled(CHOICES[name]()).save(out / f"{name}.keras")
else:
    import tensorflow as tf

    scaled(CHOICES["MobileNetV2"]()).export(out / "mobilenet")
    signature = tf.saved_model.load(out / "mobilenet").signatures["serving_default"]
    (out / "mobilenet.input").write_text(next(iter(signature.structured_input_signature[1])))
