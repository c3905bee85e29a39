import Foundation

/// What the device has, by variables of the process: the CPU does the work of all of it.
///
/// TESTBED_METAL is "present", "failing" (takes no model) or "absent", which is the default. TESTBED_COREML is "present"
/// or "absent", which is a device without the Neural Engine and the default. TESTBED_LOG names a file that takes a line
/// for each interpreter that was made: "TensorFlowLite cpu", or its first delegate, "metal" or "coreml". TESTBED_PYTHON
/// and TESTBED_ENGINE name a Python that has the runtime, and engine.py.
enum Testbed {
    enum Presence: String {
        case present
        case failing
        case absent
    }

    static var metal: Presence { presence("TESTBED_METAL") }
    static var coreML: Presence { presence("TESTBED_COREML") }
    static var python: String { required("TESTBED_PYTHON") }
    static var engine: String { required("TESTBED_ENGINE") }

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

    private static func required(_ name: String) -> String {
        guard let text = read(name) else { fatalError("the stand-in needs \(name) in its environment") }
        return text
    }

    private static func read(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name]
    }
}
