import Foundation

/// For each text of a file its words, or its ids, a line each in another file.
@main
struct Tokens {
    static func main() throws {
        let files = CommandLine.arguments.dropFirst().map { URL(fileURLWithPath: $0) }
        let tokens = try Vocabulary.tokens(rows(files[0]))
        let words = try Vocabulary.numbered(rows(files[1]))
        var data = try [UInt8](Data(contentsOf: files[2]))[...]
        func number() -> Int {
            defer { data = data.dropFirst(4) }
            return data.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        }
        func text() -> String {
            let size = number()
            defer { data = data.dropFirst(size) }
            return String(decoding: data.prefix(size), as: UTF8.self)
        }
        var found: [String] = []
        while let flags = data.popFirst() {
            let length = number()
            var steps: [@Sendable ([UInt32]) -> [UInt32]] = []
            if flags & 1 != 0 { steps.append(Accents.strip) }
            if flags & 2 != 0 { steps.append(LowerCase.of) }
            let tokenizer = BertTokenizer(vocabulary: tokens, steps: steps, length: length)
            switch flags >> 2 {
            case 0: found.append(told(tokenizer.encode(text())))
            case 1: found.append(told(tokenizer.encode(TextPair(first: text(), second: text()))))
            case 2: found.append(tokenizer.words(text()).map(word).joined(separator: " "))
            default:
                let runs = text().split(separator: " ").compactMap { UInt32($0) }
                let own = RegexTokenizer(vocabulary: words, delimiters: runs, length: length)
                found.append(told(own.encode(text())))
            }
        }
        try Data((found.joined(separator: "\n") + "\n").utf8).write(to: files[3])
    }

    static func rows(_ file: URL) throws -> [[UInt8]] {
        try Data(contentsOf: file).split(separator: 10, omittingEmptySubsequences: false).map([UInt8].init)
    }

    static func told(_ ids: TextIds) -> String {
        [ids.ids, ids.mask, ids.segments].map { $0.map(String.init).joined(separator: ",") }.joined(separator: " ")
    }

    static func word(_ points: ArraySlice<UInt32>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: points.compactMap(Unicode.Scalar.init))
        return String(text)
    }
}
