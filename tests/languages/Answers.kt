package com.example

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import testbed.App

private fun bits(values: FloatArray) = values.joinToString(" ") { (it.toRawBits().toLong() and 0xFFFFFFFFL).toString() }

/** For each line of a file of cases the results as bits, those of each output after a bar. */
fun main(args: Array<String>) {
    val app = App()
    val rgb = com.example.rgb.Rgb.open(app)
    val bgr = com.example.bgr.Bgr.open(app)
    val grey = com.example.grey.Grey.open(app)
    val raw = com.example.raw.Raw.open(app)
    val chw = com.example.chw.Chw.open(app)
    val sound = com.example.sound.SoundModel.open(app)
    for (line in File(args[0]).readLines()) {
        val words = line.split(" ")
        val data = File(words.last()).readBytes()
        if (words[0] == "sound") {
            val pcm = ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).asShortBuffer()
            val samples = ShortArray(pcm.remaining()).also { pcm.get(it) }
            println(bits(sound.predict(com.example.sound.Sound.ofPcm16(samples, words[1].toInt(), words[2].toInt()))))
            continue
        }
        val n = words.drop(2).dropLast(1).map { it.toInt() }
        when (words[0]) {
            "rgb" -> {
                val region = com.example.rgb.Region(n[3], n[4], n[5], n[6])
                val picture = if (words[1] == "rgb") {
                    com.example.rgb.BytePicture(data, n[0], n[1], com.example.rgb.PixelFormat.RGB)
                } else {
                    com.example.rgb.YuvPicture.i420(data, n[0], n[1])
                }
                val found = rgb.predict(picture, n[2], region, 5, Float.NEGATIVE_INFINITY)
                val scores = FloatArray(5).also { all -> found.scores.categories.forEach { all[it.index] = it.score } }
                println("${bits(scores)}|${bits(found.twice)}")
            }
            "bgr" -> {
                val region = com.example.bgr.Region(n[3], n[4], n[5], n[6])
                val picture = if (words[1] == "rgb") {
                    com.example.bgr.BytePicture(data, n[0], n[1], com.example.bgr.PixelFormat.RGB)
                } else {
                    com.example.bgr.YuvPicture.i420(data, n[0], n[1])
                }
                val found = bgr.predict(picture, n[2], region)
                println("${bits(found.scores)}|${bits(found.twice)}")
            }
            "grey" -> {
                val region = com.example.grey.Region(n[3], n[4], n[5], n[6])
                val picture = if (words[1] == "rgb") {
                    com.example.grey.BytePicture(data, n[0], n[1], com.example.grey.PixelFormat.RGB)
                } else {
                    com.example.grey.YuvPicture.i420(data, n[0], n[1])
                }
                val found = grey.predict(picture, n[2], region)
                println("${bits(found.scores)}|${bits(found.twice)}")
            }
            "raw" -> {
                val region = com.example.raw.Region(n[3], n[4], n[5], n[6])
                val picture = if (words[1] == "rgb") {
                    com.example.raw.BytePicture(data, n[0], n[1], com.example.raw.PixelFormat.RGB)
                } else {
                    com.example.raw.YuvPicture.i420(data, n[0], n[1])
                }
                println(bits(raw.predict(picture, n[2], region)))
            }
            else -> {
                val region = com.example.chw.Region(n[3], n[4], n[5], n[6])
                val picture = if (words[1] == "rgb") {
                    com.example.chw.BytePicture(data, n[0], n[1], com.example.chw.PixelFormat.RGB)
                } else {
                    com.example.chw.YuvPicture.i420(data, n[0], n[1])
                }
                println(bits(chw.predict(picture, n[2], region)))
            }
        }
    }
}
