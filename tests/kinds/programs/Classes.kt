package com.example

import com.example.scenes.ScenesLabels
import java.io.File
import testbed.App

private fun bits(vararg values: Float) = values.joinToString(" ") { (it.toRawBits().toLong() and 0xFFFFFFFFL).toString() }

private fun answered(found: com.example.scenes.Classification) =
    found.categories.joinToString(" ") { "${it.index}:${bits(it.score)}" }

private fun answered(found: com.example.calibrated.Classification) =
    found.categories.joinToString(" ") { "${it.index}:${bits(it.score)}" }

/** What classes are called in some languages; then for each line of a file of cases, a picture, the results as bits. */
fun main(args: Array<String>) {
    val app = App()
    val scenes = com.example.scenes.Scenes.open(app)
    val calibrated = com.example.calibrated.Calibrated.open(app)
    val embedded = com.example.embedded.Embedded.open(app)
    val tags = listOf("de", "de-AT", "DE_at", "zh-Hant-TW", "zh", "fr", "d", "")
    println(tags.joinToString("|") { ScenesLabels.animalIn(it)[3] })
    var before: com.example.embedded.Embedding? = null
    for (line in File(args[0]).readLines()) {
        val (width, height) = line.split(" ").take(2).map { it.toInt() }
        val data = File(line.split(" ")[2]).readBytes()
        val one = scenes.classify(
            com.example.scenes.BytePicture(data, width, height, com.example.scenes.PixelFormat.RGB),
            locale = "de-AT",
        )
        check(one.animal.categories.all { it.label == ScenesLabels.ANIMAL_DE[it.index] })
        val two = calibrated.classify(
            com.example.calibrated.BytePicture(data, width, height, com.example.calibrated.PixelFormat.RGB),
        )
        val three = embedded.embed(
            com.example.embedded.BytePicture(data, width, height, com.example.embedded.PixelFormat.RGB),
        )
        val parts = mutableListOf(answered(one.animal), answered(one.tags))
        parts += listOf(answered(two.plain), answered(two.logs), answered(two.inverse))
        parts += listOf(bits(*three.near.values), bits(*three.raw.values))
        parts += bits(three.near.cosine(three.raw), three.near.distance(three.raw))
        before?.let { parts += bits(three.raw.cosine(it), three.raw.distance(it)) }
        before = three.raw
        println(parts.joinToString("|"))
    }
}
