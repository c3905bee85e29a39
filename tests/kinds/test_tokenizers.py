"""Tokenizers of Python, Kotlin and Swift: what the package `tokenizers` gives, for every character and for hard texts."""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jinja2
import pytest
from kinds_bed import PROGRAMS
from kotlin_bed import Kotlin
from swift_bed import Swift
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

from tflite_build.engines.kinds import delimiters
from tflite_build.engines.kinds.text import FIRST, LAST, PADDING, UNKNOWN, Text
from tflite_build.engines.preprocessing import characters
from tflite_build.engines.preprocessing.tokenizers import BertTokenizer, Encoded, RegexTokenizer
from tflite_build.wrap import characters as tables
from tflite_build.wrap import kotlin_sources, swift_sources

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "specs" / "tokenizers" / "bert.json"
SOURCES = ("Accents", "BertTokenizer", "LowerCase", "RegexTokenizer", "TextPair")
POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
BLOCK = 512  # characters of one text
LENGTH = 24
TEXTS = [
    "",
    " \t\n\u00a0\u2003\u3000\u2028",
    "Hello, World!  It's 5 o'clock—don't [SEP] [MASK] stop...",
    "Ångström a\u030angstro\u0308m naïve café cafe\u0301 ﬁancée Straße STRASSE ẞ",
    "İSTANBUL ISPARTA ıssız i̇ Iİıi ǅ ΑΣΑΣ ὈΔΥΣΣΕΎΣ",
    "東京は日本の首都です。 北京 서울은 한국어 각 각 ｶﾞ が が",
    "ภาษาไทย ไม่มีช่องว่าง עִבְרִית שָׁלוֹם العَرَبِيَّة \u202eRTL\u202c हिन्दी क्षत्रिय தமிழ்",
    "👩\u200d💻👨\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈 é́̂ q\u0323\u0307 q\u0307\u0323 Z̸̢̛͎a̵lg̷o",
    "zero\u200bwidth soft\u00adhyphen word\u2060joiner bom\ufeff nul\0 bell\x07 del\x7f nel\x85 fs\x1c vt\x0b repl\ufffd",
    "𝒳 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐐀𐐨 \U0001d15e\U0001d16d\U0001d165 豈 \U0002f800 \U00020000a ㍿ ① ⅷ",
    f"{'x' * 100} {'x' * 101} {'é' * 51} {'ab' * 60}",
    "unaffable unwanted un ##un running runnin' x##y £5 €5 5€ a_b-c/d\\e `~^|$+<=>",
    "\U0003ffff\ue000\U000e0001\ufdd0\uffff text",
]
TOKENS = """
[PAD] [UNK] [CLS] [SEP] [MASK] un ##aff ##able ##want ##ed runn ##ing ##in x ##x hello world it s don t stop ' . , ! [ ] — 5
angstrom å angs ##trom naive naïve cafe café ﬁancee fiancee straße strasse ß istanbul ı ##ı i ##i ıssız isparta a ##a ##b b
東 京 は ##本 日 한국어 각 ##국 ᄀ ##ᅡ ##ᆨ サ ภาษาไทย ภ ##าษาไทย שלום עברית العربية हनद हिन्दी 👩 ##💻 💻 👩💻 é e ##e q z ##ͅ
mask sep 𐐨 ##𐐨 𐐀 豈 𠀀 丽 αςας ασας οδυσσευς zerowidth softhyphen nul bell del nel fs repl € £ _ - / \\ ` ~ ^ | $ + < = > #
##5 Hello World İ I S ##T É ##É Straße unicode 𝔘 Unaffable
"""
VOCABULARY = list(dict.fromkeys(TOKENS.split()))
WORDS = {
    "<PAD>": 0,
    "<START>": 1,
    "<UNKNOWN>": 2,
    "Hello": 8,
    "5": 4,
    "東京は日本の首都です。": 6,
    "don't": 5,
    "x##y": 9,
}
PATTERN = "[^\\w'。\u00c0-\u00ff]+|[!?]"
MODES = [(strip, lower) for strip in (True, False) for lower in (True, False)]


def words_of(strip: bool, lower: bool, text: str) -> list[str]:
    """What `tokenizers` splits a text into."""
    normal = normalizers.BertNormalizer(strip_accents=strip, lowercase=lower).normalize_str(text)
    return [word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normal)]


@cache
def reference(strip: bool, lower: bool, length: int) -> Tokenizer:
    """BERT's tokenizer of `tokenizers`, without tokens of its own that texts would be searched for."""
    ids = {token: i for i, token in enumerate(VOCABULARY)}
    made = Tokenizer(WordPiece(ids, unk_token=UNKNOWN))
    made.normalizer = normalizers.BertNormalizer(strip_accents=strip, lowercase=lower)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing((LAST, ids[LAST]), (FIRST, ids[FIRST]))
    made.enable_truncation(length)
    made.enable_padding(length=length, pad_id=ids[PADDING], pad_token=PADDING)
    return made


def own(strip: bool, lower: bool, length: int = LENGTH, *, pair: bool = False) -> BertTokenizer:
    how = Text("bert", length, lower, strip, pair)
    return BertTokenizer(how, {token: i for i, token in enumerate(VOCABULARY)}, characters.load(TABLES))


def split(strip: bool, lower: bool, text: str) -> list[str]:
    """The same by the engine's own."""
    made = characters.load(TABLES)
    points = made.clean(list(map(ord, text)))
    points = made.strip_accents(points) if strip else points
    return list(made.words(made.lower(points) if lower else points))


@cache
def blocks() -> Sequence[tuple[int, str]]:
    """Every character between letters, so many in a text."""
    found: dict[int, list[int]] = {}
    for c in POINTS:
        found.setdefault(c // BLOCK, []).append(c)
    return [(number, "".join(f"a{chr(c)}" for c in points)) for number, points in found.items()]


@cache
def jumbled(count: int) -> Sequence[str]:
    """Texts of characters that are next to each other nowhere else, many of which are marks."""
    chosen = random.Random(6)
    marks = [c for c in POINTS if not normalizers.BertNormalizer(strip_accents=True).normalize_str(chr(c))]
    order = [
        int(word.split("-")[0].split(">")[0].split("=")[0], 16)
        for line in tables.table("order")
        for word in line.split()
    ]
    pools = (POINTS, range(0x20, 0x3000), marks, order)
    return ["".join(chr(chosen.choice(chosen.choice(pools))) for _ in range(12)) for _ in range(count)]


@cache
def answered() -> tuple[list[tuple[int, int, tuple[str, ...]]], list[str]]:
    """What programs are asked, as flags, length and texts, and what they have to say."""
    asked: list[tuple[int, int, tuple[str, ...]]] = []
    wanted = []
    for _, text in blocks():
        asked.append((8 + 3, LENGTH, (text,)))
        wanted.append(" ".join(words_of(True, True, text)))
    mixed = jumbled(300)
    for strip, lower in MODES:
        flags = strip + 2 * lower
        for text in mixed:
            asked.append((8 + flags, LENGTH, (text,)))
            wanted.append(" ".join(words_of(strip, lower, text)))
        for text in TEXTS:
            asked.append((flags, LENGTH, (text,)))
            wanted.append(told(of_reference(strip, lower, LENGTH, text)))
    for first in TEXTS:
        for second in TEXTS:
            for length in (7, LENGTH):
                asked.append((4 + 3, length, (first, second)))
                wanted.append(told(of_reference(True, True, length, first, second)))
    runs = delimiters.parse(PATTERN)
    for text in TEXTS:
        asked.append((12, 9, (" ".join(str(c) for run in runs for c in run), text)))
        wanted.append(told(RegexTokenizer(Text("regex", 9, delimiters=runs), WORDS).encode(text)))
    return asked, wanted


def of_reference(strip: bool, lower: bool, length: int, *texts: str) -> Encoded:
    found = reference(strip, lower, length).encode(*texts)
    return Encoded(tuple(found.ids), tuple(found.attention_mask), tuple(found.type_ids))


def told(encoded: Encoded) -> str:
    return " ".join(",".join(map(str, values)) for values in (encoded.ids, encoded.mask, encoded.segments))


def written(folder: Path) -> list[Path]:
    """The files that programs read: a vocabulary, one with ids, and the texts; and the one that they write."""
    content = b""
    for flags, length, texts in answered()[0]:
        content += struct.pack(">Bi", flags, length)
        content += b"".join(struct.pack(">i", len(text.encode())) + text.encode() for text in texts)
    vocabulary = "\n".join(VOCABULARY), "\n".join(f"{token} {id_}" for token, id_ in WORDS.items())
    files = [folder / name for name in ("vocab.txt", "words.txt", "cases", "answers")]
    for file, text in zip(files, [*map(str.encode, vocabulary), content], strict=False):
        file.write_bytes(text)
    return files


def rendered(folder: Path, language: str, ending: str, names: Sequence[str]) -> list[Path]:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "templates" / language / "shared"), undefined=jinja2.StrictUndefined
    )
    environment.filters["character_table"] = tables.table
    for name in names:
        text = environment.get_template(f"{name}.{ending}.jinja").render(package="tokens", header="Made.")
        (folder / f"{name}.{ending}").write_text(text + "\n", "utf-8")
    return [*sorted(folder.glob(f"*.{ending}")), PROGRAMS / f"Tokens.{ending}"]


def check(answers: Path) -> None:
    asked, wanted = answered()
    found = answers.read_text("utf-8").split("\n")[:-1]
    assert len(found) == len(wanted)
    wrong = [
        (texts, ours, right) for (_, _, texts), ours, right in zip(asked, found, wanted, strict=True) if ours != right
    ]
    assert not wrong, [ascii(part)[:200] for part in wrong[0]]


def test_kotlin_gives_what_the_package_does(tmp_path: Path, kotlin: Kotlin) -> None:
    sources = rendered(tmp_path, "android", "kt", kotlin_sources.with_needs(SOURCES))
    classes = kotlin.compile(sources, tmp_path / "classes").require()
    files = written(tmp_path)
    kotlin.run("tokens.TokensKt", [classes], files).require()
    check(files[-1])


def test_swift_gives_what_the_package_does(tmp_path: Path, swift: Swift) -> None:
    sources = rendered(tmp_path, "ios", "swift", swift_sources.with_needs(SOURCES))
    swift.compile(sources, tmp_path / "tokens", ["-O"])
    files = written(tmp_path)
    done = subprocess.run([tmp_path / "tokens", *files], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    check(files[-1])


def test_python_does_to_every_character_what_the_package_does() -> None:
    made = characters.load(TABLES)
    known = (made.removed, made.spaces, made.ideographs, made.punctuation, made.accents, made.order, made.lowercase)
    spans = [range(run.first, run.last + 1) for table in known for run in table.runs] + [range(0xAC00, 0xD7A4)]
    touched = {c // BLOCK for span in spans for c in span}
    for number, text in blocks():
        right = words_of(True, True, text)
        # What no table has, Python does nothing to.
        assert (split(True, True, text) if number in touched else [text]) == right, f"{number * BLOCK:x}"


@pytest.mark.parametrize(("strip", "lower"), MODES)
def test_python_splits_texts_as_the_package_does(strip: bool, lower: bool) -> None:
    for text in [*jumbled(300), *TEXTS]:
        assert split(strip, lower, text) == words_of(strip, lower, text), ascii(text)
    for text in TEXTS:
        for length in (3, 8, LENGTH):
            assert own(strip, lower, length).encode(text) == of_reference(strip, lower, length, text), ascii(text)


def test_python_cuts_pairs_as_the_package_does() -> None:
    for first in TEXTS:
        for second in TEXTS:
            for length in (4, 7, 10, LENGTH):
                made = own(True, True, length, pair=True).encode(first, second)
                assert made == of_reference(True, True, length, first, second), (first, second, length)
