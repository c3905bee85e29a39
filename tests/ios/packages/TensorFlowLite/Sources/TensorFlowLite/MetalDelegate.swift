import TensorFlowLiteC

public final class MetalDelegate: Delegate {
    public let options: Options
    public private(set) var cDelegate: CDelegate

    /// Never fails: whether there is a GPU is found out by the interpreter that is made with it.
    public init(options: Options = Options()) {
        self.options = options
        cDelegate = .allocate(capacity: 1)
        cDelegate.initialize(to: TfLiteDelegate())
    }

    deinit {
        cDelegate.deallocate()
    }
}

extension MetalDelegate {
    public struct Options: Equatable, Hashable {
        public var isPrecisionLossAllowed = false

        @available(
            *, deprecated, message: "Deprecated since TensorFlow Lite 2.4",
            renamed: "isPrecisionLossAllowed"
        )
        public var allowsPrecisionLoss: Bool {
            get { isPrecisionLossAllowed }
            set(value) { isPrecisionLossAllowed = value }
        }

        public var waitType: ThreadWaitType = .passive
        public var isQuantizationEnabled = true

        public init() {}
    }
}

public enum ThreadWaitType: Equatable, Hashable {
    case none
    case passive
    case active
    case aggressive
}
