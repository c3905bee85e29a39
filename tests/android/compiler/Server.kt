import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler
import java.io.File
import java.io.PrintStream

/**
 * Compiles again and again in one process, since the first compilation takes several times as long as the others.
 *
 * A line of stdin is a call: the file for what the compiler says, and its arguments, separated by tabs. The answer is a
 * line with the exit code.
 */
fun main() {
    System.setProperty("kotlin.environment.keepalive", "true")
    val answers = System.out
    System.setOut(System.err)
    for (call in generateSequence { readlnOrNull() }) {
        val parts = call.split("\t")
        val code =
            PrintStream(File(parts.first())).use { output ->
                K2JVMCompiler().exec(output, *parts.drop(1).toTypedArray()).code
            }
        answers.println(code)
        answers.flush()
    }
}
