package org.jetbrains.kotlin.gradle.tasks

import testbed.gradle.CompilerOptions

/** The tasks that compile Kotlin, as one. */
open class KotlinJvmCompile {
    val compilerOptions = CompilerOptions()
}
