import Foundation
import Glibc

/// The runtime's interpreter in a process of its own: see engine.py. It ends with this.
final class Engine {
    struct Signature: Decodable {
        let key: String
        let subgraph: Int
        let inputs: [String: Int]
        let outputs: [String: Int]
    }

    /// A tensor of a subgraph.
    struct Port {
        let subgraph: Int
        let index: Int
    }

    struct Opened: Decodable {
        let ok: Bool
        let isModel: Bool?
        let inputs: [Int]?
        let outputs: [Int]?
        let signatures: [Signature]?
    }

    /// What a tensor is now; it has no data where the runtime has no memory for it.
    struct State: Decodable {
        let tensor: String
        let type: String
        let shape: [Int]
        let byteCount: Int
        let scale: Float
        let zeroPoint: Int
    }

    private struct Call: Encodable {
        let name: String
        var subgraph: Int?
        var index: Int?
        var path: String?
        var threads: Int?
        var xnnpack: Bool?
        var shape: [Int]?
        var strict: Bool?
        var withData: Bool?
    }

    private struct Done: Decodable {
        let ok: Bool
    }

    private let socket: Int32
    private let process: pid_t

    init() {
        var ends: [Int32] = [0, 0]
        // Another interpreter's process must not keep this one's socket open.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { fatalError("socketpair: \(errno)") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        let command = [Testbed.python, Testbed.engine]
        var arguments = command.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var made: pid_t = 0
        let status = posix_spawn(&made, command[0], &actions, nil, &arguments, environ)
        guard status == 0 else { fatalError("\(command[0]) cannot be run: \(status)") }
        close(ends[1])
        (socket, process) = (ends[0], made)
    }

    deinit {
        close(socket)
        waitpid(process, nil, 0)
    }

    func open(path: String?, content: Data, threads: Int, xnnpack: Bool) -> Opened {
        call(Call(name: "open", path: path ?? "", threads: threads, xnnpack: xnnpack), content).0
    }

    func state(_ port: Port) -> State {
        call(Call(name: "tensor", subgraph: port.subgraph, index: port.index, withData: false)).0
    }

    /// The data is empty where there is none, as the runtime has no memory for what has no elements either.
    func tensor(_ port: Port) -> (State, Data) {
        call(Call(name: "tensor", subgraph: port.subgraph, index: port.index, withData: true))
    }

    func resize(_ port: Port, to shape: [Int], strict: Bool) -> Bool {
        did(Call(name: "resize", subgraph: port.subgraph, index: port.index, shape: shape, strict: strict))
    }

    /// Allocates tensors, of the first subgraph where there is none given.
    func allocate(subgraph: Int?) -> Bool {
        did(Call(name: "allocate", subgraph: subgraph ?? -1))
    }

    /// Writes an input, whose size has been checked.
    func set(_ port: Port, to content: Data) {
        // The runtime copies to an address that it has not got.
        guard did(Call(name: "set", subgraph: port.subgraph, index: port.index), content) else {
            fatalError("data is written to a tensor without memory: call allocateTensors() first")
        }
    }

    func invoke(subgraph: Int) -> Bool {
        did(Call(name: "invoke", subgraph: subgraph))
    }

    private func did(_ request: Call, _ content: Data = Data()) -> Bool {
        let (done, _): (Done, Data) = call(request, content)
        return done.ok
    }

    private func call<Answer: Decodable>(_ request: Call, _ content: Data = Data()) -> (Answer, Data) {
        do {
            let head = try JSONEncoder().encode(request)
            send(bigEndian(head.count) + bigEndian(content.count) + head + content)
            let sizes = receive(8)
            let answer = receive(number(sizes.prefix(4)))
            return (try JSONDecoder().decode(Answer.self, from: answer), receive(number(sizes.suffix(4))))
        } catch {
            fatalError("the engine of the stand-in answers what cannot be understood: \(error)")
        }
    }

    private func bigEndian(_ size: Int) -> Data {
        withUnsafeBytes(of: UInt32(size).bigEndian) { Data($0) }
    }

    private func number(_ bytes: Data) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }

    private func send(_ content: Data) {
        content.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let rest = bytes.baseAddress.map { $0 + sent }
                let count = Glibc.send(socket, rest, bytes.count - sent, Int32(MSG_NOSIGNAL))
                if count > 0 {
                    sent += count
                } else if errno != EINTR {
                    fatalError("the engine of the stand-in is gone")
                }
            }
        }
    }

    private func receive(_ size: Int) -> Data {
        var content = Data(count: size)
        content.withUnsafeMutableBytes { bytes in
            var received = 0
            while received < size {
                let count = recv(socket, bytes.baseAddress.map { $0 + received }, size - received, 0)
                if count > 0 {
                    received += count
                } else if count == 0 || errno != EINTR {
                    fatalError("the engine of the stand-in is gone")
                }
            }
        }
        return content
    }
}
