"""Trains the model of this example on sentences.csv, made sentences of four topics, of which every fourth one is for testing.

Run it to make topics.keras, vocab.txt and test.npz anew (bytes of a training differ from machine to machine):

    uv run --no-project --python 3.11 --with keras==3.15.1 --with jax==0.10.2 --with tokenizers==0.23.3 train.py
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import csv
from pathlib import Path

import keras
import numpy as np
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

HERE = Path(__file__).parent
LENGTH = 24
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def load_sentences() -> tuple[list[str], list[int]]:
    labels = (HERE / "labels.txt").read_text("utf-8").split()
    with (HERE / "sentences.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["sentence"] for row in rows], [labels.index(row["topic"]) for row in rows]


def tokenizer(sentences: list[str]) -> Tokenizer:
    """BERT's, with the words of some sentences, and all letters for those of others."""
    normalizer, split = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    words = {word for s in sentences for word, _ in split.pre_tokenize_str(normalizer.normalize_str(s))}
    letters = sorted({letter for word in words for letter in word})
    tokens = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters if letter.isalpha())]
    tokens += sorted(words - {*letters})
    (HERE / "vocab.txt").write_text("\n".join(tokens) + "\n", "utf-8")
    made = Tokenizer(WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizer, split
    made.post_processor = processors.BertProcessing(("[SEP]", tokens.index("[SEP]")), ("[CLS]", tokens.index("[CLS]")))
    made.enable_truncation(LENGTH)
    made.enable_padding(length=LENGTH)
    return made


def arrays(made: Tokenizer, sentences: list[str]) -> dict[str, np.ndarray]:
    found = made.encode_batch(sentences)
    fields = {"ids": "ids", "mask": "attention_mask", "segment_ids": "type_ids"}
    return {name: np.array([getattr(f, field) for f in found], np.int32) for name, field in fields.items()}


def network(size: int, topics: int) -> keras.Model:
    """The mean of what words and segments stand for, and what follows of it."""
    given = {name: keras.Input((LENGTH,), dtype="int32", name=name) for name in ("ids", "mask", "segment_ids")}
    x = keras.layers.Embedding(size, 16)(given["ids"]) + keras.layers.Embedding(2, 16)(given["segment_ids"])
    mask = keras.ops.expand_dims(keras.ops.cast(given["mask"], "float32"), -1)
    x = keras.ops.sum(x * mask, 1) / keras.ops.maximum(keras.ops.sum(mask, 1), 1.0)
    x = keras.layers.Dense(16, activation="relu")(x)
    return keras.Model(given, keras.layers.Dense(topics, activation="softmax", name="topics")(x), name="topics")


def main() -> None:
    keras.utils.set_random_seed(1)
    sentences, labels = load_sentences()
    test = [i % 4 == 0 for i in range(len(sentences))]
    seen, unseen = ([i for i, is_test in enumerate(test) if is_test == wanted] for wanted in (False, True))
    made = tokenizer([sentences[i] for i in seen])
    model = network(made.get_vocab_size(), len({*labels}))
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        arrays(made, [sentences[i] for i in seen]),
        np.array([labels[i] for i in seen]),
        batch_size=32,
        epochs=25,
        verbose=2,
    )
    given, right = arrays(made, [sentences[i] for i in unseen]), np.array([labels[i] for i in unseen])
    print("accuracy on the test set:", model.evaluate(given, right, verbose=0)[1])
    model.save(HERE / "topics.keras")
    np.savez_compressed(HERE / "test.npz", **given, labels=right)


if __name__ == "__main__":
    main()
