"""Models whose code is generated for apps: every fixture, kind of input and awkward name, for each language that is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from harness import Workshop

FIXTURES = Path(__file__).resolve().parent / "fixtures" / "tflite"
TFLITE = 'format = "tflite"\npath = "m.tflite"\n'
CLASSES = '[output.probabilities]\ncontent = "classes"\n'
JAX = """
import jax.numpy as jnp
import numpy as np

w = np.random.default_rng(0).normal(size=(3, 5)).astype("f")

def two(x, y):
    return {"a": x * 2, "b": x * 3 + y}

def many(x):
    return {"scores": x}

def picture(image):
    return {"scores": image.mean((1, 2)) @ w[: image.shape[-1]], "twice": image * 2}

def pixels(image):
    return {"scores": image.astype("float32").mean((1, 2)) @ w}

def planes(image):
    return {"out": image.mean((2, 3))}

def sound(wave):
    return {"energy": (wave.reshape(-1, 100) ** 2).mean(-1)}

def pair(a, b, n):
    return {"z": a.mean((1, 2)) + b.mean((1, 2)), "m": n + 1}

def wide(ids, flags, n):
    return {"sum": ids.astype("float32") * 2, "not": ~flags, "next": n + 1, "half": n * 0.5, "all": flags.all()}

def alike(c_a):
    return {"y": c_a * 2}

def alike_c(a):
    return {"y": a * 3}

def windows(x):
    import jax
    return {"y": jax.lax.conv_general_dilated(x, w3, (1,), "VALID", dimension_numbers=("NWC", "WIO", "NWC"))}

w3 = np.random.default_rng(1).normal(size=(3, 4, 5)).astype("f")
"""
IMAGE = '[input.image]\ndtype = "float32"\ncontent = "image"\n'
# The fixtures.
FILES = (
    "float32",
    "float16",
    "dynamic-int8",
    "int8",
    "int16x8",
    "two-signatures",
    "dynamic-shape",
    "no-signature",
    "variable",
)
QUANTIZED_INPUT = (
    f'{CLASSES}[variant.int8]\nquantize = "int8"\nio = "uint8"\n[calibration]\ndata = "data.npz"\n'  # of uint8
)
# Name -> the function of JAX, and what the spec says beside the app's table.
FUNCTIONS = {
    "rgb": ("picture", IMAGE + 'shape = [1, 16, 20, 3]\nmean = [120, 110, 100]\nstd = [60, 61, 62]\nfit = "crop"\n'
            '[output.scores]\ncontent = "classes"\nactivation = "softmax"\n'),
    "bgr": ("picture", IMAGE + 'shape = [1, 12, 12, 3]\ncolor_space = "bgr"\nfit = "letterbox"\nfill = [10, 20, 30]\n'
            'resize = "area"\nstd = 255\n'),
    "grey": ("picture", IMAGE + "shape = [1, 28, 28, 1]\ninvert = true\nstd = 255\nantialias = true\n"),
    "raw": ("pixels", '[input.image]\ndtype = "uint8"\ncontent = "image"\nshape = [1, 12, 12, 3]\nresize = "nearest"\n'),
    "chw": ("planes", IMAGE + "shape = [1, 3, 10, 14]\nstd = 127.5\nmean = 127.5\n"),
    "sound": ("sound", '[input.wave]\ndtype = "float32"\nshape = [1, 800]\ncontent = "audio"\nsample_rate = 8000\n'),
    "pair": ("pair", "".join(f'[input.{n}]\ndtype = "float32"\ncontent = "image"\nshape = [1, 8, 8, 3]\nstd = 255\n'
                             for n in "ab") + '[input.n]\ndtype = "int32"\nshape = [4]\n'),
    "wide": ("wide", '[input.ids]\ndtype = "int32"\nshape = ["n", 2]\nsizes.n = [3, 5]\n[input.flags]\ndtype = "bool"\n'
             'shape = [3]\n[input.n]\ndtype = "int32"\nshape = []\n'),
    # Its tensors cannot be as small as they are before they are resized.
    "windows": ("windows", '[input.x]\ndtype = "float32"\nshape = [1, "n", 4]\nsizes.n = [5, 7]\n'),
}  # fmt: skip
NAMES = {
    "a": "class",
    "b": "1st place",
    "c": "größe/Ünits",
    "d": 'x"); System.exit(1) //',
    "e": "*/ fun evil() {} /*",
    "f": "${'$'}{evil()}",
    "g": "CLASS",
    "h": "日本",
    "i": "rotation",
    "j": "toString",
    "k": "\\u0022 \\n",
}
LABELS = ['a"', "$b", "${c}", "*/", "\\", "\u2028e", "日本", "", " ", "a\tb"]
HOSTILE = f"""
def hostile(x, y):
    return {{{", ".join(f'"{n}": x[:, {i}] + y' for i, n in enumerate(NAMES))}, "scores": x}}
"""


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def hostile_spec() -> str:
    spec = '[input.fun]\nfrom = "x"\ndtype = "float32"\nshape = [1, 11]\ndescription = "*/ @param [x] ${y}"\n'
    spec += '[input."val val"]\nfrom = "y"\ndtype = "float32"\nshape = [1]\n'
    for own, name in NAMES.items():
        spec += f"[output.{quoted(name)}]\nfrom = {quoted(own)}\ndescription = {quoted(name)}\n"
    return spec


# All models of `Models.all`.
EACH = [*FILES, *FUNCTIONS, "alike", "predict_result", "signed", "file", "unsigned", "hostile", "labels", "many", "two"]


class Models:
    """Models in a workshop.

    Args:
        app: The table of a model's app: of its name, and further keys.
    """

    def __init__(self, shop: Workshop, app: Callable[[str, str], str]) -> None:
        self._shop = shop
        self._app = app
        self._image = np.random.default_rng(0).normal(size=(20, 8, 8, 2)).astype("f")

    def tflite(self, name: str, fixture: str, spec: str = "", more: str = "") -> None:
        """A model that is a fixture."""
        folder = self._shop.model(name, TFLITE + spec + self._app(name, more), image=self._image)
        shutil.copy(FIXTURES / f"{fixture}.tflite", folder / "m.tflite")

    def jax(self, name: str, function: str, spec: str = "", more: str = "") -> None:
        """A model that is a function of JAX."""
        self._shop.model(
            name, f'format = "jax"\nentry = "model.py:{function}"\n{spec}{self._app(name, more)}', {"model.py": JAX}
        )

    def also(self, name: str, own: str, runtime: str) -> None:
        """The model `own` once more, with a table [runtime]."""
        if own in FUNCTIONS:
            self.jax(name, FUNCTIONS[own][0], FUNCTIONS[own][1] + runtime)
        else:
            self.tflite(name, *(("float32", QUANTIZED_INPUT + runtime) if own == "unsigned" else (own, runtime)))

    def all(self, delivered: str) -> None:
        """Those of `EACH`; `delivered` is what the table of the one says whose file the app brings."""
        for name in FILES:
            self.tflite(name, name)
        for name, (function, spec) in FUNCTIONS.items():
            self.jax(name, function, spec)
        self.tflite("file", "float32", "", delivered)
        self.tflite("unsigned", "float32", QUANTIZED_INPUT)
        labels = '[output.probabilities]\ncontent = "classes"\nlabels = { default = "l.txt", de = "l.txt" }\n'
        self.tflite("labels", "float32", labels + "description = 'A */ \"class\" ${of} $it.'\n")
        (self._shop.folder / "labels" / "l.txt").write_text("\n".join(LABELS[:6]) + "\n", "utf-8")
        self._many()
        some = '[input.x]\ndtype = "float32"\nshape = [1, 4]\n'
        limits = ("score_threshold = 0.5\nmax_results = 1\n", "")
        outputs = "".join(f'[output.{n}]\ncontent = "classes"\n{limit}' for n, limit in zip("ab", limits, strict=True))
        of_result = '[input.aMaxResults]\nfrom = "y"\ndtype = "float32"\nshape = []\n'  # as the parameter of a result
        self.jax("two", "two", some + of_result + outputs)
        self.jax("predict_result", *FUNCTIONS["bgr"])  # as what it gives
        signatures = "".join(
            f'[source.signature.{own}]\nentry = "model.py:{function}"\n'
            f'[signature.{own}.input.{given}]\ndtype = "float32"\nshape = [2]\n'
            for own, function, given in (("b", "alike", "c_a"), ("b_c", "alike_c", "a"))
        )
        self._shop.model("alike", f'format = "jax"\n{signatures}{self._app("alike", "")}', {"model.py": JAX})
        pictures = "".join(  # which have methods for those of the platform, with parameters of their own
            f'[source.signature.{own}]\nentry = "model.py:picture"\n[signature.{own}.input.image]\ndtype = "float32"\n'
            'content = "image"\nshape = [1, 8, 8, 3]\nstd = 255\n'
            for own in ("image", "pixelBuffer", "bitmap", "orientation")
        )
        self._shop.model("signed", f'format = "jax"\n{pictures}{self._app("signed", "")}', {"model.py": JAX})
        self._shop.model(
            "hostile",
            f'format = "jax"\nentry = "model.py:hostile"\n{hostile_spec()}{self._app("hostile", "")}',
            {"model.py": HOSTILE},
        )

    def build(self) -> None:
        """Build all there are."""
        said = self._shop.build()
        assert all(model.ok for model in said.values()), [model.told for model in said.values() if not model.ok]

    def _many(self) -> None:
        labels = {f"{locale}.txt": "".join(f"{locale} {i}\n" for i in range(21_843)) for locale in ("en", "de", "fr")}
        languages = 'default = "en.txt", de = "de.txt", fr = "fr.txt"'
        self._shop.model(
            "many",
            'format = "jax"\nentry = "model.py:many"\n[input.x]\ndtype = "float32"\nshape = [1, 21843]\n'
            f'[output.scores]\ncontent = "classes"\nlabels = {{ {languages} }}\n{self._app("many", "")}',
            {"model.py": JAX, **labels},
        )
