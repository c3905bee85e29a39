import Dispatch
import Foundation
import GpuKit

final class Found: @unchecked Sendable {
    private let lock = NSLock()
    private var values: Set<Classification> = []

    func insert(_ value: Classification) { lock.withLock { _ = values.insert(value) } }

    var count: Int { lock.withLock { values.count } }
}

@main
enum Calls {
    static let image = (0..<128).map { Float($0) / 128 }

    static func main() async throws {
        do {
            try await call(CommandLine.arguments[1...].joined(separator: " "))
        } catch let error as ModelError {
            print(said(error))
        }
    }

    static func said(_ error: ModelError) -> String {
        switch error {
        case .invalidArgument(let reason): "invalidArgument: \(reason)"
        case .cannotOpen(let reason): "cannotOpen: \(reason)"
        case .cannotRun(let reason): "cannotRun: \(reason)"
        }
    }

    static func call(_ what: String) async throws {
        let model = try await Gpu.open(accelerators: [.cpu])
        switch what {
        case "tasks":
            let all = try await withThrowingTaskGroup(of: Classification.self) { group in
                for _ in 0..<50 { group.addTask { try await model.classify(image, maxResults: 2) } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            print(all.count)
        case "threads": print(threads(model))
        case "size": _ = try await model.classify(Array(image.dropLast()))
        case "tensors": try tensors(model)
        case "awaited tensors":
            var tensors = GpuTensors()
            tensors.image = image
            try await model.run(&tensors)
            print(tensors.probabilities.contains { $0 != 0 })
        case "short tensors":
            var tensors = GpuTensors()
            tensors.image.removeLast()
            try await model.run(&tensors)
        case "chosen":
            let second = try await model.classify(image, maxResults: 2).categories[1].score
            let found = try await model.classify(image, maxResults: 3, minScore: second)
            print(found.categories.map { $0.score >= second })
        case "most": _ = try await model.classify(image, maxResults: 0)
        default: fatalError(what)
        }
    }

    /// Calls that block, from several threads.
    static func threads(_ model: Gpu) -> Int {
        let found = Found()
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<50 { if let one = try? model.classify(image) { found.insert(one) } }
        }
        return found.count
    }

    /// The same values as those of the call, in memory that is used again.
    static func tensors(_ model: Gpu) throws {
        var tensors = GpuTensors()
        tensors.image = image
        let before = tensors.probabilities.withUnsafeBufferPointer { $0.baseAddress }
        for _ in 0..<3 { try model.run(&tensors) }
        let after = tensors.probabilities.withUnsafeBufferPointer { $0.baseAddress }
        let best = try model.classify(image, maxResults: 1).top
        print(best.map { tensors.probabilities[$0.index] == $0.score } ?? false, before == after)
    }
}
