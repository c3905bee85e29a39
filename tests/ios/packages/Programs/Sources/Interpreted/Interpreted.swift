// Calls the classes of TensorFlowLiteSwift: Interpreted MODEL DELEGATE. Each line of stdin is a call, whose answer or
// error is a line of stdout.

import Foundation
import TensorFlowLite

@main
struct Interpreted {
    let interpreter: Interpreter

    static func main() {
        let (path, delegate) = (CommandLine.arguments[1], CommandLine.arguments[2])
        do {
            let program = try Interpreted(path, delegate)
            var runners: [String: SignatureRunner] = [:]
            while let line = readLine() {
                do {
                    print(try program.answer(line.split(separator: " ").map(String.init), path, &runners))
                } catch {
                    print("error: \(error)")
                }
            }
        } catch {
            print("error: \(error)")
        }
    }

    init(_ path: String, _ delegate: String) throws {
        var options = Interpreter.Options()
        options.threadCount = 1
        options.isXNNPackEnabled = delegate == "xnnpack"
        switch delegate {
        case "metal": interpreter = try Interpreter(modelPath: path, options: options, delegates: [MetalDelegate()])
        case "coreml":
            guard let coreML = CoreMLDelegate() else { fatalError("there is no Core ML") }
            interpreter = try Interpreter(modelPath: path, options: options, delegates: [coreML])
        case "data":
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            interpreter = try Interpreter(modelData: data)
        default: interpreter = try Interpreter(modelPath: path, options: options)
        }
    }

    func answer(_ call: [String], _ path: String, _ runners: inout [String: SignatureRunner]) throws -> String {
        let index = call.count > 1 ? Int(call[1]) ?? -1 : -1
        switch call[0] {
        case "counts":
            let keys = interpreter.signatureKeys.joined(separator: ",")
            return "\(interpreter.inputTensorCount) \(interpreter.outputTensorCount) \(keys)"
        case "allocate": try interpreter.allocateTensors()
        case "invoke": try interpreter.invoke()
        case "resize": try interpreter.resizeInput(at: index, to: shape(call[2]))
        case "copy": return text(try interpreter.copy(data(call[2], call[3]), toInputAt: index))
        case "input": return text(try interpreter.input(at: index))
        case "output": return text(try interpreter.output(at: index))
        case "coreml": return "\(CoreMLDelegate() == nil) \(everywhere() == nil)"
        case "threads": return threads(path, call[1])
        case "children": return children()
        case "runner":
            let runner = try interpreter.signatureRunner(with: call[1])
            runners[call[1]] = runner
            return "\(runner.signatureKey): \(runner.inputs) \(runner.outputs)"
        case "runner-resize": try runners[call[1]]?.resizeInput(named: call[2], toShape: shape(call[3]))
        case "runner-invoke":
            let inputs = try call[2].split(separator: ";").map { part in
                let fields = part.split(separator: "=").map(String.init)
                return (fields[0], try data(fields[1], fields[2]))
            }
            try runners[call[1]]?.invoke(with: Dictionary(uniqueKeysWithValues: inputs))
        case "runner-input": return try runners[call[1]].map { text(try $0.input(named: call[2])) } ?? ""
        case "runner-output": return try runners[call[1]].map { text(try $0.output(named: call[2])) } ?? ""
        default: fatalError(call[0])
        }
        return "done"
    }

    func everywhere() -> CoreMLDelegate? {
        var options = CoreMLDelegate.Options()
        options.enabledDevices = .all
        return CoreMLDelegate(options: options)
    }

    /// What several threads compute at once, each with an interpreter of its own.
    func threads(_ path: String, _ values: String) -> String {
        let answers = Answers()
        DispatchQueue.concurrentPerform(iterations: 3) { _ in
            do {
                let other = try Interpreted(path, "xnnpack").interpreter
                try other.allocateTensors()
                for _ in 0..<10 {
                    try other.copy(data("float", values), toInputAt: 0)
                    try other.invoke()
                    answers.add(text(try other.output(at: 0)))
                }
            } catch {
                answers.add("error: \(error)")
            }
        }
        return answers.all.sorted().joined(separator: " ")
    }

    /// How many processes this one has, after those of interpreters that are gone.
    func children() -> String {
        let own = getpid()
        let tasks = "/proc/\(own)/task"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
        let found = threads.compactMap { try? String(contentsOfFile: "\(tasks)/\($0)/children", encoding: .utf8) }
        return "\(found.flatMap { $0.split(separator: " ") }.count)"
    }
}

func shape(_ text: String) -> Tensor.Shape {
    Tensor.Shape(text.split(separator: ",").compactMap { Int($0) })
}

func data(_ type: String, _ text: String) throws -> Data {
    let values = text.split(separator: ",").map(String.init)
    switch type {
    case "float": return values.compactMap { Float($0) }.withUnsafeBytes { Data($0) }
    case "int16": return values.compactMap { Int16($0) }.withUnsafeBytes { Data($0) }
    default: return values.compactMap { Int8($0) }.withUnsafeBytes { Data($0) }
    }
}

/// "NAME TYPE SHAPE QUANTIZATION VALUES".
func text(_ tensor: Tensor) -> String {
    let values =
        switch tensor.dataType {
        case .float32: tensor.data.withUnsafeBytes { $0.bindMemory(to: Float.self).map(\.description) }
        case .int16: tensor.data.withUnsafeBytes { $0.bindMemory(to: Int16.self).map(\.description) }
        default: fatalError("\(tensor.dataType)")
        }
    let sizes = tensor.shape.dimensions.map(\.description).joined(separator: ",")
    let quantization = tensor.quantizationParameters.map { "\($0.scale)/\($0.zeroPoint)" } ?? "-"
    return "\(tensor.name) \(tensor.dataType) \(sizes) \(quantization) \(values.joined(separator: ","))"
}

final class Answers: @unchecked Sendable {
    private let lock = NSLock()
    private var found: Set<String> = []

    var all: Set<String> { lock.withLock { found } }

    func add(_ answer: String) {
        lock.withLock { _ = found.insert(answer) }
    }
}
