"""The stand-in of Gradle's DSL takes what the Android plugin takes, and refuses the rest with its line."""

from __future__ import annotations

import textwrap

import pytest
from gradle_scripts import Gradle

LIBRARY = """\
import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    id("com.android.library") version "9.0.0"
}

android {
    namespace = "com.example.digits"
    compileSdk = 36

    defaultConfig {
        minSdk = 24
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
        consumerProguardFiles("consumer-rules.pro")
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
    flavorDimensions += "runtime"
    productFlavors {
        create("bundled") { dimension = "runtime" }
        create("play") {
            dimension = "runtime"
            minSdk = 26
        }
    }
    sourceSets {
        getByName("main") { assets.srcDir("src/main/models") }
        named("play") { kotlin.srcDirs("src/play/kotlin") }
    }
    buildTypes {
        release { isMinifyEnabled = false }
    }
    androidResources {
        noCompress += "tflite"
    }
    testOptions {
        unitTests.isReturnDefaultValues = true
    }
}

kotlin {
    compilerOptions { jvmTarget.set(JvmTarget.JVM_1_8) }
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.10.2")
    implementation("com.google.ai.edge.litert:litert:2.3.0")
    "playImplementation"("com.google.android.gms:play-services-tflite-java:16.5.0")
    compileOnly("androidx.annotation:annotation:1.9.1")
    testImplementation("junit:junit:4.13.2")
    androidTestImplementation("androidx.test:runner:1.6.2")
}
"""


TARGET = (
    "tasks.withType<org.jetbrains.kotlin.gradle.tasks.KotlinJvmCompile>().configureEach {\n"
    "    compilerOptions.jvmTarget.set(JvmTarget.JVM_1_8)\n}\n"
)


@pytest.fixture(scope="module")
def gradle(request: pytest.FixtureRequest) -> Gradle:
    return Gradle(request.getfixturevalue("kotlin"))


def test_what_a_script_says(gradle: Gradle) -> None:
    evaluated = gradle.evaluate(LIBRARY)
    value = evaluated.require()
    android = value["android"]
    assert [plugin["id"] for plugin in value["plugins"]] == ["com.android.library"]
    assert (android["namespace"], android["compileSdk"]) == ("com.example.digits", 36)
    assert android["defaultConfig"]["minSdk"] == 24
    assert android["defaultConfig"]["consumerProguardFiles"] == ["consumer-rules.pro"]
    assert android["flavorDimensions"] == ["runtime"]
    assert android["productFlavors"]["play"]["dimension"] == "runtime"
    assert android["productFlavors"]["play"]["minSdk"] == 26
    assert android["noCompress"] == ["tflite"]
    assert android["sourceSets"]["main"]["assets"] == ["src/main/models"]
    assert value["kotlin"]["jvmTarget"] == "1.8"
    assert evaluated.dependencies("implementation") == ["com.google.ai.edge.litert:litert:2.3.0"]
    assert evaluated.dependencies("playImplementation") == ["com.google.android.gms:play-services-tflite-java:16.5.0"]


def test_kotlin_is_in_the_android_plugin_since_9(gradle: Gradle) -> None:
    old = LIBRARY.replace("kotlin {\n    compilerOptions { jvmTarget.set(JvmTarget.JVM_1_8) }\n}\n", "")
    asked = old + '\nif (extensions.findByName("kotlin") == null) apply(plugin = "org.jetbrains.kotlin.android")\n'
    stated = LIBRARY.replace("9.0.0", "8.13.0").replace('"8.13.0"\n', '"8.13.0"\n    kotlin("android")\n')
    asked = asked.replace('"org.jetbrains.kotlin.android")\n', '"org.jetbrains.kotlin.android")\n' + TARGET)
    for agp, script, wanted in (
        (9, LIBRARY, True),
        (8, old, False),
        (9, asked, True),
        (8, asked, True),
        (8, stated, True),
    ):
        assert gradle.evaluate(script, agp).require()["hasKotlin"] == wanted
    for agp, script, said in (
        (9, stated, "no longer required"),
        (9, old + '\napply(plugin = "org.jetbrains.kotlin.android")\n', "already registered"),
        (8, LIBRARY, "Unresolved reference"),
        (8, asked.replace(TARGET, ""), "jvm target compatibility should be set to the same Java version"),
    ):
        (error,) = gradle.evaluate(script, agp).errors
        assert said in error.text


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("minSdk = 24", 'minSdk = "24"', "mismatch"),
        ("compileSdk = 36", "compileSDK = 36", "compileSDK"),
        ('noCompress += "tflite"', 'noCompress = "tflite"', "mismatch"),
        ("isMinifyEnabled = false", "minifyEnabled = false", "minifyEnabled"),
        ('implementation("com.google', 'implementaton("com.google', "implementaton"),
        ("JavaVersion.VERSION_1_8\n        target", "JavaVersion.VERSION_8\n        target", "VERSION_8"),
        ('"playImplementation"', '"playImplementatio"', "Configuration with name 'playImplementatio' not found"),
        ('named("play")', 'named("plays")', "'plays' not found"),
        ("        minSdk = 24", "        namespace = \"a\"\n", "namespace"),  # of the block around
    ],
)  # fmt: skip
def test_what_is_wrong_is_an_error_with_its_line(gradle: Gradle, wrong: str, right: str, said: str) -> None:
    script = LIBRARY.replace(wrong, right)
    assert script != LIBRARY
    evaluated = gradle.evaluate(script)
    assert evaluated.value is None
    line = 1 + script[: script.index(right.strip().split("\n")[0])].count("\n")
    assert any(said in error.text and error.line == line for error in evaluated.errors), evaluated.output


@pytest.mark.parametrize("name", ["testing", "androidTest", "lint", "debug"])
def test_flavors_that_the_plugin_refuses(gradle: Gradle, name: str) -> None:
    (error,) = gradle.evaluate(LIBRARY.replace('create("bundled")', f'create("{name}")')).errors
    assert "ProductFlavor names cannot" in error.text


def test_android_needs_its_plugin(gradle: Gradle) -> None:
    script = textwrap.dedent("""\
        android {
            compileSdk = 36
        }
    """)
    (error,) = gradle.evaluate(script).errors
    assert "com.android.library" in error.text and error.line == 1
