package com.example

import com.example.heads.BytePicture
import com.example.heads.Detection
import com.example.heads.Heads
import com.example.heads.PixelFormat
import com.example.heads.Rectangle
import com.example.heads.Region
import java.io.File
import testbed.App

private fun numbers(box: Rectangle) = listOf(box.left, box.top, box.right, box.bottom)

private fun bits(thing: Detection) =
    (listOf(thing.category.index.toFloat(), thing.category.score) + numbers(thing.box) + numbers(thing.upright))
        .joinToString(" ") { (it.toRawBits().toLong() and 0xFFFFFFFFL).toString() }

/** For each line of a file of cases the boxes as bits: class, score, the box as it was given and the upright one. */
fun main(args: Array<String>) {
    val heads = Heads.open(App())
    for (line in File(args[0]).readLines()) {
        val words = line.split(" ")
        val n = words.subList(1, 8).map { it.toInt() }
        val picture = BytePicture(File(words.last()).readBytes(), n[0], n[1], PixelFormat.RGB)
        val region = Region(n[3], n[4], n[5], n[6])
        val usual = words[8] == "-"
        val (least, most) = if (usual) 0f to 0 else words[8].toFloat() to words[9].toInt()
        val found = when (words[0]) {
            "listed" -> if (usual) heads.listed(picture, n[2], region) else heads.listed(picture, n[2], region, most, least)
            "contents" -> if (usual) heads.contents(picture, n[2], region) else heads.contents(picture, n[2], region, most, least)
            "scored" -> if (usual) heads.scored(picture, n[2], region) else heads.scored(picture, n[2], region, most, least)
            "yolo5" -> if (usual) heads.yolo5(picture, n[2], region) else heads.yolo5(picture, n[2], region, most, least)
            "yolo8" -> if (usual) heads.yolo8(picture, n[2], region) else heads.yolo8(picture, n[2], region, most, least)
            else -> if (usual) heads.ssd(picture, n[2], region) else heads.ssd(picture, n[2], region, most, least)
        }
        println(found.joinToString(" ") { bits(it) })
    }
}
