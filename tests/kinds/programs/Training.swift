import Foundation
import PupilKit

/// Learns from the pictures of a file of cases; saves, forgets, and goes on from a file that Python wrote.
@main
enum Training {
    static func main() async throws {
        let arguments = CommandLine.arguments.map(URL.init(fileURLWithPath:))
        let cases = try String(contentsOf: arguments[1], encoding: .utf8).split(separator: "\n").map { line in
            let words = line.split(separator: " ").map(String.init)
            let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: words[2])))
            return (try BytePicture(data, width: Int(words[0])!, height: Int(words[1])!, format: .rgb), words[3])
        }
        let last = cases.last!.0
        let pupil = try await Pupil.open()
        func scores() throws -> [Float] {
            try pupil.look(last).categories.sorted { $0.index < $1.index }.map(\.score)
        }
        let new = try scores()
        var numbers: [Float] = []
        let examples = cases.dropLast().map { Pupil.TrainExample(what: $1, picture: $0) }
        for (number, rate) in [Float(0.5), 0.4, 0.3].enumerated() {
            let found = try await pupil.train(examples: Array(examples[number * 4..<number * 4 + 4]), rate: rate)
            numbers += [found.loss, found.most]
        }
        numbers += try scores()
        try await pupil.save().write(to: arguments[2])
        try await pupil.restore(Checkpoint(contentsOf: arguments[3]))
        numbers += try scores()
        print(numbers.map { "\($0)" }.joined(separator: " "))
        print(refused { _ = try pupil.train(examples: Array(examples.prefix(3)), rate: 0.1) })
        let damaged = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data(contentsOf: arguments[2]).dropLast().write(to: damaged)
        print(refused { try pupil.restore(Checkpoint(contentsOf: damaged)) })
        try pupil.reset()
        print("as new: \(try scores() == new)")
    }

    static func refused(_ block: () throws -> Void) -> String {
        do {
            try block()
            return "taken"
        } catch {
            return "\(error)"
        }
    }
}
