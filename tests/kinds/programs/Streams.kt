package com.example

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import testbed.App

private fun <T> pushed(samples: ShortArray, pieces: List<Int>, push: (ShortArray, Int, Int) -> List<T>): List<T> {
    val found = ArrayList<T>()
    var start = 0
    var turn = 0
    while (start < samples.size) {
        val count = minOf(pieces[turn++ % pieces.size], samples.size - start)
        found += push(samples, start, count)
        start += count
    }
    return found
}

/** For each line NAME RATE CHANNELS PIECES... FILE what is heard of each window, as the bits of doubles. */
fun main(args: Array<String>) {
    val app = App()
    val words = com.example.words.Words.open(app)
    val level = com.example.level.Level.open(app)
    for (line in File(args[0]).readLines()) {
        val given = line.split(" ")
        val pcm = ByteBuffer.wrap(File(given.last()).readBytes()).order(ByteOrder.LITTLE_ENDIAN).asShortBuffer()
        val samples = ShortArray(pcm.remaining()).also { pcm.get(it) }
        val (rate, channels) = given.subList(1, 3).map { it.toInt() }
        val pieces = given.subList(3, given.size - 1).map { it.toInt() * channels }
        val rows = if (given[0] == "words") {
            val stream = words.newStream(rate, channels, locale = "de-AT")
            pushed(samples, pieces, stream::push)
            stream.reset()
            pushed(samples, pieces, stream::push).map { moment ->
                moment.result.heard?.let { check(it.label == listOf("Stille", "Brummen", "Zischen")[it.index]) }
                val scores = FloatArray(3) { -1f }
                moment.result.classification.categories.forEach { scores[it.index] = it.score }
                listOf(moment.end, moment.result.heard?.index?.toDouble() ?: -1.0) + scores.map { it.toDouble() }
            }
        } else {
            val stream = level.newStream(rate, channels)
            pushed(samples, pieces, stream::push)
            stream.reset()
            pushed(samples, pieces, stream::push).map { listOf(it.end, it.result[0].toDouble()) }
        }
        println(rows.joinToString("|") { row -> row.joinToString(" ") { it.toRawBits().toString() } })
    }
}
