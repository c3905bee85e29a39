package testbed

import com.google.ai.edge.litert.LiteRtException
import java.lang.foreign.Arena
import java.lang.foreign.FunctionDescriptor
import java.lang.foreign.Linker
import java.lang.foreign.MemoryLayout
import java.lang.foreign.MemorySegment
import java.lang.foreign.SymbolLookup
import java.lang.foreign.ValueLayout
import java.lang.invoke.MethodHandle
import java.nio.file.Path
import java.util.concurrent.ConcurrentHashMap

/**
 * Functions of LiteRT's C API (litert/c/litert_*.h), called by their names.
 *
 * An argument's type is that of its value: Long for pointers, handles, and sizes, Int for enums, Boolean for bool.
 * Knows nothing of models: see [Compiled].
 */
internal object LiteRtLibrary {
    private val linker = Linker.nativeLinker()
    private val symbols =
        SymbolLookup.libraryLookup(Path.of(System.getProperty("testbed.litert.library")), Arena.global())
    private val functions = ConcurrentHashMap<String, MethodHandle>()

    /** Calls a function that gives a status, and throws what the real Android classes throw unless that is 0. */
    fun call(
        function: String,
        vararg arguments: Any,
    ) {
        val status = handle(function, ValueLayout.JAVA_INT, arguments).invokeWithArguments(*arguments) as Int
        if (status != 0) throw LiteRtException(status, "$function gives $status")
    }

    /** Calls one of the functions that free something. */
    fun destroy(
        what: String,
        address: Long,
    ) {
        handle("LiteRtDestroy$what", null, arrayOf(address)).invokeWithArguments(address)
    }

    /** Calls a function whose last argument is where it puts an address or a size, and gives that. */
    fun get(
        function: String,
        vararg arguments: Any,
    ): Long =
        Arena.ofConfined().use { arena ->
            val result = arena.allocate(ValueLayout.JAVA_LONG)
            call(function, *arguments, result.address())
            result.get(ValueLayout.JAVA_LONG, 0)
        }

    /** As [get], for a function that gives a C string. */
    fun text(
        function: String,
        vararg arguments: Any,
    ): String = memory(get(function, *arguments), Long.MAX_VALUE).getString(0)

    /** Memory of the library's. */
    fun memory(
        address: Long,
        size: Long,
    ): MemorySegment = MemorySegment.ofAddress(address).reinterpret(size)

    private fun handle(
        function: String,
        result: MemoryLayout?,
        arguments: Array<out Any>,
    ): MethodHandle =
        functions.computeIfAbsent(function) {
            val layouts =
                arguments.map {
                    when (it) {
                        is Long -> ValueLayout.JAVA_LONG
                        is Int -> ValueLayout.JAVA_INT
                        is Boolean -> ValueLayout.JAVA_BOOLEAN
                        else -> error("$function takes no ${it.javaClass}")
                    }
                }.toTypedArray()
            val descriptor =
                if (result == null) FunctionDescriptor.ofVoid(*layouts) else FunctionDescriptor.of(result, *layouts)
            linker.downcallHandle(symbols.find(function).orElseThrow { UnsatisfiedLinkError(function) }, descriptor)
        }
}
