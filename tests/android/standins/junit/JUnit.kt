package org.junit

import kotlin.reflect.KClass

@Retention(AnnotationRetention.RUNTIME)
@Target(AnnotationTarget.FUNCTION)
annotation class Test(
    val expected: KClass<out Throwable> = None::class,
    val timeout: Long = 0L,
) {
    class None private constructor() : Throwable()
}

@Retention(AnnotationRetention.RUNTIME)
@Target(AnnotationTarget.FUNCTION)
annotation class Before

@Retention(AnnotationRetention.RUNTIME)
@Target(AnnotationTarget.FUNCTION)
annotation class After

@Retention(AnnotationRetention.RUNTIME)
@Target(AnnotationTarget.FUNCTION)
annotation class BeforeClass

@Retention(AnnotationRetention.RUNTIME)
@Target(AnnotationTarget.FUNCTION)
annotation class AfterClass

@Retention(AnnotationRetention.RUNTIME)
@Target(AnnotationTarget.FUNCTION, AnnotationTarget.CLASS)
annotation class Ignore(
    val value: String = "",
)

class AssumptionViolatedException(
    message: String?,
) : RuntimeException(message)

object Assume {
    @JvmStatic
    fun assumeTrue(b: Boolean) = assumeTrue(null, b)

    @JvmStatic
    fun assumeTrue(message: String?, b: Boolean) {
        if (!b) throw AssumptionViolatedException(message)
    }

    @JvmStatic
    fun assumeFalse(b: Boolean) = assumeTrue(!b)

    @JvmStatic
    fun assumeNotNull(vararg objects: Any?) = assumeTrue(objects.none { it == null })
}
