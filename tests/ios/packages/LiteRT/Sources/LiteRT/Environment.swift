import CLiteRT
import Foundation

public final class Environment {
    let handle: LiteRtEnvironment
    /// Metal's device is looked for once an app gives its own, or once a model is compiled for it.
    var usesGPU: Bool

    public enum Option {
        case compilerPluginLibraryDir(String)
        case dispatchLibraryDir(String)
        case compilerCacheDir(String)
        case runtimeLibraryDir(String)
        case autoRegisterAccelerators(Int64)
        case minLoggerSeverity(Int64)
        case compilerCacheMaxConfigsPerModel(Int64)
        case compilerCacheMaxTotalSize(Int64)
        case metalDevice(UnsafeRawPointer)
        case metalCommandQueue(UnsafeRawPointer)
    }

    public init(options: [Option] = []) throws {
        if Testbed.isFailing { throw LiteRtError.runtimeFailure }
        usesGPU = false
        // Plugins are not searched for, and no more than errors are logged: a test has neither use for them.
        var numbers: [UInt32: Int64] = [
            kLiteRtEnvOptionTagAutoRegisterAccelerators.rawValue: Int64(Accelerator.cpu.rawValue),
            kLiteRtEnvOptionTagMinLoggerSeverity.rawValue: 3,
        ]
        var texts: [UInt32: String] = [:]
        for option in options {
            switch option {
            case .compilerPluginLibraryDir(let path):
                texts[kLiteRtEnvOptionTagCompilerPluginLibraryDir.rawValue] = path
            case .dispatchLibraryDir(let path):
                texts[kLiteRtEnvOptionTagDispatchLibraryDir.rawValue] = path
            case .compilerCacheDir(let path):
                texts[kLiteRtEnvOptionTagCompilerCacheDir.rawValue] = path
            case .runtimeLibraryDir(let path):
                texts[kLiteRtEnvOptionTagRuntimeLibraryDir.rawValue] = path
            case .autoRegisterAccelerators(let set):
                numbers[kLiteRtEnvOptionTagAutoRegisterAccelerators.rawValue] = set & Int64(Accelerator.cpu.rawValue)
            case .minLoggerSeverity(let severity):
                numbers[kLiteRtEnvOptionTagMinLoggerSeverity.rawValue] = severity
            case .compilerCacheMaxConfigsPerModel(let count):
                numbers[kLiteRtEnvOptionTagCompilerCacheMaxConfigsPerModel.rawValue] = count
            case .compilerCacheMaxTotalSize(let size):
                numbers[kLiteRtEnvOptionTagCompilerCacheMaxTotalSize.rawValue] = size
            case .metalDevice, .metalCommandQueue:
                usesGPU = Testbed.gpu != .absent
            }
        }
        let copies = texts.mapValues { strdup($0) }
        defer { copies.values.forEach { free($0) } }
        var all: [LiteRtEnvOption] = numbers.map { tag, number in
            var value = LiteRtAny()
            value.type = kLiteRtAnyTypeInt
            value.int_value = number
            return LiteRtEnvOption(tag: LiteRtEnvOptionTag(rawValue: tag), value: value)
        }
        all += copies.map { tag, text in
            var value = LiteRtAny()
            value.type = kLiteRtAnyTypeString
            value.str_value = UnsafePointer(text)
            return LiteRtEnvOption(tag: LiteRtEnvOptionTag(rawValue: tag), value: value)
        }
        handle = try made { LiteRtCreateEnvironment(Int32(all.count), all, &$0) }
    }

    public func supportsFP16() throws -> Bool {
        try value(false) { LiteRtEnvironmentSupportsFP16(handle, &$0) }
    }

    public func hasGpuEnvironment() -> Bool {
        usesGPU
    }

    public func supportsClGlInterop() throws -> Bool {
        try value(false) { LiteRtEnvironmentSupportsClGlInterop(handle, &$0) }
    }

    public func supportsAhwbClInterop() throws -> Bool {
        try value(false) { LiteRtEnvironmentSupportsAhwbClInterop(handle, &$0) }
    }

    public func supportsAhwbGlInterop() throws -> Bool {
        try value(false) { LiteRtEnvironmentSupportsAhwbGlInterop(handle, &$0) }
    }

    deinit {
        LiteRtDestroyEnvironment(handle)
    }
}
