import Foundation

/// What the device has, by variables of the process: the CPU does the work of all of it.
///
/// TESTBED_GPU and TESTBED_NPU are "present", "failing" (takes no model) or "absent", which is the default. With
/// TESTBED_LITERT "failing" no environment can be made. TESTBED_LOG names a file that takes a line for each model that
/// was compiled: "LiteRT cpu", "LiteRT gpu" and so on, by what it runs on.
enum Testbed {
    enum Presence: String {
        case present
        case failing
        case absent
    }

    static var isFailing: Bool { read("TESTBED_LITERT") == "failing" }
    static var gpu: Presence { presence("TESTBED_GPU") }
    static var npu: Presence { presence("TESTBED_NPU") }

    static func log(_ line: String) {
        guard let path = read("TESTBED_LOG") else { return }
        guard let file = fopen(path, "a") else { fatalError("TESTBED_LOG names no file that can be written: \(path)") }
        fputs("\(line)\n", file)
        fclose(file)
    }

    private static func presence(_ name: String) -> Presence {
        guard let text = read(name) else { return .absent }
        guard let found = Presence(rawValue: text) else { fatalError("\(name) is \(text)") }
        return found
    }

    private static func read(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name]
    }
}
