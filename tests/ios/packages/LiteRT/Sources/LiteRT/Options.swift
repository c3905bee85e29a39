import CLiteRT

public enum Accelerator: Int32 {
    case none = 0
    case cpu = 1
    case gpu = 2
    case npu = 4
}

public final class Options {
    let handle: LiteRtOptions

    public init() throws {
        handle = try made { LiteRtCreateOptions(&$0) }
    }

    deinit {
        LiteRtDestroyOptions(handle)
    }

    public func setHardwareAccelerators(_ accelerators: Set<Accelerator>) throws {
        let set = accelerators.reduce(0) { $0 | $1.rawValue }
        try check(LiteRtSetOptionsHardwareAccelerators(handle, set))
    }

    public func hardwareAccelerators() throws -> Set<Accelerator> {
        let set = try value(0) { LiteRtGetOptionsHardwareAccelerators(handle, &$0) }
        return Set([Accelerator.cpu, .gpu, .npu].filter { set & $0.rawValue != 0 })
    }

    public func addExternalTensorBinding(
        signatureName: String,
        tensorName: String,
        data: UnsafeMutableRawPointer,
        sizeBytes: Int
    ) throws {
        try check(LiteRtAddExternalTensorBinding(handle, signatureName, tensorName, data, Int32(sizeBytes)))
    }

    public func addCustomOpKernel(
        name: String,
        version: Int,
        kernel: UnsafePointer<LiteRtCustomOpKernel>,
        userData: UnsafeMutableRawPointer? = nil
    ) throws {
        try check(LiteRtAddCustomOpKernelOption(handle, name, Int32(version), kernel, userData))
    }

    public func addOpaqueOptions(_ opaqueOptions: OpaqueOptions) throws {
        try check(LiteRtAddOpaqueOptions(handle, opaqueOptions.handle))
        opaqueOptions.isOwner = false
    }

    public func opaqueOptions() throws -> OpaqueOptions? {
        let found: LiteRtOpaqueOptions? = try value(nil) { LiteRtGetOpaqueOptions(handle, &$0) }
        return found.map { OpaqueOptions(handle: $0) }
    }
}
