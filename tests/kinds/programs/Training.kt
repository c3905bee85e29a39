package com.example

import com.example.pupil.BytePicture
import com.example.pupil.Checkpoint
import com.example.pupil.PixelFormat
import com.example.pupil.Pupil
import java.io.File
import testbed.App

private class Case(line: String) {
    private val words = line.split(" ")
    val label = words[3]
    val picture = BytePicture(File(words[2]).readBytes(), words[0].toInt(), words[1].toInt(), PixelFormat.RGB)
}

private fun refused(block: () -> Unit): String = try {
    block()
    "taken"
} catch (error: IllegalArgumentException) {
    error.message.orEmpty()
}

/** Learns from the pictures of a file of cases; saves, forgets, and goes on from a file that Python wrote. */
fun main(args: Array<String>) {
    val cases = File(args[0]).readLines().map(::Case)
    val last = cases.last().picture
    val pupil = Pupil.open(App())
    val scores = { pupil.look(last).categories.sortedBy { it.index }.map { it.score } }
    val new = scores()
    val numbers = mutableListOf<Float>()
    val batches = cases.dropLast(1).map { Pupil.TrainExample(picture = it.picture, what = it.label) }.chunked(4)
    batches.zip(listOf(0.5f, 0.4f, 0.3f)).forEach { (batch, rate) ->
        val found = pupil.train(batch, rate)
        numbers += listOf(found.loss, found.most)
    }
    numbers += scores()
    pupil.save().write(File(args[1]))
    pupil.restore(Checkpoint.read(File(args[2])))
    numbers += scores()
    println(numbers.joinToString(" "))
    println(refused { pupil.train(batches[0].drop(1), 0.1f) })
    val damaged = File.createTempFile("damaged", null)
    damaged.writeBytes(File(args[1]).readBytes().dropLast(1).toByteArray())
    println(refused { pupil.restore(Checkpoint.read(damaged)) })
    pupil.reset()
    println("as new: ${scores() == new}")
    pupil.close()
}
