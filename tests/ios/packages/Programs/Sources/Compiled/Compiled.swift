// Calls the classes of LiteRT: Compiled MODEL ACCELERATOR,... Each line of stdin is a call, whose answer or error is a
// line of stdout.

import Foundation
import LiteRT

@main
struct Compiled {
    let environment: Environment
    let model: CompiledModel

    static func main() {
        let path = CommandLine.arguments[1]
        do {
            let program = try Compiled(path, CommandLine.arguments[2].split(separator: ","))
            while let line = readLine() {
                do {
                    print(try program.answer(line.split(separator: " ").map(String.init), path))
                } catch {
                    print("error: \(error)")
                }
            }
        } catch {
            print("error: \(error)")
        }
    }

    init(_ path: String, _ accelerators: [Substring]) throws {
        let all: [Substring: Accelerator] = ["cpu": .cpu, "gpu": .gpu, "npu": .npu]
        let options = try Options()
        try options.setHardwareAccelerators(Set(accelerators.compactMap { all[$0] }))
        environment = try Environment()
        model = try CompiledModel(filePath: path, environment: environment, options: options)
    }

    func answer(_ call: [String], _ path: String) throws -> String {
        switch call[0] {
        case "signatures":
            return try model.signatureKeys().enumerated().map { index, key in
                let inputs = try (0..<model.inputCount(signatureIndex: index)).map { input in
                    let type = try model.getInputTensorType(inputIndex: input, signatureIndex: index)
                    let name = try model.inputName(inputIndex: input, signatureIndex: index)
                    return "\(name):\(type.elementType)\(type.layout.dimensions)"
                }
                let outputs = try (0..<model.outputCount(signatureIndex: index)).map { output in
                    try model.outputName(outputIndex: output, signatureIndex: index)
                }
                return "\(key)(\(inputs.joined(separator: ", "))) -> \(outputs.joined(separator: ", "))"
            }.joined(separator: "; ")
        case "run":
            switch call[2] {
            case "float": return try run(call[1], call[3], Float.self)
            case "int16": return try run(call[1], call[3], Int16.self)
            default: return try run(call[1], call[3], Int8.self)
            }
        case "resized": return try resized(call[1])
        case "resized-and-made":
            try model.resizeInputTensor(inputIndex: 0, dimensions: [3, 8])
            let inputs = try model.createInputBuffers()
            return "\(inputs[0].size) of \(inputs[0].bufferSize)"
        case "resize":
            try model.resizeInputTensor(inputIndex: 0, dimensions: call[1].split(separator: ",").compactMap { Int($0) })
            return "resized"
        case "write":
            let input = try model.createInputBuffers()[0]
            try input.write([Float](repeating: 1, count: Int(call[1]) ?? 0))
            return try "\((input.read() as [Int8]).count) \(input.tensorType?.layout.dimensions ?? [])"
        case "run-without":
            return try "\(model.run(inputs: []).count)"
        case "of-data":
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            return try CompiledModel(data: data, environment: environment).signatureKeys().joined(separator: ",")
        case "accelerated": return try "\(model.isFullyAccelerated()) \(environment.hasGpuEnvironment())"
        case "options":
            return try model.options?.hardwareAccelerators().map(\.rawValue).sorted().description ?? ""
        case "threads":
            return try threads(call[1], path)
        default: fatalError(call[0])
        }
    }

    func run<Number: LosslessStringConvertible>(_ index: String, _ text: String, _: Number.Type) throws -> String {
        let index = Int(index) ?? -1
        let inputs = try model.createInputBuffers(signatureIndex: index)
        for (buffer, values) in zip(inputs, text.split(separator: ";")) {
            try buffer.write(values.split(separator: ",").compactMap { Number(String($0)) })
        }
        let outputs = try model.run(inputs: inputs, signatureIndex: index)
        return try outputs.map { try ($0.read() as [Number]).map(\.description).joined(separator: ",") }
            .joined(separator: ";")
    }

    /// Runs a file with a dynamic first size: buffers have to be made for the shape that there is.
    func resized(_ text: String) throws -> String {
        let values = text.split(separator: ",").compactMap { Float($0) }
        let layout = Layout(dimensions: [values.count / 8, 8])
        try model.resizeInputTensor(inputIndex: 0, dimensions: layout.dimensions)
        let input = try buffer(layout)
        try input.write(values)
        let shapes = try model.getOutputTensorLayouts()
        // What the runtime tells before the run may be the shape of the run before.
        let output = try buffer(Layout(dimensions: [max(values.count / 8, shapes[0].dimensions[0]), 6]))
        try model.run(inputs: [input], outputs: [output])
        let ran = try model.getOutputTensorLayouts(updateAllocation: false)[0]
        let found: [Float] = try output.read()
        return found.prefix(ran.elementCount ?? 0).map(\.description).joined(separator: ",")
    }

    func buffer(_ layout: Layout) throws -> TensorBuffer {
        try TensorBuffer(
            environment: environment, bufferType: .hostMemory,
            tensorType: TensorType(elementType: .float32, layout: layout), size: 4 * (layout.elementCount ?? 0))
    }

    /// Runs what each of several threads compiles for itself.
    func threads(_ text: String, _ path: String) throws -> String {
        let answers = Answers()
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            do {
                for _ in 0..<5 { answers.add(try Compiled(path, ["cpu"]).run("0", text, Float.self)) }
            } catch {
                answers.add("error: \(error)")
            }
        }
        return answers.all.sorted().joined(separator: " ")
    }
}

final class Answers: @unchecked Sendable {
    private let lock = NSLock()
    private var found: Set<String> = []

    var all: Set<String> { lock.withLock { found } }

    func add(_ answer: String) {
        lock.withLock { _ = found.insert(answer) }
    }
}
