package com.example

import java.io.DataInputStream
import java.io.File
import testbed.App

private fun bits(values: FloatArray) = values.joinToString(" ") { (it.toRawBits().toLong() and 0xFFFFFFFFL).toString() }

/** The scores of four models for each text of a file, as bits; a pair is the text before and the text. */
fun main(args: Array<String>) {
    val app = App()
    val bert = com.example.bert.Bert.open(app)
    val pair = com.example.pair.PairModel.open(app)
    val delimited = com.example.delimited.Delimited.open(app)
    val encoder = com.example.pieces.SentencePiece { text ->
        text.encodeToByteArray().map { (it.toInt() and 0xFF) % 28 }.toIntArray()
    }
    val pieces = com.example.pieces.Pieces.open(app, encoder)
    val data = DataInputStream(File(args[0]).inputStream().buffered())
    val texts = ArrayList<String>()
    while (data.available() > 0) texts += ByteArray(data.readInt()).also(data::readFully).decodeToString()
    texts.forEachIndexed { place, text ->
        val before = texts[(place + texts.size - 1) % texts.size]
        val scores = listOf(
            bert.predict(text),
            pair.predict(com.example.pair.TextPair(before, text)),
            delimited.predict(text),
            pieces.predict(text),
        )
        println(scores.joinToString("|", transform = ::bits))
    }
}
