package tokens

import java.io.DataInputStream
import java.io.File

/** For each text of a file its words, or its ids, a line each in another file. */
fun main(arguments: Array<String>) {
    val (vocabulary, numbered, cases, answers) = arguments.map(::File)
    val tokens = Vocabulary.tokens(vocabulary.readText().split('\n'))
    val words = Vocabulary.numbered(numbered.readText().split('\n'))
    val data = DataInputStream(cases.inputStream().buffered())
    fun text(): String = ByteArray(data.readInt()).also(data::readFully).decodeToString()
    answers.bufferedWriter().use { out ->
        while (true) {
            val flags = data.read()
            if (flags < 0) break
            val length = data.readInt()
            val steps = ArrayList<(IntArray) -> IntArray>()
            if (flags and 1 != 0) steps += Accents::strip
            if (flags and 2 != 0) steps += LowerCase::of
            val tokenizer = BertTokenizer(tokens, steps, length)
            val found = when (flags shr 2) {
                0 -> told(tokenizer.encode(text()))
                1 -> told(tokenizer.encode(TextPair(text(), text())))
                2 -> tokenizer.words(text()).joinToString(" ") { String(it, 0, it.size) }
                else -> told(RegexTokenizer(words, runs(text()), length).encode(text()))
            }
            out.write("$found\n")
        }
    }
}

private fun told(ids: TextIds): String =
    listOf(ids.ids, ids.mask, ids.segments).joinToString(" ") { it.joinToString(",") }

private fun runs(text: String): IntArray = text.split(' ').map(String::toInt).toIntArray()
