package testbed.gradle

import org.gradle.api.JavaVersion
import org.jetbrains.kotlin.gradle.dsl.JvmTarget
import org.jetbrains.kotlin.gradle.tasks.KotlinJvmCompile

/** Blocks of a script do not see what is only in the blocks around them, as in Gradle. */
@DslMarker
annotation class GradleDsl

/** A plugin; `version` and `apply` are infix in Gradle, too. */
class PluginSpec(
    val id: String,
) {
    var version: String? = null
        private set
    var apply: Boolean = true
        private set

    infix fun version(version: String?): PluginSpec = apply { this.version = version }

    infix fun apply(apply: Boolean): PluginSpec = also { it.apply = apply }
}

@GradleDsl
class Plugins {
    val all = mutableListOf<PluginSpec>()

    fun id(id: String): PluginSpec = PluginSpec(id).also { all += it }

    fun kotlin(module: String): PluginSpec = id("org.jetbrains.kotlin.$module")
}

/** A property of Gradle's, which is assigned, or set. */
class Property<T : Any>(
    value: T? = null,
) {
    private var value: T? = value

    fun set(value: T) {
        this.value = value
    }

    fun get(): T = value!!

    fun getOrNull(): T? = value
}

@GradleDsl
abstract class Flavor {
    var minSdk: Int? = null
    var maxSdk: Int? = null
    var testInstrumentationRunner: String? = null
    val testInstrumentationRunnerArguments: MutableMap<String, String> = mutableMapOf()
    val consumerProguardFiles = mutableListOf<String>()
    val buildConfigFields = mutableListOf<List<String>>()

    fun consumerProguardFiles(vararg files: Any): Any = apply { consumerProguardFiles += files.map { it.toString() } }

    fun consumerProguardFile(file: Any): Any = apply { consumerProguardFiles += file.toString() }

    fun buildConfigField(
        type: String,
        name: String,
        value: String,
    ) {
        buildConfigFields += listOf(type, name, value)
    }
}

class DefaultConfig : Flavor() {
    val ndk = Ndk()

    fun ndk(action: Ndk.() -> Unit) = ndk.action()

    fun aarMetadata(action: AarMetadata.() -> Unit) = AarMetadata().action()
}

@GradleDsl
class AarMetadata {
    var minCompileSdk: Int? = null
}

@GradleDsl
class Ndk {
    val abiFilters: MutableSet<String> = mutableSetOf()
}

class ProductFlavor(
    val name: String,
) : Flavor() {
    var dimension: String? = null
    var isDefault: Boolean = false
    val matchingFallbacks: MutableList<String> = mutableListOf()
}

@GradleDsl
class BuildType(
    val name: String,
) {
    var isMinifyEnabled: Boolean = false
    val proguardFiles = mutableListOf<String>()
    val consumerProguardFiles = mutableListOf<String>()

    fun proguardFiles(vararg files: Any): Any = apply { proguardFiles += files.map { it.toString() } }

    fun consumerProguardFiles(vararg files: Any): Any = apply { consumerProguardFiles += files.map { it.toString() } }
}

/** Things by their names, as NamedDomainObjectContainer has them; those of [made] are there from the start. */
@GradleDsl
class Container<T : Any>(
    private val new: (String) -> T,
    vararg made: String,
) {
    val all: MutableMap<String, T> = made.associateWith(new).toMutableMap()

    fun create(name: String): T = create(name) {}

    fun create(
        name: String,
        action: T.() -> Unit,
    ): T {
        check(name !in all) { "Cannot add '$name' as an object with that name already exists." }
        return new(name).also { all[name] = it }.apply(action)
    }

    fun register(name: String): T = create(name)

    fun register(
        name: String,
        action: T.() -> Unit,
    ): T = create(name, action)

    fun getByName(name: String): T = checkNotNull(all[name]) { "'$name' not found." }

    fun getByName(
        name: String,
        action: T.() -> Unit,
    ): T = getByName(name).apply(action)

    fun named(name: String): T = getByName(name)

    fun named(
        name: String,
        action: T.() -> Unit,
    ): T = getByName(name, action)

    fun maybeCreate(name: String): T = all.getOrPut(name) { new(name) }
}

val Container<BuildType>.debug: BuildType get() = getByName("debug")
val Container<BuildType>.release: BuildType get() = getByName("release")

fun Container<BuildType>.debug(action: BuildType.() -> Unit) = getByName("debug").action()

fun Container<BuildType>.release(action: BuildType.() -> Unit) = getByName("release").action()

@GradleDsl
class SourceDirectories {
    val all = mutableListOf<String>()
    val directories: MutableSet<String> = mutableSetOf()

    fun srcDir(directory: Any): Any = apply { all += directory.toString() }

    fun srcDirs(vararg directories: Any): Any = apply { all += directories.map { it.toString() } }

    fun setSrcDirs(directories: Iterable<*>): Any =
        apply {
            all.clear()
            all += directories.map { it.toString() }
        }
}

@GradleDsl
class SourceSet(
    val name: String,
) {
    val java = SourceDirectories()
    val kotlin = SourceDirectories()
    val assets = SourceDirectories()
    val res = SourceDirectories()

    fun java(action: SourceDirectories.() -> Unit) = java.action()

    fun kotlin(action: SourceDirectories.() -> Unit) = kotlin.action()

    fun assets(action: SourceDirectories.() -> Unit) = assets.action()

    fun res(action: SourceDirectories.() -> Unit) = res.action()
}

@GradleDsl
class CompileOptions {
    var sourceCompatibility: JavaVersion? = null
    var targetCompatibility: JavaVersion? = null
    var isCoreLibraryDesugaringEnabled: Boolean = false
}

@GradleDsl
class AndroidResources {
    val noCompress: MutableCollection<String> = mutableListOf()
}

@GradleDsl
class BuildFeatures {
    var buildConfig: Boolean? = null
    var viewBinding: Boolean? = null
}

@GradleDsl
class UnitTests {
    var isIncludeAndroidResources: Boolean = false
    var isReturnDefaultValues: Boolean = false
}

@GradleDsl
class TestOptions {
    var targetSdk: Int? = null
    var animationsDisabled: Boolean = false
    val unitTests = UnitTests()

    fun unitTests(action: UnitTests.() -> Unit) = unitTests.action()
}

@GradleDsl
class Lint {
    var abortOnError: Boolean = true
    var targetSdk: Int? = null
    val disable: MutableSet<String> = mutableSetOf()
}

@GradleDsl
class SingleVariant {
    var hasSourcesJar = false

    fun withSourcesJar() {
        hasSourcesJar = true
    }

    fun withJavadocJar() {}
}

@GradleDsl
class Publishing {
    val variants = mutableListOf<String>()

    fun singleVariant(name: String) {
        variants += name
    }

    fun singleVariant(
        name: String,
        action: SingleVariant.() -> Unit,
    ) {
        variants += name
        SingleVariant().action()
    }
}

@GradleDsl
class KotlinJvmOptions {
    @Deprecated("an error since Kotlin 2.2: use kotlin { compilerOptions { } }", level = DeprecationLevel.ERROR)
    var jvmTarget: String? = null
}

/** LibraryExtension of the Android Gradle plugin, as far as generated scripts could use it. */
@GradleDsl
class Android {
    var namespace: String? = null
    var compileSdk: Int? = null
    var buildToolsVersion: String = ""
    var ndkVersion: String = ""
    var resourcePrefix: String? = null
    val flavorDimensions: MutableList<String> = mutableListOf()
    val defaultConfig = DefaultConfig()
    val productFlavors = Container(::ProductFlavor)
    val buildTypes = Container(::BuildType, "debug", "release")
    val sourceSets = Container(::SourceSet, "main", "test", "androidTest", "debug", "release")
    val compileOptions = CompileOptions()
    val androidResources = AndroidResources()
    val buildFeatures = BuildFeatures()
    val testOptions = TestOptions()
    val lint = Lint()
    val publishing = Publishing()

    fun defaultConfig(action: DefaultConfig.() -> Unit) = defaultConfig.action()

    fun productFlavors(action: Container<ProductFlavor>.() -> Unit) {
        productFlavors.action()
        for (flavor in productFlavors.all.keys) {
            check(!flavor.startsWith("test")) { "ProductFlavor names cannot start with 'test'" }
            check(!flavor.startsWith("androidTest")) { "ProductFlavor names cannot start with 'androidTest'" }
            check(flavor !in listOf("lint", "main") + buildTypes.all.keys) { "ProductFlavor names cannot be $flavor" }
            listOf(flavor, "test", "androidTest")
                .map { if (it == flavor) it else it + flavor.replaceFirstChar(Char::uppercase) }
                .forEach { sourceSets.maybeCreate(it) }
        }
    }

    fun buildTypes(action: Container<BuildType>.() -> Unit) = buildTypes.action()

    fun sourceSets(action: Container<SourceSet>.() -> Unit) = sourceSets.action()

    fun compileOptions(action: CompileOptions.() -> Unit) = compileOptions.action()

    fun androidResources(action: AndroidResources.() -> Unit) = androidResources.action()

    fun buildFeatures(action: BuildFeatures.() -> Unit) = buildFeatures.action()

    fun testOptions(action: TestOptions.() -> Unit) = testOptions.action()

    fun lint(action: Lint.() -> Unit) = lint.action()

    fun publishing(action: Publishing.() -> Unit) = publishing.action()

    fun getDefaultProguardFile(name: String): String = name
}

@GradleDsl
class CompilerOptions {
    val jvmTarget = Property<JvmTarget>()
    val allWarningsAsErrors = Property(false)
    val freeCompilerArgs: MutableList<String> = mutableListOf()
}

@GradleDsl
class KotlinExtension {
    val compilerOptions = CompilerOptions()
    var jvmToolchain: Int? = null
        private set

    fun jvmToolchain(version: Int) {
        jvmToolchain = version
    }

    fun compilerOptions(action: CompilerOptions.() -> Unit) = compilerOptions.action()

    fun explicitApi() {}
}

/** A dependency with the configuration that it is in. */
@GradleDsl
class Dependency(
    val configuration: String,
    val notation: String,
) {
    val excluded = mutableListOf<List<String?>>()

    fun exclude(
        group: String? = null,
        module: String? = null,
    ): Dependency = apply { excluded += listOf(group, module) }
}

@GradleDsl
class Dependencies(
    private val configurations: () -> Set<String>,
) {
    val all = mutableListOf<Dependency>()

    fun add(
        configuration: String,
        notation: Any,
    ): Dependency = add(configuration, notation) {}

    fun add(
        configuration: String,
        notation: Any,
        action: Dependency.() -> Unit,
    ): Dependency {
        check(configuration in configurations()) { "Configuration with name '$configuration' not found." }
        return Dependency(configuration, notation.toString()).also { all += it }.apply(action)
    }

    operator fun String.invoke(notation: Any) = add(this, notation)

    operator fun String.invoke(
        notation: Any,
        action: Dependency.() -> Unit,
    ) = add(this, notation, action)

    fun implementation(notation: Any) = add("implementation", notation)

    fun implementation(
        notation: Any,
        action: Dependency.() -> Unit,
    ) = add("implementation", notation, action)

    fun api(notation: Any) = add("api", notation)

    fun compileOnly(notation: Any) = add("compileOnly", notation)

    fun runtimeOnly(notation: Any) = add("runtimeOnly", notation)

    fun testImplementation(notation: Any) = add("testImplementation", notation)

    fun androidTestImplementation(notation: Any) = add("androidTestImplementation", notation)

    fun coreLibraryDesugaring(notation: Any) = add("coreLibraryDesugaring", notation)

    fun debugImplementation(notation: Any) = add("debugImplementation", notation)

    fun releaseImplementation(notation: Any) = add("releaseImplementation", notation)

    fun project(path: String): String = "project $path"

    fun platform(notation: Any): String = "platform $notation"

    fun files(vararg paths: Any): String = "files ${paths.joinToString()}"
}

@GradleDsl
class Repositories {
    val all = mutableListOf<String>()

    fun google() {
        all += "google"
    }

    fun mavenCentral() {
        all += "mavenCentral"
    }

    fun gradlePluginPortal() {
        all += "gradlePluginPortal"
    }
}

/** Tasks of a project: those that compile Kotlin alone. */
class Tasks {
    val kotlin = KotlinJvmCompile()

    /** Inline and reified, as Gradle's own. */
    inline fun <reified T : KotlinJvmCompile> withType(): Matching<T> = Matching(kotlin as T)
}

class Matching<T : Any>(
    private val task: T,
) {
    fun configureEach(action: T.() -> Unit) = task.action()
}

internal enum class KotlinAt { START, LATER, NEVER }

/** Whether the Android plugin has Kotlin in it, as 9 and later. The property testbed.agp is its version. */
private val BUILT_IN_KOTLIN: Boolean = System.getProperty("testbed.agp", "9").toInt() >= 9
private const val KOTLIN_ANDROID = "org.jetbrains.kotlin.android"

/** What plugins have added to the project. */
class Extensions(
    private val script: BuildScript,
) {
    fun findByName(name: String): Any? = script.takeIf { name == "kotlin" && it.kotlinAt != KotlinAt.NEVER }
}

/** build.gradle.kts of an Android library. */
@GradleDsl
class BuildScript {
    val extensions = Extensions(this)
    val tasks = Tasks()
    var group: Any = ""
    var version: Any = "unspecified"
    private val plugins = Plugins()
    private val android = Android()
    private val kotlin = KotlinExtension()
    private val repositories = Repositories()
    private val dependencies = Dependencies(::configurations)

    fun plugins(action: Plugins.() -> Unit) {
        plugins.action()
        val own = plugins.all.any { it.id == KOTLIN_ANDROID }
        check(!own || !BUILT_IN_KOTLIN) {
            "The '$KOTLIN_ANDROID' plugin is no longer required for Kotlin support since AGP 9.0."
        }
        if (own || BUILT_IN_KOTLIN) kotlinAt = KotlinAt.START
    }

    internal var kotlinAt = KotlinAt.NEVER
        private set

    fun android(action: Android.() -> Unit) {
        check(plugins.all.any { it.id.startsWith("com.android.") }) { "android { } without the plugin com.android.library" }
        android.action()
    }

    /** An accessor, which a script has where the plugin is among those of its `plugins` block, or AGP 9's. */
    fun kotlin(action: KotlinExtension.() -> Unit) {
        check(kotlinAt == KotlinAt.START) { "Unresolved reference 'kotlin': there is no such extension yet" }
        kotlin.action()
    }

    fun apply(plugin: String) {
        check(plugin == KOTLIN_ANDROID) { "Plugin with id '$plugin' not found." }
        check(kotlinAt == KotlinAt.NEVER) {
            "Cannot add extension with name 'kotlin', as there is an extension already registered with that name."
        }
        kotlinAt = KotlinAt.LATER
    }

    fun repositories(action: Repositories.() -> Unit) = repositories.action()

    fun dependencies(action: Dependencies.() -> Unit) = dependencies.action()

    private fun configurations(): Set<String> {
        val kinds = listOf("implementation", "api", "compileOnly", "runtimeOnly")
        val variants = android.productFlavors.all.keys + android.buildTypes.all.keys
        val sets = variants + listOf("test", "androidTest") + variants.map { "test" + it.replaceFirstChar(Char::uppercase) }
        return (kinds + sets.flatMap { set -> kinds.map { set + it.replaceFirstChar(Char::uppercase) } }).toSet() +
            "coreLibraryDesugaring"
    }

    /** What both compilers are told, as the Kotlin plugin looks at it: its own default is the JDK's, and AGP 8 needs 17. */
    private fun checkTargets() {
        val own = tasks.kotlin.compilerOptions.jvmTarget.getOrNull() ?: kotlin.compilerOptions.jvmTarget.getOrNull()
        val java = android.compileOptions.targetCompatibility?.toString() ?: if (BUILT_IN_KOTLIN) "11" else "1.8"
        val target = own?.target ?: if (BUILT_IN_KOTLIN) java else "17"
        check(kotlinAt == KotlinAt.NEVER || target == java) {
            "'compileDebugJavaWithJavac' task (current target is $java) and 'compileDebugKotlin' task (current target is " +
                "$target) jvm target compatibility should be set to the same Java version."
        }
    }

    /** All that the script said, as JSON. */
    fun json(): String = json(said().also { checkTargets() })

    private fun said(): Map<String, Any?> =
        mapOf(
            "plugins" to plugins.all.map { mapOf("id" to it.id, "version" to it.version, "apply" to it.apply) },
            "group" to group,
            "version" to version,
            "repositories" to repositories.all,
            "dependencies" to dependencies.all.map { listOf(it.configuration, it.notation) },
            "excluded" to dependencies.all.filter { it.excluded.isNotEmpty() }.associate { it.notation to it.excluded },
            "kotlin" to
                mapOf(
                    "jvmToolchain" to kotlin.jvmToolchain,
                    "jvmTarget" to kotlin.compilerOptions.jvmTarget.getOrNull()?.target,
                    "freeCompilerArgs" to kotlin.compilerOptions.freeCompilerArgs,
                ),
            "hasKotlin" to (kotlinAt != KotlinAt.NEVER),
            "android" to android(),
        )

    private fun android(): Map<String, Any?> =
        mapOf(
            "namespace" to android.namespace,
            "compileSdk" to android.compileSdk,
            "resourcePrefix" to android.resourcePrefix,
            "defaultConfig" to flavor(android.defaultConfig),
            "abiFilters" to android.defaultConfig.ndk.abiFilters,
            "flavorDimensions" to android.flavorDimensions,
            "productFlavors" to
                android.productFlavors.all.mapValues { (_, it) ->
                    flavor(it) + mapOf("dimension" to it.dimension, "isDefault" to it.isDefault)
                },
            "buildTypes" to
                android.buildTypes.all.mapValues { (_, it) ->
                    mapOf("isMinifyEnabled" to it.isMinifyEnabled, "proguardFiles" to it.proguardFiles)
                },
            "sourceSets" to
                android.sourceSets.all.mapValues { (_, it) ->
                    mapOf("java" to it.java.all, "kotlin" to it.kotlin.all, "assets" to it.assets.all, "res" to it.res.all)
                },
            "sourceCompatibility" to android.compileOptions.sourceCompatibility?.name,
            "targetCompatibility" to android.compileOptions.targetCompatibility?.name,
            "noCompress" to android.androidResources.noCompress,
            "buildConfig" to android.buildFeatures.buildConfig,
            "testOptions" to
                mapOf(
                    "isIncludeAndroidResources" to android.testOptions.unitTests.isIncludeAndroidResources,
                    "isReturnDefaultValues" to android.testOptions.unitTests.isReturnDefaultValues,
                ),
            "publishing" to android.publishing.variants,
        )

    private fun flavor(flavor: Flavor): Map<String, Any?> =
        mapOf(
            "minSdk" to flavor.minSdk,
            "maxSdk" to flavor.maxSdk,
            "testInstrumentationRunner" to flavor.testInstrumentationRunner,
            "consumerProguardFiles" to flavor.consumerProguardFiles,
        )

    private fun json(value: Any?): String =
        when (value) {
            null, is Boolean, is Number -> value.toString()
            is Map<*, *> -> value.entries.joinToString(",", "{", "}") { (key, of) -> "${json(key)}:${json(of)}" }
            is Collection<*> -> value.joinToString(",", "[", "]") { json(it) }
            else -> quoted(value.toString())
        }

    private fun quoted(text: String): String =
        text.fold(StringBuilder("\"")) { all, char ->
            if (char in "\"\\" || char < ' ') all.append("\\u%04x".format(char.code)) else all.append(char)
        }.append('"').toString()
}
