package org.jetbrains.kotlin.gradle.dsl

enum class JvmTarget(
    val target: String,
) {
    JVM_1_8("1.8"),
    JVM_11("11"),
    JVM_17("17"),
    JVM_21("21"),
}
