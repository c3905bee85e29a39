import Foundation

public enum SignatureRunnerError: Error, Equatable, Hashable {
    case invalidTensorDataCount(provided: Int, required: Int)
    case invalidTensorDataType
    case failedToCreateSignatureRunner(signatureKey: String)
    case failedToGetTensor(tensorType: String, nameInSignature: String)
    case failedToResizeInputTensor(inputName: String)
    case failedToCopyDataToInputTensor
    case failedToAllocateTensors
    case failedToInvokeSignature(signatureKey: String)
    case allocateTensorsRequired
}

extension SignatureRunnerError: LocalizedError {
    public var errorDescription: String? {
        switch self {
        case .invalidTensorDataCount(let provided, let required):
            "Provided data count \(provided) must match the required count \(required)."
        case .invalidTensorDataType:
            "Tensor data type is unsupported or could not be determined due to a model error."
        case .failedToCreateSignatureRunner(let key):
            "Failed to create a signature runner. Signature with key (\(key)) not found."
        case .failedToGetTensor(let kind, let name): "Failed to get \(kind) tensor with \(kind) name (\(name))."
        case .failedToResizeInputTensor(let name): "Failed to resize input tensor with input name (\(name))."
        case .failedToCopyDataToInputTensor: "Failed to copy data to input tensor."
        case .failedToAllocateTensors: "Failed to allocate memory for input tensors."
        case .failedToInvokeSignature(let key): "Failed to invoke the signature runner with key (\(key))."
        case .allocateTensorsRequired: "Must call allocateTensors()."
        }
    }
}

extension SignatureRunnerError: CustomStringConvertible {
    public var description: String { errorDescription ?? "Unknown error." }
}
