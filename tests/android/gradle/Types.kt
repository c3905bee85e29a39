package org.gradle.api

/** Java versions, as Gradle's scripts name them without an import. */
enum class JavaVersion { VERSION_1_8, VERSION_11, VERSION_17, VERSION_21 }
