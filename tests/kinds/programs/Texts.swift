import BertKit
import DelimitedKit
import Foundation
import PairKit
import PiecesKit

struct Bytes: SentencePiece {
    func encode(_ text: String) -> [Int32] { text.utf8.map { Int32($0) % 28 } }
}

/// The scores of four models for each text of a file, as bits; a pair is the text before and the text.
@main
enum Texts {
    static func main() throws {
        let (bert, pair, delimited) = (try Bert(), try Pair(), try Delimited())
        let pieces = try Pieces(textPieces: Bytes())
        var data = try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1]))
        var texts: [String] = []
        while !data.isEmpty {
            let length = data.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            texts.append(String(decoding: data.dropFirst(4).prefix(length), as: UTF8.self))
            data = Data(data.dropFirst(4 + length))
        }
        for (place, text) in texts.enumerated() {
            let before = texts[(place + texts.count - 1) % texts.count]
            let scores = [
                try bert.predict(text), try pair.predict(TextPair(first: before, second: text)),
                try delimited.predict(text), try pieces.predict(text),
            ]
            print(scores.map { $0.map { String($0.bitPattern) }.joined(separator: " ") }.joined(separator: "|"))
        }
    }
}
