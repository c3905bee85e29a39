import Foundation

public final class SignatureRunner {
    public let signatureKey: String
    /// A strong reference, as in the real class: a runner works as long as anybody has it.
    private let interpreter: Interpreter
    private let signature: Engine.Signature
    private var needsAllocation = true

    public var inputs: [String] {
        signature.inputs.keys.sorted()  // as the runtime has them, in a std::map
    }

    public var outputs: [String] {
        signature.outputs.keys.sorted()
    }

    init(interpreter: Interpreter, signature: Engine.Signature) throws {
        signatureKey = signature.key
        self.interpreter = interpreter
        self.signature = signature
        try allocateTensors()
    }

    public func invoke(with inputs: [String: Data]) throws {
        try allocateTensors()
        for (name, data) in inputs { try copy(data, toInputNamed: name) }
        guard interpreter.engine.invoke(subgraph: signature.subgraph) else {
            throw SignatureRunnerError.failedToInvokeSignature(signatureKey: signatureKey)
        }
    }

    public func input(named name: String) throws -> Tensor {
        try tensor(port(name, of: signature.inputs, "input"))
    }

    public func output(named name: String) throws -> Tensor {
        try tensor(port(name, of: signature.outputs, "output"))
    }

    public func resizeInput(named name: String, toShape shape: Tensor.Shape) throws {
        // Strictly: a size that the file fixes stays, unlike Interpreter.resizeInput(at:to:).
        guard let port = try? port(name, of: signature.inputs, "input"),
            interpreter.engine.resize(port, to: shape.dimensions, strict: true)
        else { throw SignatureRunnerError.failedToResizeInputTensor(inputName: name) }
        needsAllocation = true
    }

    public func copy(_ data: Data, toInputNamed name: String) throws {
        let port = try port(name, of: signature.inputs, "input")
        let size = interpreter.engine.state(port).byteCount
        guard data.count == size else {
            throw SignatureRunnerError.invalidTensorDataCount(provided: data.count, required: size)
        }
        interpreter.engine.set(port, to: data)
    }

    public func allocateTensors() throws {
        guard needsAllocation else { return }
        guard interpreter.engine.allocate(subgraph: signature.subgraph) else {
            throw SignatureRunnerError.failedToAllocateTensors
        }
        needsAllocation = false
    }

    private func port(_ name: String, of tensors: [String: Int], _ kind: String) throws -> Engine.Port {
        guard let index = tensors[name] else {
            throw SignatureRunnerError.failedToGetTensor(tensorType: kind, nameInSignature: name)
        }
        return Engine.Port(subgraph: signature.subgraph, index: index)
    }

    private func tensor(_ port: Engine.Port) throws -> Tensor {
        let (state, data) = interpreter.engine.tensor(port)
        guard !data.isEmpty else { throw SignatureRunnerError.allocateTensorsRequired }
        guard let tensor = Tensor(state, data) else { throw SignatureRunnerError.invalidTensorDataType }
        return tensor
    }
}
