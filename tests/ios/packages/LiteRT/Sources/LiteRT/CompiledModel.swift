import CLiteRT
import Foundation

public final class CompiledModel {
    public let environment: Environment
    public let options: Options?
    private let loaded: Loaded
    /// The runtime reads it where it is.
    private let data: Data?

    public init(filePath: String, environment: Environment, options: Options? = nil) throws {
        let options = try options ?? Self.defaultOptions()
        loaded = try Loaded(environment, options) { LiteRtCreateModelFromFile(environment.handle, filePath, &$0) }
        data = nil
        self.environment = environment
        self.options = options
    }

    public init(data: Data, environment: Environment, options: Options? = nil) throws {
        let options = try options ?? Self.defaultOptions()
        loaded = try Loaded(environment, options) { model in
            data.withUnsafeBytes { bytes in
                guard let start = bytes.baseAddress else { return kLiteRtStatusErrorInvalidArgument }
                return LiteRtCreateModelFromBuffer(environment.handle, start, bytes.count, &model)
            }
        }
        self.data = data
        self.environment = environment
        self.options = options
    }

    public init(fd: Int32, offset: Int, size: Int, environment: Environment, options: Options? = nil) throws {
        let options = try options ?? Self.defaultOptions()
        loaded = try Loaded(environment, options) {
            LiteRtCreateModelFromFd(environment.handle, fd, offset, size, &$0)
        }
        data = nil
        self.environment = environment
        self.options = options
    }

    private static func defaultOptions() throws -> Options {
        let options = try Options()
        try options.setHardwareAccelerators([.cpu])
        return options
    }

    public func metadata(key: String) throws -> Data {
        var start: UnsafeRawPointer?
        var size = 0
        try check(LiteRtGetModelMetadata(loaded.model, key, &start, &size))
        guard let start else { throw LiteRtError.notFound }
        return Data(bytes: start, count: size)
    }

    public func addMetadata(key: String, data: Data) throws {
        try check(data.withUnsafeBytes { LiteRtAddModelMetadata(loaded.model, key, $0.baseAddress, $0.count) })
    }

    public func signatureKeys() throws -> [String] {
        let count = try value(0) { LiteRtGetNumModelSignatures(loaded.model, &$0) }
        return try (0..<count).map { index in
            let signature = try signature(Int(index))
            return try text { LiteRtGetSignatureKey(signature, &$0) }
        }
    }

    public func run(
        inputs: [TensorBuffer],
        outputs: [TensorBuffer],
        options: Options? = nil,
        signatureIndex: Int = 0
    ) throws {
        var given = inputs.map { Optional($0.handle) }
        var taken = outputs.map { Optional($0.handle) }
        let (compiled, index) = (loaded.compiled, LiteRtParamIndex(signatureIndex))
        let status =
            if let options {
                withExtendedLifetime(options) {
                    LiteRtRunCompiledModelWithOptions(
                        compiled, index, given.count, &given, taken.count, &taken, options.handle)
                }
            } else {
                LiteRtRunCompiledModel(compiled, index, given.count, &given, taken.count, &taken)
            }
        try check(status)
    }

    public func run(
        inputs: [TensorBuffer],
        options: Options? = nil,
        signatureIndex: Int = 0
    ) throws -> [TensorBuffer] {
        let outputs = try createOutputBuffers(signatureIndex: signatureIndex)
        try run(inputs: inputs, outputs: outputs, options: options, signatureIndex: signatureIndex)
        return outputs
    }

    public func dispatch(
        inputs: [TensorBuffer],
        outputs: [TensorBuffer],
        options: Options? = nil,
        signatureIndex: Int = 0
    ) throws -> Bool {
        var given = inputs.map { Optional($0.handle) }
        var taken = outputs.map { Optional($0.handle) }
        var isAsync = false
        let (compiled, index) = (loaded.compiled, LiteRtParamIndex(signatureIndex))
        let status =
            if let options {
                withExtendedLifetime(options) {
                    LiteRtRunCompiledModelAsyncWithOptions(
                        compiled, index, given.count, &given, taken.count, &taken, &isAsync, options.handle)
                }
            } else {
                LiteRtRunCompiledModelAsync(compiled, index, given.count, &given, taken.count, &taken, &isAsync)
            }
        try check(status)
        return isAsync
    }

    public func dispatch(
        inputs: [TensorBuffer],
        options: Options? = nil,
        signatureIndex: Int = 0
    ) throws -> (buffers: [TensorBuffer], isAsync: Bool) {
        let outputs = try createOutputBuffers(signatureIndex: signatureIndex)
        let isAsync = try dispatch(inputs: inputs, outputs: outputs, options: options, signatureIndex: signatureIndex)
        return (outputs, isAsync)
    }

    public func createInputBuffers(signatureIndex: Int = 0) throws -> [TensorBuffer] {
        try (0..<inputCount(signatureIndex: signatureIndex)).map { index in
            try buffer(
                getInputBufferRequirements(inputIndex: index, signatureIndex: signatureIndex),
                getInputTensorType(inputIndex: index, signatureIndex: signatureIndex))
        }
    }

    public func createOutputBuffers(signatureIndex: Int = 0) throws -> [TensorBuffer] {
        try (0..<outputCount(signatureIndex: signatureIndex)).map { index in
            try buffer(
                getOutputBufferRequirements(outputIndex: index, signatureIndex: signatureIndex),
                getOutputTensorType(outputIndex: index, signatureIndex: signatureIndex))
        }
    }

    /// The type is the file's, as in the real class: what was resized has another shape, which a run refuses.
    private func buffer(_ requirements: TensorBufferRequirements, _ type: TensorType) throws -> TensorBuffer {
        try TensorBuffer(
            environment: environment, bufferType: requirements.supportedTypes.first ?? .hostMemory, tensorType: type,
            size: requirements.bufferSize)
    }

    public func inputCount(signatureIndex: Int = 0) throws -> Int {
        let signature = try signature(signatureIndex)
        return try Int(value(0) { LiteRtGetNumSignatureInputs(signature, &$0) })
    }

    public func outputCount(signatureIndex: Int = 0) throws -> Int {
        let signature = try signature(signatureIndex)
        return try Int(value(0) { LiteRtGetNumSignatureOutputs(signature, &$0) })
    }

    public func inputName(
        inputIndex: Int,
        signatureIndex: Int = 0
    ) throws -> String {
        let signature = try signature(signatureIndex)
        return try text { LiteRtGetSignatureInputName(signature, LiteRtParamIndex(inputIndex), &$0) }
    }

    public func outputName(
        outputIndex: Int,
        signatureIndex: Int = 0
    ) throws -> String {
        let signature = try signature(signatureIndex)
        return try text { LiteRtGetSignatureOutputName(signature, LiteRtParamIndex(outputIndex), &$0) }
    }

    public func getInputBufferRequirements(
        inputIndex: Int,
        signatureIndex: Int = 0
    ) throws -> TensorBufferRequirements {
        try TensorBufferRequirements(
            handle: made {
                LiteRtGetCompiledModelInputBufferRequirements(
                    loaded.compiled, LiteRtParamIndex(signatureIndex), LiteRtParamIndex(inputIndex), &$0)
            })
    }

    public func getOutputBufferRequirements(
        outputIndex: Int,
        signatureIndex: Int = 0
    ) throws -> TensorBufferRequirements {
        try TensorBufferRequirements(
            handle: made {
                LiteRtGetCompiledModelOutputBufferRequirements(
                    loaded.compiled, LiteRtParamIndex(signatureIndex), LiteRtParamIndex(outputIndex), &$0)
            })
    }

    public func getInputTensorType(
        inputIndex: Int,
        signatureIndex: Int = 0
    ) throws -> TensorType {
        let signature = try signature(signatureIndex)
        return try type { LiteRtGetSignatureInputTensorByIndex(signature, LiteRtParamIndex(inputIndex), &$0) }
    }

    public func getOutputTensorType(
        outputIndex: Int,
        signatureIndex: Int = 0
    ) throws -> TensorType {
        let signature = try signature(signatureIndex)
        return try type { LiteRtGetSignatureOutputTensorByIndex(signature, LiteRtParamIndex(outputIndex), &$0) }
    }

    public func getInputTensorLayout(
        inputIndex: Int,
        signatureIndex: Int = 0
    ) throws -> Layout {
        let layout = try value(LiteRtLayout()) {
            LiteRtGetCompiledModelInputTensorLayout(
                loaded.compiled, LiteRtParamIndex(signatureIndex), LiteRtParamIndex(inputIndex), &$0)
        }
        return Layout(layout)
    }

    public func getOutputTensorLayouts(
        signatureIndex: Int = 0,
        updateAllocation: Bool = true
    ) throws -> [Layout] {
        let count = try outputCount(signatureIndex: signatureIndex)
        guard count > 0 else { return [] }
        var layouts = [LiteRtLayout](repeating: LiteRtLayout(), count: count)
        try check(
            LiteRtGetCompiledModelOutputTensorLayouts(
                loaded.compiled, LiteRtParamIndex(signatureIndex), count, &layouts, updateAllocation))
        return layouts.map { Layout($0) }
    }

    public func isFullyAccelerated() throws -> Bool {
        // An accelerator without the CPU takes all of a model, or there is no compiled model.
        if loaded.isWithoutCPU { return true }
        return try value(false) { LiteRtCompiledModelIsFullyAccelerated(loaded.compiled, &$0) }
    }

    public func resizeInputTensor(
        inputIndex: Int,
        dimensions: [Int],
        signatureIndex: Int = 0
    ) throws {
        try check(
            LiteRtCompiledModelResizeInputTensor(
                loaded.compiled, LiteRtParamIndex(signatureIndex), LiteRtParamIndex(inputIndex),
                dimensions.map { Int32($0) }, dimensions.count))
    }

    public func resizeInputTensorNonStrict(
        inputIndex: Int,
        dimensions: [Int],
        signatureIndex: Int = 0
    ) throws {
        try check(
            LiteRtCompiledModelResizeInputTensorNonStrict(
                loaded.compiled, LiteRtParamIndex(signatureIndex), LiteRtParamIndex(inputIndex),
                dimensions.map { Int32($0) }, dimensions.count))
    }

    public func clearErrors() throws {
        try check(LiteRtCompiledModelClearErrors(loaded.compiled))
    }

    public func getErrorMessages() throws -> String {
        let messages: UnsafeMutablePointer<CChar> = try made {
            LiteRtCompiledModelGetErrorMessages(loaded.compiled, &$0)
        }
        defer { free(messages) }
        return String(cString: messages)
    }

    public func setCancellationFunction(
        userData: UnsafeMutableRawPointer? = nil,
        checkCancelledFunc: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Bool
    ) throws {
        try check(LiteRtSetCompiledModelCancellationFunction(loaded.compiled, userData, checkCancelledFunc))
    }

    private func signature(_ index: Int) throws -> LiteRtSignature {
        try made { LiteRtGetModelSignature(loaded.model, LiteRtParamIndex(index), &$0) }
    }

    private func text(_ get: (inout UnsafePointer<CChar>?) -> LiteRtStatus) throws -> String {
        try String(cString: made(get))
    }

    private func type(_ get: (inout LiteRtTensor?) -> LiteRtStatus) throws -> TensorType {
        let tensor = try made(get)
        return try TensorType(value(LiteRtRankedTensorType()) { LiteRtGetRankedTensorType(tensor, &$0) })
    }
}

/// A model of a file and what the runtime made of it.
private final class Loaded {
    /// It has to outlive what was made in it.
    private let environment: Environment
    let model: LiteRtModel
    let compiled: LiteRtCompiledModel
    let isWithoutCPU: Bool

    /// Where the device has no such accelerator this is what LiteRT does that finds none: the CPU runs the model if the
    /// options have it, and else there is a compilation error. Where it has one, the CPU acts for it.
    init(_ environment: Environment, _ options: Options, _ create: (inout LiteRtModel?) -> LiteRtStatus) throws {
        let model = try made(create)
        do {
            let asked = try options.hardwareAccelerators()
            let found = [(Accelerator.npu, Testbed.npu), (.gpu, Testbed.gpu)].filter { accelerator, presence in
                asked.contains(accelerator) && presence != .absent
            }
            if found.contains(where: { $0.1 == .failing }) { throw LiteRtError.compilation }
            if !found.isEmpty { try options.setHardwareAccelerators([.cpu]) }
            defer { if !found.isEmpty { try? options.setHardwareAccelerators(asked) } }
            compiled = try made { LiteRtCreateCompiledModel(environment.handle, model, options.handle, &$0) }
            isWithoutCPU = !found.isEmpty && !asked.contains(.cpu)
            if found.contains(where: { $0.0 == .gpu }) { environment.usesGPU = true }
            Testbed.log("LiteRT \(found.first?.0 ?? .cpu)")
        } catch {
            LiteRtDestroyModel(model)
            throw error
        }
        self.environment = environment
        self.model = model
    }

    deinit {
        LiteRtDestroyCompiledModel(compiled)
        LiteRtDestroyModel(model)
    }
}
