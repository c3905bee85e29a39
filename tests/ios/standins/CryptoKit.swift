// The part of CryptoKit that generated code calls: SHA-256 (FIPS 180-4).

import Foundation

public struct SHA256Digest: Sequence, Sendable {
    let bytes: [UInt8]

    public func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }
}

public struct SHA256: Sendable {
    public typealias Digest = SHA256Digest

    public static func hash<D: DataProtocol>(data: D) -> SHA256Digest {
        var state: [UInt32] = primes(8).map { fraction(Double($0).squareRoot()) }
        let constants: [UInt32] = primes(64).map { fraction(cbrt(Double($0))) }
        var message = [UInt8](data)
        let bits = UInt64(message.count) * 8
        message.append(0x80)
        message += [UInt8](repeating: 0, count: (120 - message.count % 64) % 64)
        message += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) }
        for start in stride(from: 0, to: message.count, by: 64) {
            var words = (0..<16).map { i in
                message[start + 4 * i..<start + 4 * i + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            }
            for i in 16..<64 {
                let (a, b) = (words[i - 15], words[i - 2])
                let mixed = turned(a, 7) ^ turned(a, 18) ^ a >> 3
                words.append(words[i - 16] &+ mixed &+ words[i - 7] &+ (turned(b, 17) ^ turned(b, 19) ^ b >> 10))
            }
            var s = state
            for i in 0..<64 {
                let chosen = (s[4] & s[5]) ^ (~s[4] & s[6])
                let first = s[7] &+ (turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25)) &+ chosen &+ constants[i] &+ words[i]
                let most = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2])
                let second = (turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22)) &+ most
                s = [first &+ second, s[0], s[1], s[2], s[3] &+ first, s[4], s[5], s[6]]
            }
            state = zip(state, s).map { $0 &+ $1 }
        }
        return SHA256Digest(bytes: state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } })
    }

    private static func turned(_ word: UInt32, _ by: UInt32) -> UInt32 { word >> by | word << (32 - by) }

    private static func fraction(_ value: Double) -> UInt32 { UInt32((value - value.rounded(.down)) * 4_294_967_296) }

    private static func primes(_ count: Int) -> [Int] {
        var found: [Int] = []
        var next = 2
        while found.count < count {
            if found.allSatisfy({ next % $0 != 0 }) { found.append(next) }
            next += 1
        }
        return found
    }
}
