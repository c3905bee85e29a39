package org.junit.function

fun interface ThrowingRunnable {
    @Throws(Throwable::class)
    fun run()
}
