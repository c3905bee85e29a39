package org.gradle.api

/** Java versions, as Gradle's scripts name them without an import. */
enum class JavaVersion(
    private val text: String,
) {
    VERSION_1_8("1.8"),
    VERSION_11("11"),
    VERSION_17("17"),
    VERSION_21("21"),
    ;

    override fun toString(): String = text
}
