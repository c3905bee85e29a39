"""Arguments that are texts or values of vocabularies, and do not fit: each told at its key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Ran, Said
from kinds_bed import Model, build, jax_model

CODE = """
import jax.numpy as jnp
import numpy as np

TABLE = jnp.asarray(np.ones((6, 3), "f"))

def looked_up(ids, mask):
    return {"y": TABLE[ids].mean(1) + mask.astype("float32").mean()}

def summed(ids, mask):
    return {"y": ids.astype("float32").sum(1) + mask.astype("float32").sum()}
"""
BERT = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n"
FILES: dict[str, str | bytes] = {
    "bert.txt": BERT,
    "twice.txt": f"{BERT}b\na\n",
    "trimmed.txt": f"{BERT}a \u2003\n",
    "empty_line.txt": f"{BERT}\nb\n",
    "lacking.txt": "[PAD]\n[UNK]\na\n",
    "large.txt": f"{BERT}b\nc\n",
    "latin.txt": b"[PAD]\n\xe4\n",
    "words.txt": "<PAD> 0\n<UNKNOWN> 1\na 2\n",
    "no_ids.txt": "<PAD> 0\n<UNKNOWN>\n",
    "no_pad.txt": "<START> 0\n<UNKNOWN> 1\n",
    "spiece.model": b"model",
    "films.txt": "Ran\nDune\nRan\n",
    "none.txt": "",
}


def model(
    keys: str, kind: str = "text", ids: str = "int32", shape: str = "[1, 8]", function: str = "summed", said: str = ""
) -> Model:
    inputs = f'[input.ids]\ndtype = "{ids}"\nshape = {shape}\n{said}[input.mask]\ndtype = "int32"\nshape = [1, 4]\n'
    return jax_model(CODE, function, f'{inputs}[argument.x]\nkind = "{kind}"\n{keys}', FILES)


def text(tokenizer: str, roles: str = "", **given: Any) -> Model:
    return model(f'ids = "ids"\n{roles}tokenizer = {{ {tokenizer} }}\n', **given)


def vocab(name: str, more: str = "", **given: Any) -> Model:
    return text(f'type = "bert", vocab = "{name}.txt"{more}', **given)


def regex(pattern: str, file: str = "words.txt") -> Model:
    return text(f"type = \"regex\", vocab = \"{file}\", pattern = '''{pattern}'''")


def category(keys: str, **given: Any) -> Model:
    return model(f'input = "ids"\n{keys}', "categorical", **given)


MODELS = {
    "floats": vocab("bert", ids="float32"),
    "matrix": vocab("bert", shape="[1, 2, 4]"),
    "open_length": vocab("bert", shape='[1, "n"]', said="sizes.n = [4]\n"),
    "another_length": text('type = "bert", vocab = "bert.txt"', 'mask = "mask"\n'),
    "too_short": vocab("bert", shape="[1, 2]"),
    "max_length": vocab("bert", ", max_length = 128"),
    "twice": vocab("twice"),
    "trimmed": vocab("trimmed"),
    "empty_line": vocab("empty_line"),
    "lacking": vocab("lacking"),
    "latin": vocab("latin"),
    "no_file": vocab("nothing"),
    "beyond_the_table": vocab("large", function="looked_up"),
    "beyond_the_range": vocab("large", said="range = [0, 3]\n"),
    "no_such_input": model('ids = "idds"\ntokenizer = { type = "bert", vocab = "bert.txt" }\n'),
    "no_vocab": text('type = "bert"'),
    "no_tokenizer": model('ids = "ids"\n'),
    "foreign_key": vocab("bert", ', pattern = "x"'),
    "no_type": text('type = "unigram", vocab = "bert.txt"'),
    "pair_of_words": text('type = "regex", vocab = "words.txt", pattern = " "', "pair = true\n"),
    "several_characters": regex("[a-z]+, "),
    "look_ahead": regex("(?=x)"),
    "unknown_escape": regex(r"\p{L}+"),
    "open_class": regex("[ab"),
    "backwards": regex("[z-a]"),
    "posix": regex("[[:alpha:]]"),
    "no_ids": regex(" ", "no_ids.txt"),
    "no_pad": regex(" ", "no_pad.txt"),
    "category_of_bool": category('vocabulary = ["a"]\n', ids="bool"),
    "category_twice": category('vocabulary = "films.txt"\n'),
    "category_of_nothing": category('vocabulary = "none.txt"\n'),
    "category_mixed": category('vocabulary = ["a", 1]\n'),
    "category_length": category("max_length = 4\n"),
    "category_unknown": category('vocabulary = ["a"]\noov = "hash"\n'),
    "category_without_vocabulary": category("oov = 1\n"),
    "category_alone": category("padding = 1\n", shape="[1, 1]"),
    "category_lengths": category('lengths = "mask"\n'),
    "category_beyond": category('vocabulary = ["a"]\noov = 6\n', function="looked_up"),
    "category_inexact": category('vocabulary = ["a"]\noov = 16777217\n', ids="float32", shape="[1, 3]"),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> dict[str, Said]:
    return build(MODELS, tmp_path_factory.mktemp("wrong"), module_cli)[1]


@pytest.mark.parametrize("name", MODELS)
def test_it_is_told_at_its_key(name: str, said: dict[str, Said], snapshot: Any) -> None:
    assert said[name].told == snapshot(name=name)
