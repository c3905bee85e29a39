package org.junit

import org.junit.function.ThrowingRunnable
import java.lang.reflect.Array as Elements
import kotlin.math.abs

/** The assertions of JUnit 4.13. */
object Assert {
    @JvmStatic
    fun assertTrue(condition: Boolean) {
        assertTrue(null, condition)
    }

    @JvmStatic
    fun assertTrue(message: String?, condition: Boolean) {
        if (!condition) fail(message)
    }

    @JvmStatic
    fun assertFalse(condition: Boolean) {
        assertFalse(null, condition)
    }

    @JvmStatic
    fun assertFalse(message: String?, condition: Boolean) {
        if (condition) fail(message)
    }

    @JvmStatic
    fun fail() {
        fail(null)
    }

    @JvmStatic
    fun fail(message: String?) {
        if (message == null) throw AssertionError()
        throw AssertionError(message)
    }

    @JvmStatic
    fun assertNull(value: Any?) {
        assertNull(null, value)
    }

    @JvmStatic
    fun assertNull(message: String?, value: Any?) {
        if (value != null) fail("${before(message)}expected null, but was:<$value>")
    }

    @JvmStatic
    fun assertNotNull(value: Any?) {
        assertNotNull(null, value)
    }

    @JvmStatic
    fun assertNotNull(message: String?, value: Any?) {
        if (value == null) fail(message)
    }

    @JvmStatic
    fun assertSame(expected: Any?, actual: Any?) {
        assertSame(null, expected, actual)
    }

    @JvmStatic
    fun assertSame(message: String?, expected: Any?, actual: Any?) {
        if (expected !== actual) fail("${before(message)}expected same:<$expected> was not:<$actual>")
    }

    @JvmStatic
    fun assertNotSame(unexpected: Any?, actual: Any?) {
        assertNotSame(null, unexpected, actual)
    }

    @JvmStatic
    fun assertNotSame(message: String?, unexpected: Any?, actual: Any?) {
        if (unexpected === actual) fail("${before(message)}expected not same")
    }

    @JvmStatic
    fun assertEquals(expected: Any?, actual: Any?) {
        assertEquals(null, expected, actual)
    }

    @JvmStatic
    fun assertEquals(message: String?, expected: Any?, actual: Any?) {
        if (expected != actual) differ(message, expected, actual)
    }

    @JvmStatic
    fun assertEquals(expected: Long, actual: Long) {
        assertEquals(null, expected, actual)
    }

    @JvmStatic
    fun assertEquals(message: String?, expected: Long, actual: Long) {
        if (expected != actual) differ(message, expected, actual)
    }

    @JvmStatic
    fun assertEquals(expected: Double, actual: Double, delta: Double) {
        assertEquals(null, expected, actual, delta)
    }

    @JvmStatic
    fun assertEquals(message: String?, expected: Double, actual: Double, delta: Double) {
        if (expected.compareTo(actual) != 0 && !(abs(expected - actual) <= delta)) differ(message, expected, actual)
    }

    @JvmStatic
    fun assertEquals(expected: Float, actual: Float, delta: Float) {
        assertEquals(null, expected, actual, delta)
    }

    @JvmStatic
    fun assertEquals(message: String?, expected: Float, actual: Float, delta: Float) {
        if (expected.compareTo(actual) != 0 && !(abs(expected - actual) <= delta)) differ(message, expected, actual)
    }

    @JvmStatic
    fun assertNotEquals(unexpected: Any?, actual: Any?) {
        assertNotEquals(null, unexpected, actual)
    }

    @JvmStatic
    fun assertNotEquals(message: String?, unexpected: Any?, actual: Any?) {
        if (unexpected == actual) fail("${before(message)}Values should be different. Actual: $actual")
    }

    @JvmStatic
    fun assertNotEquals(unexpected: Long, actual: Long) {
        assertNotEquals(null, unexpected, actual)
    }

    @JvmStatic
    fun assertNotEquals(message: String?, unexpected: Long, actual: Long) {
        if (unexpected == actual) fail("${before(message)}Values should be different. Actual: $actual")
    }

    @JvmStatic
    fun assertArrayEquals(expecteds: IntArray?, actuals: IntArray?) {
        assertArrayEquals(null, expecteds, actuals)
    }

    @JvmStatic
    fun assertArrayEquals(message: String?, expecteds: IntArray?, actuals: IntArray?) {
        sameElements(message, expecteds, actuals) { one, other -> one == other }
    }

    @JvmStatic
    fun assertArrayEquals(expecteds: LongArray?, actuals: LongArray?) {
        assertArrayEquals(null, expecteds, actuals)
    }

    @JvmStatic
    fun assertArrayEquals(message: String?, expecteds: LongArray?, actuals: LongArray?) {
        sameElements(message, expecteds, actuals) { one, other -> one == other }
    }

    @JvmStatic
    fun assertArrayEquals(expecteds: ByteArray?, actuals: ByteArray?) {
        assertArrayEquals(null, expecteds, actuals)
    }

    @JvmStatic
    fun assertArrayEquals(message: String?, expecteds: ByteArray?, actuals: ByteArray?) {
        sameElements(message, expecteds, actuals) { one, other -> one == other }
    }

    @JvmStatic
    fun assertArrayEquals(expecteds: ShortArray?, actuals: ShortArray?) {
        assertArrayEquals(null, expecteds, actuals)
    }

    @JvmStatic
    fun assertArrayEquals(message: String?, expecteds: ShortArray?, actuals: ShortArray?) {
        sameElements(message, expecteds, actuals) { one, other -> one == other }
    }

    @JvmStatic
    fun assertArrayEquals(expecteds: CharArray?, actuals: CharArray?) {
        assertArrayEquals(null, expecteds, actuals)
    }

    @JvmStatic
    fun assertArrayEquals(message: String?, expecteds: CharArray?, actuals: CharArray?) {
        sameElements(message, expecteds, actuals) { one, other -> one == other }
    }

    @JvmStatic
    fun assertArrayEquals(expecteds: BooleanArray?, actuals: BooleanArray?) {
        assertArrayEquals(null, expecteds, actuals)
    }

    @JvmStatic
    fun assertArrayEquals(message: String?, expecteds: BooleanArray?, actuals: BooleanArray?) {
        sameElements(message, expecteds, actuals) { one, other -> one == other }
    }

    @JvmStatic
    fun assertArrayEquals(expecteds: Array<Any?>?, actuals: Array<Any?>?) {
        assertArrayEquals(null, expecteds, actuals)
    }

    @JvmStatic
    fun assertArrayEquals(message: String?, expecteds: Array<Any?>?, actuals: Array<Any?>?) {
        sameElements(message, expecteds, actuals) { one, other -> one == other }
    }

    @JvmStatic
    fun assertArrayEquals(expecteds: DoubleArray?, actuals: DoubleArray?, delta: Double) {
        assertArrayEquals(null, expecteds, actuals, delta)
    }

    @JvmStatic
    fun assertArrayEquals(message: String?, expecteds: DoubleArray?, actuals: DoubleArray?, delta: Double) {
        sameElements(message, expecteds, actuals) { one, other ->
            one == other || abs((one as Double) - (other as Double)) <= delta
        }
    }

    @JvmStatic
    fun assertArrayEquals(expecteds: FloatArray?, actuals: FloatArray?, delta: Float) {
        assertArrayEquals(null, expecteds, actuals, delta)
    }

    @JvmStatic
    fun assertArrayEquals(message: String?, expecteds: FloatArray?, actuals: FloatArray?, delta: Float) {
        sameElements(message, expecteds, actuals) { one, other ->
            one == other || abs((one as Float) - (other as Float)) <= delta
        }
    }

    @JvmStatic
    fun <T : Throwable> assertThrows(expectedThrowable: Class<T>, runnable: ThrowingRunnable): T {
        return assertThrows(null, expectedThrowable, runnable)
    }

    @JvmStatic
    fun <T : Throwable> assertThrows(message: String?, expectedThrowable: Class<T>, runnable: ThrowingRunnable): T {
        try {
            runnable.run()
        } catch (error: Throwable) {
            if (expectedThrowable.isInstance(error)) return expectedThrowable.cast(error)
            val why = "unexpected exception type thrown; expected:<${expectedThrowable.name}> but was:<${error.javaClass.name}>"
            throw AssertionError(before(message) + why, error)
        }
        val why = "expected ${expectedThrowable.name} to be thrown, but nothing was thrown"
        throw AssertionError(before(message) + why)
    }

    private fun sameElements(message: String?, expected: Any?, actual: Any?, same: (Any?, Any?) -> Boolean) {
        if (expected === actual) return
        if (expected == null || actual == null) return fail("${before(message)}one array was null")
        val length = Elements.getLength(expected)
        if (length != Elements.getLength(actual)) {
            fail("${before(message)}array lengths differed, expected.length=$length actual.length=${Elements.getLength(actual)}")
        }
        for (index in 0 until length) {
            val one = Elements.get(expected, index)
            val other = Elements.get(actual, index)
            if (one != null && other != null && one.javaClass.isArray && other.javaClass.isArray) {
                sameElements("${before(message)}arrays first differed at element [$index]", one, other, same)
            } else if (!same(one, other)) {
                fail("${before(message)}arrays first differed at element [$index]; expected:<$one> but was:<$other>")
            }
        }
    }

    private fun differ(message: String?, expected: Any?, actual: Any?) {
        fail("${before(message)}expected:<$expected> but was:<$actual>")
    }

    private fun before(message: String?): String = if (message.isNullOrEmpty()) "" else "$message "
}
