package org.junit.runner

import kotlin.reflect.KClass

abstract class Runner

@Retention(AnnotationRetention.RUNTIME)
@Target(AnnotationTarget.CLASS)
annotation class RunWith(
    val value: KClass<out Runner>,
)
