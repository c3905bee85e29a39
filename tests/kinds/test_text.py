"""Texts, and values of vocabularies: through Python, Kotlin and Swift to the same ids and the same results."""

from __future__ import annotations

import pytest
from kinds_bed import Apps, jax_model

CODE = """
import jax.numpy as jnp
import numpy as np

random = np.random.default_rng(4)
TABLE = jnp.asarray(random.normal(size=(80, 6)).astype("f"))
WEIGHTS = random.normal(size=(6, 3)).astype("f")

def bert(ids, mask, segment_ids):
    rows = TABLE[ids] * mask[..., None] + segment_ids[..., None] * 0.5
    return {"scores": rows.mean(1) @ WEIGHTS}

def single(ids):
    return {"scores": TABLE[ids].mean(1) @ WEIGHTS}
"""
# Tokens of several scripts, with the letters that hard texts are made of.
TOKENS = """
[PAD] [UNK] [CLS] [SEP] a b i s e t ##s ##a ##e ##ng hello world angstrom ang ##strom istanbul ıssız strasse straße don
' t stop — ! [ ] sep £ 5 東 京 한국어 한 ᄒ ##ᅡ ##ᆫ ภาษาไทย ##ไทย עברית עִבְרִית العربية हिन्दी हनद 👩 💻 ##💻 𝒳 ﬁancee fiancee x
##x ı ##ı i̇ ##̇ ß ##ß
"""
VOCAB = "".join(f"{token}\n" for token in dict.fromkeys(TOKENS.split()))
WORDS = "<PAD> 0\n<START> 1\n<UNKNOWN> 2\nhello 5\nworld 4\nit's 7\n東京 9\n"
INPUTS = '[input.{0}]\ndtype = "int32"\nshape = [1, {1}]\n'
BERT = "".join(INPUTS.format(name, 16) for name in ("ids", "mask", "segment_ids"))
ROLES = 'ids = "ids"\nmask = "mask"\nsegments = "segment_ids"\n'
TEXT = '[argument.text]\nkind = "text"\n'
MODELS = {
    "bert": jax_model(
        CODE,
        "bert",
        f'{BERT}{TEXT}{ROLES}tokenizer = {{ type = "bert", vocab = "vocab.txt", max_length = 16 }}\n',
        {"vocab.txt": VOCAB},
    ),
    "pair": jax_model(
        CODE,
        "bert",
        f"{BERT}{TEXT}{ROLES}pair = true\n"
        'tokenizer = { type = "bert", vocab = "vocab.txt", lowercase = false, strip_accents = true }\n',
        {"vocab.txt": VOCAB},
    ),
    "delimited": jax_model(
        CODE,
        "single",
        INPUTS.format("ids", 8) + f'{TEXT}ids = "ids"\n'
        r"""tokenizer = { type = "regex", vocab = "words.txt", pattern = "[^\\w']+" }""" + "\n",
        {"words.txt": WORDS},
    ),
    "pieces": jax_model(
        CODE,
        "single",
        INPUTS.format("ids", 8) + f'{TEXT}ids = "ids"\n'
        'tokenizer = { type = "sentencepiece", model = "spiece.model", start = 30, end = 31 }\n',
        {"spiece.model": b"\0model"},
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
