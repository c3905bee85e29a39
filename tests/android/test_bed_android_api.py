"""The scan finds what Android of API level 24 lacks, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from android_api import jdk_only, since_24
from kotlin_bed import Kotlin

USUAL = """
import java.io.Closeable
import java.io.File
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.channels.FileChannel
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.Executors
import java.util.concurrent.atomic.AtomicBoolean
import java.util.function.Supplier

class Usual(private val file: File) : Closeable {
    private val closed = AtomicBoolean()
    private val values = ConcurrentHashMap<String, FloatArray>()
    private val thread = Executors.newSingleThreadExecutor { Thread(it, "usual") }

    fun map(): ByteBuffer =
        file.inputStream().channel
            .use { it.map(FileChannel.MapMode.READ_ONLY, 0, it.size()) }
            .order(ByteOrder.nativeOrder())

    fun rewound(buffer: ByteBuffer): ByteBuffer {
        (buffer as Buffer).rewind()
        return buffer
    }

    fun sorted(scores: List<Float>): List<IndexedValue<Float>> =
        scores.withIndex().sortedByDescending { it.value }.take(3).also { println("best: ${it.size}") }

    fun later(supplier: Supplier<String>): String = supplier.get().trim().lowercase()

    fun lock(): Int = synchronized(values) { Math.floorMod(values.size, 3) + thread.hashCode() }

    override fun close() {
        if (closed.compareAndSet(false, true)) thread.shutdown()
    }
}
"""


def test_usual_code_is_fine(kotlin: Kotlin, tmp_path: Path) -> None:
    source = tmp_path / "Usual.kt"
    source.write_text(USUAL, "utf-8")
    assert jdk_only(kotlin.compile([source], tmp_path / "out").require()) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("fun of(): Any = java.util.List.of(1)", "java/util/List.of(Ljava/lang/Object;)Ljava/util/List;"),
        ("fun of(text: String): Boolean = (text as java.lang.String).isBlank", "java/lang/String.isBlank()Z"),
        ("fun of(b: java.nio.ByteBuffer): Any = b.rewind()", "java/nio/ByteBuffer.rewind()Ljava/nio/ByteBuffer;"),
        ("fun of(s: java.util.stream.Stream<String>): Any = s.toList()", "java/util/stream/Stream.toList()"),
        ("fun of(p: java.nio.file.Path): String = p.toString()", "java/nio/file/Path"),
        ("fun of(): Any = java.time.Instant.EPOCH", "java/time/Instant"),
        ("fun of(b: ByteArray): Any = java.util.Base64.getEncoder().encode(b)", "java/util/Base64"),
        ("fun of(): Any = java.lang.foreign.Arena.global()", "java/lang/foreign/Arena"),
        ("fun of(): Any = java.net.http.HttpClient.newHttpClient()", "java/net/http/HttpClient"),
        ("fun of(all: MutableList<Int>): Any = all.removeFirst()", "java/util/List.removeFirst()"),
        ("fun of(n: Int): String = Integer.toUnsignedString(n)", "java/lang/Integer.toUnsignedString(I)"),
        ("fun of(s: java.io.InputStream): ByteArray = s.readAllBytes()", "java/io/InputStream.readAllBytes()[B"),
        ("class Of(val a: Array<java.time.Instant>)", "java/time/Instant"),
    ],
)
def test_what_is_newer_is_found(kotlin: Kotlin, tmp_path: Path, code: str, found: str) -> None:
    source = tmp_path / "Newer.kt"
    source.write_text(f'@file:Suppress("PLATFORM_CLASS_MAPPED_TO_KOTLIN")\n\n{code}\n', "utf-8")
    uses = jdk_only(kotlin.compile([source], tmp_path / "out").require())
    assert any(found in use for use in uses), uses


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('fun of(m: MutableMap<String, Int>): Any? = m.getOrDefault("a", 1)', "java/util/Map.getOrDefault("),
        ("fun of(s: java.util.function.Supplier<String>): String = s.get()", "java/util/function/Supplier"),
        ('fun of(m: java.util.HashMap<String, Int>): Any? = m.computeIfAbsent("a") { 1 }', "computeIfAbsent("),
        ("fun of(l: MutableList<Int>): Any = l.removeIf { it > 1 }", "java/util/List.removeIf("),
    ],
)
def test_what_came_with_24_is_found(kotlin: Kotlin, tmp_path: Path, code: str, found: str) -> None:
    source = tmp_path / "Newer.kt"
    source.write_text(code, "utf-8")
    uses = since_24(kotlin.compile([source], tmp_path / "out").require().rglob("*.class"))
    assert any(found in use for use in uses), uses


def test_what_was_there_before_is_not(kotlin: Kotlin, tmp_path: Path) -> None:
    source = tmp_path / "Usual.kt"
    source.write_text(
        "fun of(l: MutableList<Int>, m: HashMap<String, Int>): Any {\n    l.sort()\n    l.forEach { println(it) }\n"
        '    return m.getOrPut("a") { l.sortedBy { -it }.first() }\n}\n',
        "utf-8",
    )
    assert since_24(kotlin.compile([source], tmp_path / "out").require().rglob("*.class")) == []
