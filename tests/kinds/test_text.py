"""Texts, and values of vocabularies: through Python, Kotlin and Swift to the same ids and the same results."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import python_answers
from kinds_bed import Apps, jax_model

from tflite_build.engines.kinds import delimiters
from tflite_build.engines.kinds.text import Text
from tflite_build.engines.preprocessing import characters
from tflite_build.engines.preprocessing.tokenizers import BertTokenizer, Encoded, RegexTokenizer, of_pieces

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


TABLES = Path(__file__).resolve().parents[2] / "specs" / "tokenizers" / "bert.json"
CHARACTERS = characters.load(TABLES)
TEXTS = [
    "Hello, World! It's — don't STOP [SEP]",
    "ANGSTRÖM a\u030angstro\u0308m İSTANBUL ıssız Straße ﬁancée",
    "東京 한국어 ภาษาไทย עִבְרִית العَرَبِيَّة हिन्दी 👩\u200d💻 𝒳\u2028x",
    "hello world " * 20,
    "",
]


def encoded(text: str, before: str) -> Iterator[tuple[str, Encoded]]:
    """What each of `MODELS` takes of a text, or of the one before it and this."""
    ids = {token: number for number, token in enumerate(VOCAB.split("\n")[:-1])}
    words = {line.split(" ")[0]: int(line.split(" ")[1]) for line in WORDS.split("\n")[:-1]}
    yield "bert", BertTokenizer(Text("bert", 16), ids, CHARACTERS).encode(text)
    pair = Text("bert", 16, lowercase=False, strip_accents=True, pair=True)
    yield "pair", BertTokenizer(pair, ids, CHARACTERS).encode(before, text)
    yield "delimited", RegexTokenizer(Text("regex", 8, delimiters=delimiters.parse(r"[^\w']+")), words).encode(text)
    pieces = Text("sentencepiece", 8, start=30, end=31)
    yield "pieces", of_pieces(pieces, [byte % 28 for byte in text.encode()])


def test_texts_become_the_same_results_in_all_languages(
    apps: Apps, python_of: Callable[[str], Path], tmp_path: Path
) -> None:
    """By all four ways, the app's own encoder among them; the scores are the same to the last bit."""
    cases = tmp_path / "cases"
    cases.write_bytes(b"".join(struct.pack(">i", len(data)) + data for data in map(str.encode, TEXTS)))
    calls: dict[str, list[dict[str, Any]]] = {name: [] for name in MODELS}
    for place, text in enumerate(TEXTS):
        for name, found in encoded(text, TEXTS[place - 1]):
            inputs = {"ids": [list(found.ids)]}
            if name in ("bert", "pair"):
                inputs |= {"mask": [list(found.mask)], "segment_ids": [list(found.segments)]}
            calls[name].append({"signature": "serving_default", "inputs": inputs})
    columns = []
    for name, given in calls.items():
        (file,) = (apps.shop.folder / name / "build" / name).glob("*.tflite")
        answers = python_answers(python_of("core"), file, given)
        bits = [np.array(a["scores"], np.float32).reshape(-1).view(np.uint32) for a in answers]
        columns.append([" ".join(map(str, row)) for row in bits])
    wanted = ["|".join(row) for row in zip(*columns, strict=True)]
    assert len(set(wanted)) == len(TEXTS)
    assert apps.kotlin_answers("Texts", [cases]).splitlines() == wanted
    assert apps.swift_answers("Texts", [cases]).splitlines() == wanted
