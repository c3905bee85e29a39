import Foundation
import LevelKit
import WordsKit

func pushed<Heard>(_ samples: [Int16], _ pieces: [Int], _ push: ([Int16]) throws -> [Heard]) rethrows -> [Heard] {
    var found: [Heard] = []
    var (start, turn) = (0, 0)
    while start < samples.count {
        let count = min(pieces[turn % pieces.count], samples.count - start)
        found += try push(Array(samples[start..<start + count]))
        start += count
        turn += 1
    }
    return found
}

/// For each line NAME RATE CHANNELS PIECES... FILE what is heard of each window, as the bits of doubles.
@main
enum Streams {
    static func main() throws {
        let (words, level) = (try Words(), try Level())
        let text = try String(contentsOfFile: CommandLine.arguments[1], encoding: .utf8)
        for line in text.split(separator: "\n") {
            let given = line.split(separator: " ").map(String.init)
            let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: given.last ?? "")))
            let samples = stride(from: 0, to: data.count, by: 2).map {
                Int16(bitPattern: UInt16(data[$0]) | UInt16(data[$0 + 1]) << 8)
            }
            let numbers = given.dropFirst().dropLast().compactMap { Int($0) }
            let (rate, channels) = (numbers[0], numbers[1])
            let pieces = numbers.dropFirst(2).map { $0 * channels }
            var rows: [[Double]] = []
            if given[0] == "words" {
                let stream = try words.makeStream(sampleRate: rate, channels: channels, locale: "de-AT")
                _ = try pushed(samples, pieces, stream.push)
                try stream.reset()
                rows = try pushed(samples, pieces, stream.push).map { moment in
                    var scores = [Double](repeating: -1, count: 3)
                    for category in moment.result.classification.categories {
                        scores[category.index] = Double(category.score)
                    }
                    if let heard = moment.result.heard {
                        precondition(heard.label == ["Stille", "Brummen", "Zischen"][heard.index])
                    }
                    return [moment.end, Double(moment.result.heard?.index ?? -1)] + scores
                }
            } else {
                let stream = try level.makeStream(sampleRate: rate, channels: channels)
                _ = try pushed(samples, pieces, stream.push)
                try stream.reset()
                rows = try pushed(samples, pieces, stream.push).map { [$0.end, Double($0.result[0])] }
            }
            let lines = rows.map { $0.map { String(Int64(bitPattern: $0.bitPattern)) }.joined(separator: " ") }
            print(lines.joined(separator: "|"))
        }
    }
}
