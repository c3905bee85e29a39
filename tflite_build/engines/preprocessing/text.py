"""`text`: texts that a test passes, and the ids that they become."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tflite_build.engines.kinds import text as kind
from tflite_build.engines.kinds.text import Text

from . import characters
from .given import Asked, Values, letters, shaped
from .tokenizers import BertTokenizer, Encoded, RegexTokenizer, of_pieces

_WORDS = 6  # of a short text
_IDS = 8  # of pieces that an app's own encoder would give
# Accents, both forms of one; cases beyond ASCII; spaces and what is none; scripts without spaces; a word that is too long.
_HARD = (
    "Ångström a\u030angstro\u0308m İSTANBUL ıssız Straße ﬁancée \u00ad[SEP] don't—stop\u200b\t\x01£5 "
    "東京 한국어 ภาษาไทย עִבְרִית العَرَبِيَّة हिन्दी 👩\u200d💻 𝒳\u2028" + "x" * 101
)


def given(asked: Asked) -> Values:
    """A short text of the vocabulary's own tokens, then a longer one than fits, with all that is hard."""
    how = kind.of(asked.binding, asked.tensors)
    if how.type == "sentencepiece":
        return _pieces(asked, how)
    tokens: Sequence[str]
    encode: BertTokenizer | RegexTokenizer
    lines = asked.file("tokenizer.vocab")
    if how.type == "bert":
        tokens = kind.bert_tokens(asked.binding, lines)
        encode = BertTokenizer(how, {token: i for i, token in enumerate(tokens)}, characters.load())
        highest = len(tokens) - 1
    else:
        ids = kind.regex_ids(asked.binding, lines)
        tokens, encode = list(ids), RegexTokenizer(how, ids)
        highest = max(ids.values())
    texts = [_text(asked, how, tokens) for _ in range(2 if how.pair else 1)]
    raw = letters(texts)
    row = {"kind": "text", "bytes": [len(array) for array in raw]}
    return Values(raw, _made(asked, encode.encode(*texts)), row, highest, "tokenizer.vocab")


def _text(asked: Asked, how: Text, tokens: Sequence[str]) -> str:
    count = _WORDS if asked.turn == 0 else 2 * how.length
    places = asked.random.integers(len(tokens), size=count)
    between = " " if not how.delimiters else chr(how.delimiters[0][0])
    words = between.join(tokens[i] for i in places)
    words = words.replace(f"{between}##", "") if how.type == "bert" else words
    return words.title() + "!" if asked.turn == 0 else _HARD + between + words


def _pieces(asked: Asked, how: Text) -> Values:
    """What an encoder of an app's would give, which the test has in its place."""
    count = _WORDS if asked.turn == 0 else how.length + 3
    pieces = np.arange(count, dtype=np.int32) % _IDS
    raw = letters([_HARD])
    row = {"kind": "text", "bytes": [len(raw[0])], "pieces": count}
    return Values(raw, _made(asked, of_pieces(how, [int(p) for p in pieces])), row, ahead=[pieces])


def _made(asked: Asked, encoded: Encoded) -> dict[str, np.ndarray]:
    values = {"ids": encoded.ids, "mask": encoded.mask, "segments": encoded.segments}
    return {role: shaped(values[role], tensor) for role, tensor in asked.tensors.items()}
