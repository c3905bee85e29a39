"""Values of vocabularies, alone, in sequences and in groups: through Python, Kotlin and Swift to the same ids."""

from __future__ import annotations

import pytest
from kinds_bed import Apps, jax_model

CODE = """
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)
random = np.random.default_rng(4)
TABLE = jnp.asarray(random.normal(size=(40, 6)).astype("f"))
WEIGHTS = jnp.asarray(random.normal(size=(6, 3)).astype("f"))

def recommend(user, gender, age, liked, count, place, now):
    who = TABLE[user] + TABLE[gender] + age / 30
    what = TABLE[liked].sum(1) / (count.astype("float32")[:, None] + 1)
    return {"best": (who + what + place + TABLE[now].sum(1)) @ WEIGHTS}

def odd(a, b):
    return {"y": a[:, None] * 2 + b}
"""
INPUT = '[input."{0}"]\ndtype = "{1}"\nshape = {2}\n'
ARGUMENT = '[argument."{0}"]\nkind = "categorical"\ninput = "{1}"\n'
FILMS = "".join(
    f"{name}\n" for name in ["Ran", "Dune", "cafe\u0301", "café", "", "Mein Nachbar\u2028Totoro", '"Up" $x']
)
MODELS = {
    "recommender": jax_model(
        CODE,
        "recommend",
        INPUT.format("user", "int32", [1])
        + INPUT.format("gender", "int64", [1])
        + INPUT.format("age", "float32", [1])
        + INPUT.format("liked", "int64", [1, 5])
        + INPUT.format("count", "int64", [1])
        + INPUT.format("place", "float32", [1])
        + INPUT.format("now", "int32", [1, 3])
        + ARGUMENT.format("id", "user")
        + 'group = "user"\n'
        + ARGUMENT.format("gender", "gender")
        + 'vocabulary = ["female", "male", "other"]\nfirst = 2\noov = 1\ngroup = "user"\n'
        + '[argument.age]\nkind = "tensor"\ninput = "age"\ngroup = "user"\ndescription = "Years."\n'
        + ARGUMENT.format("liked", "liked")
        + 'lengths = "count"\nvocabulary = "films.txt"\nfirst = 1\nkeep = "last"\nmax_length = 5\n'
        + ARGUMENT.format("place", "place")
        + "vocabulary = [-7, 4, 30000000000]\n"
        + ARGUMENT.format("now", "now")
        + "padding = 9\n",
        {"films.txt": FILMS},
    ),
    # A group that is called as what it has, as a class of the languages' and as nothing that is a name.
    "odd": jax_model(
        CODE,
        "odd",
        INPUT.format("a", "float32", [1])
        + INPUT.format("b", "float32", [1, 2])
        + ARGUMENT.format("String", "a")
        + 'group = "string"\nvocabulary = ["a\\"\\\\$b", "*/", "日本"]\n'
        + ARGUMENT.format("日本", "b")
        + 'group = "string"\nvocabulary = ["x"]\noov = 5\n',
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_kotlin_gives_what_python_does(name: str, apps: Apps) -> None:
    assert len(apps.kotlin_tests(name)) == 3


@pytest.mark.parametrize("name", MODELS)
def test_swift_gives_what_python_does(name: str, apps: Apps) -> None:
    assert len(apps.swift_tests(name)) == 3


def test_the_formatter_finds_nothing(apps: Apps) -> None:
    apps.check_format()
