package com.example

import com.example.numbers.overlay
import com.example.planes.scaledConfidences
import com.example.street.confidences
import com.example.street.edges
import com.example.street.scaledConfidences
import com.example.street.scaledOverlay
import java.io.DataOutputStream
import java.io.File
import testbed.App

/** For each line of a file of cases the results, as arrays of 32 bits after how many there are. */
fun main(args: Array<String>) {
    val street = com.example.street.Street.open(App())
    val planes = com.example.planes.Planes.open(App())
    val numbers = com.example.numbers.Numbers.open(App())
    val out = DataOutputStream(File(args[1]).outputStream().buffered())

    fun put(values: IntArray) {
        out.writeInt(values.size)
        values.forEach(out::writeInt)
    }
    fun put(values: ByteArray) = put(IntArray(values.size) { values[it].toInt() and 0xFF })
    fun put(values: FloatArray) = put(IntArray(values.size) { values[it].toRawBits() })

    for (line in File(args[0]).readLines()) {
        val words = line.split(" ")
        val n = words.drop(1).dropLast(1).map { it.toInt() }
        val data = File(words.last()).readBytes()
        when (words[0]) {
            "street" -> {
                val picture = com.example.street.BytePicture(data, n[0], n[1], com.example.street.PixelFormat.RGB)
                val region = com.example.street.Region(n[3], n[4], n[5], n[6])
                val found = street.predict(picture, n[2], region, minScore = Float.NEGATIVE_INFINITY)
                put(found.parts.toPicture())
                put(found.parts.toUpright())
                put(found.parts.scaled(37, 29))
                put(IntArray(1) { found.parts.classAt(n[0] / 3, n[1] / 2) })
                put(found.parts.confidences(1))
                put(found.parts.scaledConfidences(3, 41, 23))
                put(found.parts.scaledOverlay(19, 31, isUpright = true).pixels)
                put(found.pose.all.flatMap { listOf(it.score, it.point.x, it.point.y, it.upright.x, it.upright.y, it.z) }.toFloatArray())
                put(street.predict(picture, n[2], region).pose.edges.flatMap { listOf(it.first.index, it.second.index) }.toIntArray())
                val bitmap = found.drawing.toBitmap()
                put(IntArray(bitmap.getWidth() * bitmap.getHeight()).also { bitmap.getPixels(it, 0, 20, 0, 0, 20, 24) })
            }
            "planes" -> {
                val picture = com.example.planes.BytePicture(data, n[0], n[1], com.example.planes.PixelFormat.RGB)
                val region = com.example.planes.Region(n[3], n[4], n[5], n[6])
                val found = planes.predict(picture, n[2], region)
                put(found.cat.toPicture())
                put(found.cat.scaledConfidences(0, 33, 44, isUpright = true))
                put(found.joints.all.flatMap { listOf(it.score, it.point.x, it.point.y, it.upright.x, it.upright.y, it.z) }.toFloatArray())
                put(found.painting.pixels)
            }
            else -> {
                val picture = com.example.numbers.BytePicture(data, n[0], n[1], com.example.numbers.PixelFormat.RGB)
                val region = com.example.numbers.Region(n[3], n[4], n[5], n[6])
                val found = numbers.predict(picture, n[2], region)
                put(found.mask.toPicture())
                put(found.mask.overlay().pixels)
                put(found.corners.all.flatMap { listOf(it.score, it.point.x, it.point.y, it.upright.x, it.upright.y, it.z) }.toFloatArray())
                put(found.places.all.flatMap { listOf(it.score, it.point.x, it.point.y, it.upright.x, it.upright.y, it.z) }.toFloatArray())
                put(found.grey.pixels)
            }
        }
    }
    out.close()
}
