package com.google.android.gms.tasks

import java.util.concurrent.CountDownLatch
import java.util.concurrent.ExecutionException
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.TimeoutException

fun interface OnSuccessListener<TResult> {
    fun onSuccess(result: TResult)
}

fun interface OnFailureListener {
    fun onFailure(e: Exception)
}

fun interface OnCompleteListener<TResult> {
    fun onComplete(task: Task<TResult>)
}

fun interface OnCanceledListener {
    fun onCanceled()
}

fun interface Continuation<TResult, TContinuationResult> {
    @Throws(Exception::class)
    fun then(task: Task<TResult>): TContinuationResult
}

fun interface SuccessContinuation<TResult, TContinuationResult> {
    @Throws(Exception::class)
    fun then(result: TResult): Task<TContinuationResult>
}

open class RuntimeExecutionException(
    cause: Throwable?,
) : RuntimeException(cause)

/** Listeners without an executor are called on one thread, "main", as Android's main thread calls them. */
abstract class Task<TResult> {
    abstract fun isComplete(): Boolean

    abstract fun isSuccessful(): Boolean

    abstract fun isCanceled(): Boolean

    abstract fun getResult(): TResult

    @Throws(Throwable::class)
    abstract fun <X : Throwable> getResult(exceptionType: Class<X>): TResult

    abstract fun getException(): Exception?

    abstract fun addOnSuccessListener(listener: OnSuccessListener<in TResult>): Task<TResult>

    abstract fun addOnSuccessListener(
        executor: Executor,
        listener: OnSuccessListener<in TResult>,
    ): Task<TResult>

    abstract fun addOnFailureListener(listener: OnFailureListener): Task<TResult>

    abstract fun addOnFailureListener(
        executor: Executor,
        listener: OnFailureListener,
    ): Task<TResult>

    open fun addOnCompleteListener(listener: OnCompleteListener<TResult>): Task<TResult> =
        addOnCompleteListener(Main, listener)

    abstract fun addOnCompleteListener(
        executor: Executor,
        listener: OnCompleteListener<TResult>,
    ): Task<TResult>

    open fun addOnCanceledListener(listener: OnCanceledListener): Task<TResult> = addOnCanceledListener(Main, listener)

    abstract fun addOnCanceledListener(
        executor: Executor,
        listener: OnCanceledListener,
    ): Task<TResult>

    open fun <R> continueWith(continuation: Continuation<TResult, R>): Task<R> = continueWith(Main, continuation)

    open fun <R> continueWith(
        executor: Executor,
        continuation: Continuation<TResult, R>,
    ): Task<R> = continueWithTask(executor) { Tasks.forResult(continuation.then(it)) }

    open fun <R> continueWithTask(continuation: Continuation<TResult, Task<R>>): Task<R> =
        continueWithTask(Main, continuation)

    open fun <R> continueWithTask(
        executor: Executor,
        continuation: Continuation<TResult, Task<R>>,
    ): Task<R> {
        val source = TaskCompletionSource<R>()
        addOnCompleteListener(executor) { task ->
            try {
                continuation.then(task).addOnCompleteListener(executor) { next ->
                    next.getException()?.let { source.setException(it) } ?: source.setResult(next.getResult())
                }
            } catch (error: RuntimeExecutionException) {
                source.setException(error.cause as? Exception ?: error)
            } catch (error: Exception) {
                source.setException(error)
            }
        }
        return source.getTask()
    }

    open fun <R> onSuccessTask(continuation: SuccessContinuation<TResult, R>): Task<R> = onSuccessTask(Main, continuation)

    open fun <R> onSuccessTask(
        executor: Executor,
        continuation: SuccessContinuation<TResult, R>,
    ): Task<R> = continueWithTask(executor) { continuation.then(it.getResult()) }
}

internal object Main : Executor {
    private val thread = Executors.newSingleThreadExecutor { Thread(it, "main").apply { isDaemon = true } }

    override fun execute(command: Runnable) = thread.execute(command)
}

open class TaskCompletionSource<TResult> {
    private val task = Pending<TResult>()

    open fun getTask(): Task<TResult> = task

    open fun setResult(result: TResult) = check(task.complete(result, null)) { "Task is already complete" }

    open fun setException(e: Exception) = check(task.complete(null, e)) { "Task is already complete" }

    open fun trySetResult(result: TResult): Boolean = task.complete(result, null)

    open fun trySetException(e: Exception): Boolean = task.complete(null, e)
}

internal class Pending<TResult> : Task<TResult>() {
    private val lock = Any()
    private var listeners = mutableListOf<() -> Unit>()
    private var result: TResult? = null
    private var error: Exception? = null
    private var complete = false

    fun complete(
        result: TResult?,
        error: Exception?,
    ): Boolean {
        val waiting =
            synchronized(lock) {
                if (complete) return false
                this.result = result
                this.error = error
                complete = true
                listeners.also { listeners = mutableListOf() }
            }
        waiting.forEach { it() }
        return true
    }

    override fun isComplete(): Boolean = synchronized(lock) { complete }

    override fun isSuccessful(): Boolean = synchronized(lock) { complete && error == null }

    override fun isCanceled(): Boolean = false

    override fun getResult(): TResult =
        synchronized(lock) {
            check(complete) { "Task is not yet complete" }
            error?.let { throw RuntimeExecutionException(it) }
            @Suppress("UNCHECKED_CAST")
            result as TResult
        }

    override fun <X : Throwable> getResult(exceptionType: Class<X>): TResult {
        val error = getException()
        if (exceptionType.isInstance(error)) throw exceptionType.cast(error)!!
        return getResult()
    }

    override fun getException(): Exception? = synchronized(lock) { error }

    override fun addOnSuccessListener(listener: OnSuccessListener<in TResult>): Task<TResult> =
        addOnSuccessListener(Main, listener)

    override fun addOnSuccessListener(
        executor: Executor,
        listener: OnSuccessListener<in TResult>,
    ): Task<TResult> = told(executor) { if (isSuccessful()) listener.onSuccess(getResult()) }

    override fun addOnFailureListener(listener: OnFailureListener): Task<TResult> = addOnFailureListener(Main, listener)

    override fun addOnFailureListener(
        executor: Executor,
        listener: OnFailureListener,
    ): Task<TResult> = told(executor) { getException()?.let { listener.onFailure(it) } }

    override fun addOnCompleteListener(
        executor: Executor,
        listener: OnCompleteListener<TResult>,
    ): Task<TResult> = told(executor) { listener.onComplete(this) }

    override fun addOnCanceledListener(
        executor: Executor,
        listener: OnCanceledListener,
    ): Task<TResult> = this

    private fun told(
        executor: Executor,
        call: () -> Unit,
    ): Task<TResult> {
        val job = { executor.execute(call) }
        val now =
            synchronized(lock) {
                if (!complete) listeners += job
                complete
            }
        if (now) job()
        return this
    }
}

object Tasks {
    @JvmStatic
    fun <TResult> forResult(result: TResult): Task<TResult> = Pending<TResult>().apply { complete(result, null) }

    @JvmStatic
    fun <TResult> forException(e: Exception): Task<TResult> = Pending<TResult>().apply { complete(null, e) }

    @JvmStatic
    @Throws(ExecutionException::class, InterruptedException::class)
    fun <TResult> await(task: Task<TResult>): TResult {
        await(task, Long.MAX_VALUE, TimeUnit.NANOSECONDS)
        return task.getResult()
    }

    @JvmStatic
    @Throws(ExecutionException::class, InterruptedException::class, TimeoutException::class)
    fun <TResult> await(
        task: Task<TResult>,
        timeout: Long,
        unit: TimeUnit,
    ): TResult {
        check(Thread.currentThread().name != "main" || Thread.currentThread().isDaemon.not()) {
            "Must not be called on the main application thread"
        }
        val done = CountDownLatch(1)
        task.addOnCompleteListener({ it.run() }) { done.countDown() }
        if (!done.await(timeout, unit)) throw TimeoutException("Timed out waiting for Task")
        task.getException()?.let { throw ExecutionException(it) }
        return task.getResult()
    }
}
