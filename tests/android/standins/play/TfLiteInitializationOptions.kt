package com.google.android.gms.tflite.client

open class TfLiteInitializationOptions private constructor(
    @get:JvmSynthetic internal val isGpuDelegateSupportEnabled: Boolean,
) {
    open class Builder internal constructor() {
        private var gpu = false

        open fun setEnableGpuDelegateSupport(enableGpuDelegateSupport: Boolean): Builder =
            apply { gpu = enableGpuDelegateSupport }

        open fun build(): TfLiteInitializationOptions = TfLiteInitializationOptions(gpu)
    }

    companion object {
        @JvmStatic
        fun builder(): Builder = Builder()
    }
}
