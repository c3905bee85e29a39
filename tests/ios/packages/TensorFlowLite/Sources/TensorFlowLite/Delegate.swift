import TensorFlowLiteC

public protocol Delegate: AnyObject {
    typealias CDelegate = UnsafeMutablePointer<TfLiteDelegate>

    var cDelegate: CDelegate { get }
}
