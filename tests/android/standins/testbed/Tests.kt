package testbed

import org.junit.After
import org.junit.AfterClass
import org.junit.AssumptionViolatedException
import org.junit.Before
import org.junit.BeforeClass
import org.junit.Ignore
import org.junit.Test
import java.lang.reflect.InvocationTargetException
import java.lang.reflect.Method
import java.lang.reflect.Modifier
import kotlin.system.exitProcess

/**
 * Runs the tests of the classes whose names are given, as JUnit 4 does: an object for each test.
 *
 * Prints a line for each, "##test passed|skipped|failed CLASS METHOD", and why on stderr; exits with 1 where one failed.
 */
fun main(names: Array<String>) {
    val failed = names.map { Class.forName(it) }.sumOf { run(it) }
    System.out.flush()
    exitProcess(if (failed == 0) 0 else 1)
}

private fun run(type: Class<*>): Int {
    val methods = generateSequence(type) { it.superclass }.flatMap { it.declaredMethods.asSequence() }.toList()
    val tests = methods.filter { it.isAnnotationPresent(Test::class.java) }.sortedBy { it.name }
    if (tests.isEmpty()) {
        told(type, "initializationError", "failed", IllegalStateException("No runnable methods"))
        return 1
    }
    tests.firstOrNull { !Modifier.isPublic(it.modifiers) || it.returnType != Void.TYPE || it.parameterCount > 0 }?.let {
        val why = "Method ${it.name}() should be public, void, and have no parameters"
        told(type, it.name, "failed", IllegalStateException(why))
        return 1
    }
    try {
        all(methods, BeforeClass::class.java).forEach { call(it, null) }
    } catch (error: Throwable) {
        told(type, "initializationError", "failed", error)
        return 1
    }
    var failed = 0
    for (test in tests) {
        val ignored = listOfNotNull(test.getAnnotation(Ignore::class.java), type.getAnnotation(Ignore::class.java))
        val error = if (ignored.isEmpty()) error(type, methods, test) else AssumptionViolatedException("ignored")
        val outcome =
            when (error) {
                null -> "passed"
                is AssumptionViolatedException -> "skipped"
                else -> "failed"
            }
        if (outcome == "failed") failed++
        told(type, test.name, outcome, error)
    }
    all(methods, AfterClass::class.java).forEach { call(it, null) }
    return failed
}

private fun error(
    type: Class<*>,
    methods: List<Method>,
    test: Method,
): Throwable? {
    val expected = test.getAnnotation(Test::class.java).expected.java
    var found: Throwable? = null
    var instance: Any? = null
    try {
        instance = type.getDeclaredConstructor().newInstance()
        all(methods, Before::class.java).forEach { call(it, instance) }
        call(test, instance)
        if (expected != Test.None::class.java) found = AssertionError("Expected exception: ${expected.name}")
    } catch (error: Throwable) {
        if (!expected.isInstance(error)) found = error
    }
    if (instance != null) {
        try {
            all(methods, After::class.java).forEach { call(it, instance) }
        } catch (error: Throwable) {
            if (found == null) found = error
        }
    }
    return found
}

private fun all(
    methods: List<Method>,
    annotation: Class<out Annotation>,
): List<Method> = methods.filter { it.isAnnotationPresent(annotation) }

private fun call(
    method: Method,
    instance: Any?,
) {
    try {
        method.invoke(instance)
    } catch (error: InvocationTargetException) {
        throw error.targetException
    }
}

private fun told(
    type: Class<*>,
    method: String,
    outcome: String,
    error: Throwable?,
) {
    println("##test $outcome ${type.name} $method")
    if (outcome == "failed") System.err.println("${type.name}.$method: ${error?.stackTraceToString()}")
}
