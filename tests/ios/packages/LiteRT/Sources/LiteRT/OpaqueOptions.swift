import CLiteRT

public final class OpaqueOptions {
    private(set) var handle: LiteRtOpaqueOptions?
    var isOwner: Bool

    public init(
        identifier: String,
        payload: UnsafeMutableRawPointer,
        destructor: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void = { _ in }
    ) throws {
        handle = try made { LiteRtCreateOpaqueOptions(identifier, payload, destructor, &$0) }
        isOwner = true
    }

    /// Options that others own.
    init(handle: LiteRtOpaqueOptions) {
        self.handle = handle
        isOwner = false
    }

    deinit {
        if isOwner, let handle { LiteRtDestroyOpaqueOptions(handle) }
    }

    public var identifier: String {
        guard let handle else { return "" }
        let text: UnsafePointer<CChar>? = try? value(nil) { LiteRtGetOpaqueOptionsIdentifier(handle, &$0) }
        return text.map { String(cString: $0) } ?? ""
    }

    public var data: UnsafeMutableRawPointer? {
        guard let handle else { return nil }
        return try? value(nil) { LiteRtGetOpaqueOptionsData(handle, &$0) }
    }

    public func findData(identifier: String) -> UnsafeMutableRawPointer? {
        guard let handle else { return nil }
        return try? value(nil) { LiteRtFindOpaqueOptionsData(handle, identifier, &$0) }
    }

    public func next() -> OpaqueOptions? {
        guard let handle else { return nil }
        let following: LiteRtOpaqueOptions? = try? value(handle) { LiteRtGetNextOpaqueOptions(&$0) }
        return following.map { OpaqueOptions(handle: $0) }
    }

    public func append(_ other: OpaqueOptions) throws {
        guard handle != nil else { throw LiteRtError.runtimeFailure }
        guard let appended = other.handle else { throw LiteRtError.invalidArgument }
        var first = handle
        try check(LiteRtAppendOpaqueOptions(&first, appended))
        other.isOwner = false
    }

    public func pop() throws {
        guard handle != nil else { throw LiteRtError.runtimeFailure }
        try check(LiteRtPopOpaqueOptions(&handle))
        if handle == nil { isOwner = false }
    }
}
