import Dispatch
import Foundation
import GpuKit

final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0

    func increase() { lock.withLock { value += 1 } }

    var count: Int { lock.withLock { value } }
}

@main
enum Calls {
    static let image = image(0)

    /// Another one for each number, which others find other classes in.
    static func image(_ number: Int) -> [Float] { (0..<128).map { Float(($0 * (number + 1)) % 128) / 128 } }

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
            let alone = try (0..<50).map { try blocking(model, $0) }
            let all = try await withThrowingTaskGroup(of: (Int, Classification).self) { group in
                for n in 0..<50 { group.addTask { (n, try await model.classify(image(n))) } }
                return try await group.reduce(into: [Int: Classification]()) { $0[$1.0] = $1.1 }
            }
            print(Set(alone).count, (0..<50).allSatisfy { all[$0] == alone[$0] })
        case "threads": try threads(model)
        case "size": _ = try await model.classify(Array(image.dropLast()))
        case "tensors": try tensors(model)
        case "awaited tensors":
            var tensors = GpuTensors()
            tensors.image = image
            let before = tensors.probabilities.withUnsafeBufferPointer { $0.baseAddress }
            try await model.run(&tensors)
            let after = tensors.probabilities.withUnsafeBufferPointer { $0.baseAddress }
            print(tensors.probabilities.contains { $0 != 0 }, tensors.image == image, before == after)
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

    static func blocking(_ model: Gpu, _ number: Int) throws -> Classification {
        try model.classify(image(number))
    }

    /// Calls that block, from several threads, each with pictures of its own.
    static func threads(_ model: Gpu) throws {
        let alone = try (0..<8).map { try blocking(model, $0) }
        let right = Counter()
        DispatchQueue.concurrentPerform(iterations: 8) { n in
            for _ in 0..<200 { if let one = try? blocking(model, n), one == alone[n] { right.increase() } }
        }
        print(right.count)
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
