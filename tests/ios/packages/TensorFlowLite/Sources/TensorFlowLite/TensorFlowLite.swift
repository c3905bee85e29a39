public enum Runtime {
    public static var version: String { "2.17.0" }
}
