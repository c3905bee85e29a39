"""Keras models with weights, inputs for them, and what Keras makes of those; run by a toolchain's Python.

    PYTHON keras_models.py FOLDER        gives FOLDER/NAME/model.keras and cases.npz: N/in/INPUT, N/out/OUTPUT

Keras computes them itself, as a user would check; on numpy, which shares nothing with the engines.
"""

import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "numpy"

import keras
import numpy as np
from keras import Input, ops
from keras import layers as L

sys.path.insert(0, str(Path(__file__).parent))
import keras_layers as own

FOLDER = Path(sys.argv[1])
random = np.random.default_rng(0)


def keep(name, model, *shapes, top=4):
    """Save a model with weights that matter, and two cases; `shapes` are those of its inputs, where they are open."""
    for variable in model.weights:
        if "norm" not in variable.path and "seed" not in variable.path:
            variable.assign(random.normal(0, 0.5, variable.shape))
    (FOLDER / name).mkdir(parents=True)
    model.save(FOLDER / name / "model.keras")
    model.save_weights(FOLDER / name / "model.weights.h5")
    tensors = getattr(model, "inputs", None) or [Input(shapes[0][1:], name="x")]  # a subclassed model has none
    names, kinds = [i.name for i in tensors], [i.dtype for i in tensors]
    cases = {}
    for number in range(2):
        given = {}
        for place, (key, kind) in enumerate(zip(names, kinds, strict=True)):
            shape = shapes[number] if shapes else (1, *tensors[place].shape[1:])
            integer = "int" in kind
            value = random.integers(0, top + 1, shape) if integer else random.normal(size=shape)
            given[key] = value.astype(kind)
        cases |= {f"{number}/in/{key}": narrow(value) for key, value in given.items()}
        fed = given if len(given) > 1 else next(iter(given.values()))
        made = model(fed, training=False)
        if not isinstance(made, dict):
            made = dict(zip(model.output_names, keras.tree.flatten(made), strict=True))
        for key, value in made.items():
            cases[f"{number}/out/{key}"] = narrow(ops.convert_to_numpy(value))
    np.savez(FOLDER / name / "cases.npz", **cases)


def narrow(value):
    """As a file has it: 32 bits."""
    return value.astype("int32" if value.dtype.kind in "iu" else "float32")


def convolution():
    x = Input((8, 8, 3), name="image")
    y = L.BatchNormalization()(L.Conv2D(4, 3, padding="same", activation="relu")(x))
    y = L.Concatenate()([L.DepthwiseConv2D(3, padding="same")(y), L.SeparableConv2D(4, 3, padding="same")(y)])
    y = L.Concatenate()([L.MaxPooling2D(3, 2, padding="same")(y), L.AveragePooling2D(3, 2, padding="same")(y)])
    y = L.UpSampling2D(2, interpolation="bilinear")(L.Conv2D(4, 2, groups=2)(y))
    keep("convolution", keras.Model(x, L.Dense(3, activation="softmax", name="scores")(L.GlobalAveragePooling2D()(y))))


def zoo():
    """Layers with seeds, states and values of their own."""
    norm = L.Normalization(name="norm_in")
    norm.adapt(random.normal(3, 2, (50, 8, 8, 3)))
    x = Input((8, 8, 3), name="x")
    y = L.GaussianNoise(0.1)(L.RandomFlip()(norm(x)))
    y = L.SpectralNormalization(L.Conv2D(4, 3), name="norm_spectral")(L.Dropout(0.5)(y))
    y = L.Reshape((36, 4))(y)
    y = L.LayerNormalization(name="norm_layer")(L.MultiHeadAttention(2, 4, dropout=0.1)(y, y))
    keep("zoo", keras.Model(x, L.Dense(2, name="o")(L.Flatten()(y))))


def transposed():
    x = Input((8, 8, 2), name="image")
    keep("transposed", keras.Model(x, L.Conv2DTranspose(3, 3, strides=2, padding="same", name="up")(x)))


def recurrent():
    x = Input((6,), dtype="int32", name="ids")
    y = L.Bidirectional(L.LSTM(4))(L.Embedding(5, 3, mask_zero=True)(x))
    keep("lstm", keras.Model(x, L.Dense(2, name="o")(y)))
    x = Input((6, 3), name="x")
    keep("loops", keras.Model(x, {"gru": L.GRU(4)(x), "rnn": L.SimpleRNN(4)(x), "unrolled": L.GRU(4, unroll=True)(x)}))
    x = Input((None, 3), name="x")
    keep("open_lstm", keras.Model(x, L.LSTM(4, return_sequences=True, name="o")(x)), (1, 3, 3), (2, 7, 3))


def operations():
    x = Input((8,), name="x")
    keep("sorted", keras.Model(x, {"sorted": ops.sort(x)}))
    values, _ = ops.top_k(x, 3)
    keep("spectrum", keras.Model(x, {"real": ops.rfft(x)[0], "top": values, "places": ops.top_k(x, 2)[1]}))
    keep("fft", keras.Model(x, {"real": ops.fft((x, x))[0]}))


def types():
    x = Input((6,), name="x")
    keep("mixed_float16", keras.Model(x, L.Dense(3, name="o", dtype="mixed_float16")(x)))
    keep("mixed_bfloat16", keras.Model(x, L.LSTM(3, name="o", dtype="mixed_bfloat16")(L.Reshape((3, 2))(x))))
    keep("bfloat16", keras.Model(x, L.Dense(3, name="o", dtype="bfloat16")(x)))
    x = Input((6,), name="x", dtype="float64")
    keep("float64", keras.Model(x, L.Dense(3, name="o", dtype="float64")(x)))
    x = Input((6,), name="x", dtype="int64")
    keep("int64", keras.Model(x, L.Embedding(5, 3, name="o")(x)))
    (FOLDER / "int64_wanted").mkdir()
    for file in (FOLDER / "int64").iterdir():
        (FOLDER / "int64_wanted" / file.name).write_bytes(file.read_bytes())


def signatures():
    a, b, c = Input((4,), name="a"), Input((3,), name="b", dtype="int32"), Input((2,), name="c")
    outputs = {"p": L.Dense(2)(a), "q": L.Embedding(5, 2)(b)}
    keep("dicts", keras.Model({"a": a, "b": b, "c": c}, outputs))  # c is not used
    x = Input((4,), name="x")
    keep("identity", keras.Model(x, [x, L.ReLU(name="relu")(x)]))
    x = Input((None, 4), name="x")
    y = L.GlobalAveragePooling1D()(L.Conv1D(3, 3, padding="same")(x))
    keep("open", keras.Model(x, L.Dense(2, name="o")(y)), (1, 3, 4), (5, 9, 4))
    x = Input((None, 8), name="x")
    y = L.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    keep("causal", keras.Model(x, L.Dense(2, name="o")(y)), (1, 3, 8), (1, 7, 8))
    x = Input((None, None, 3), name="image")
    keep("undeclared", keras.Model(x, L.GlobalAveragePooling2D(name="o")(x)), (1, 2, 3, 3), (1, 3, 3, 3))
    x = Input((3,), name="words", dtype="string")
    (FOLDER / "strings").mkdir()
    keras.Model(x, L.Identity(name="same")(x)).save(FOLDER / "strings" / "model.keras")
    x = Input((3,), name="x", dtype="int32")
    keep("tensorflow_only", keras.Model(x, L.Discretization([1.0, 3.0], name="bins")(ops.cast(x, "float32"))))


def code():
    x = Input((4,), name="x")
    keep("lambda", keras.Model(x, L.Lambda(lambda v: v * 2 + 1, name="twice")(x)))
    keep("custom", keras.Model(x, own.Loops(name="loops")(own.Scale()(x))))
    keep("written", own.build())
    model = own.Two(3)
    model(np.zeros((1, 4), "float32"))
    keep("subclassed", model, (1, 4), (1, 4))


for make in (convolution, zoo, transposed, recurrent, operations, types, signatures, code):
    make()
