import TensorFlowLiteC

public final class CoreMLDelegate: Delegate {
    public let options: Options
    public private(set) var cDelegate: CDelegate

    public init?(options: Options = Options()) {
        if Testbed.coreML == .absent && options.enabledDevices == .neuralEngine { return nil }
        self.options = options
        cDelegate = .allocate(capacity: 1)
        cDelegate.initialize(to: TfLiteDelegate())
    }

    deinit {
        cDelegate.deallocate()
    }
}

extension CoreMLDelegate {
    public enum EnabledDevices: Equatable, Hashable {
        case neuralEngine
        case all
    }

    public struct Options: Equatable, Hashable {
        public var enabledDevices: EnabledDevices = .neuralEngine
        public var coreMLVersion = 0
        public var maxDelegatedPartitions = 0
        public var minNodesPerPartition = 2

        public init() {}
    }
}
