import Foundation

public final class Interpreter {
    public let options: Options?
    public let delegates: [Delegate]?
    let engine: Engine
    let signatures: [Engine.Signature]
    private let inputs: [Int]
    private let outputs: [Int]

    public var inputTensorCount: Int {
        inputs.count
    }

    public var outputTensorCount: Int {
        outputs.count
    }

    public var signatureKeys: [String] {
        signatures.map(\.key)
    }

    public convenience init(modelPath: String, options: Options? = nil, delegates: [Delegate]? = nil) throws {
        guard !modelPath.isEmpty else { throw InterpreterError.failedToLoadModel }
        try self.init(path: modelPath, content: Data(), options: options, delegates: delegates)
    }

    public convenience init(modelData: Data, options: Options? = nil, delegates: [Delegate]? = nil) throws {
        try self.init(path: nil, content: modelData, options: options, delegates: delegates)
    }

    private init(path: String?, content: Data, options: Options?, delegates: [Delegate]?) throws {
        let engine = Engine()
        let threads = max(1, options?.threadCount ?? 1)
        let xnnpack = options?.isXNNPackEnabled ?? false
        let opened = engine.open(path: path, content: content, threads: threads, xnnpack: xnnpack)
        guard let inputs = opened.inputs, let outputs = opened.outputs, let signatures = opened.signatures else {
            // Bytes are looked at only when the interpreter is made of them.
            let isUnreadable = path != nil && opened.isModel == false
            throw isUnreadable ? InterpreterError.failedToLoadModel : .failedToCreateInterpreter
        }
        let names = (delegates ?? []).map { delegate in
            switch delegate {
            case is MetalDelegate: "metal"
            case is CoreMLDelegate: "coreml"
            default: fatalError("the stand-in knows no delegates but Metal's and Core ML's")
            }
        }
        if xnnpack || names.contains("metal") {
            // A delegate that fails is no reason to run without: see TfLiteInterpreterCreate. These allocate tensors
            // when they are applied, and refuse graphs with dynamic ones, which have no memory before a run (XNNPACK
            // no more in later releases).
            guard !names.contains("metal") || Testbed.metal == .present, engine.allocate(subgraph: nil),
                outputs.allSatisfy({ !engine.tensor(Engine.Port(subgraph: 0, index: $0)).1.isEmpty })
            else { throw InterpreterError.failedToCreateInterpreter }
        }
        Testbed.log("TensorFlowLite \(names.first ?? "cpu")")
        self.options = options
        self.delegates = delegates
        self.engine = engine
        self.signatures = signatures
        self.inputs = inputs
        self.outputs = outputs
    }

    public func invoke() throws {
        guard engine.invoke(subgraph: 0) else { throw InterpreterError.allocateTensorsRequired }
    }

    public func input(at index: Int) throws -> Tensor {
        try tensor(port(index, of: inputs), otherwise: .allocateTensorsRequired)
    }

    public func output(at index: Int) throws -> Tensor {
        try tensor(port(index, of: outputs), otherwise: .invokeInterpreterRequired)
    }

    public func resizeInput(at index: Int, to shape: Tensor.Shape) throws {
        guard try engine.resize(port(index, of: inputs), to: shape.dimensions, strict: false) else {
            throw InterpreterError.failedToResizeInputTensor(index: index)
        }
    }

    @discardableResult
    public func copy(_ data: Data, toInputAt index: Int) throws -> Tensor {
        let port = try port(index, of: inputs)
        let size = engine.state(port).byteCount
        guard data.count == size else {
            throw InterpreterError.invalidTensorDataCount(provided: data.count, required: size)
        }
        engine.set(port, to: data)
        return try input(at: index)
    }

    public func allocateTensors() throws {
        guard engine.allocate(subgraph: nil) else { throw InterpreterError.failedToAllocateTensors }
    }

    public func signatureRunner(with key: String) throws -> SignatureRunner {
        guard let signature = signatures.first(where: { $0.key == key }) else {
            throw SignatureRunnerError.failedToCreateSignatureRunner(signatureKey: key)
        }
        return try SignatureRunner(interpreter: self, signature: signature)
    }

    private func port(_ index: Int, of tensors: [Int]) throws -> Engine.Port {
        guard tensors.indices.contains(index) else {
            throw InterpreterError.invalidTensorIndex(index: index, maxIndex: tensors.count - 1)
        }
        return Engine.Port(subgraph: 0, index: tensors[index])
    }

    private func tensor(_ port: Engine.Port, otherwise error: InterpreterError) throws -> Tensor {
        let (state, data) = engine.tensor(port)
        guard !data.isEmpty else { throw error }
        guard let tensor = Tensor(state, data) else { throw InterpreterError.invalidTensorDataType }
        return tensor
    }
}

extension Interpreter {
    public struct Options: Equatable, Hashable {
        public var threadCount: Int? = nil
        public var isXNNPackEnabled: Bool = false

        public init() {}
    }
}

@available(*, deprecated, renamed: "Interpreter.Options")
public typealias InterpreterOptions = Interpreter.Options
