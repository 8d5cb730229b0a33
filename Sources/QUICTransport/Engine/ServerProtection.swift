internal import CNgtcp2

/// The packet protection of a listening endpoint.
enum ServerProtection {
    case tls(TLSServerContext)
    #if DEBUG || FUZZING
        /// None, for fuzzing: the fuzzer's octets become frames of a live connection.
        case null
    #endif

    var callbacks: UnsafePointer<ngtcp2_callbacks> {
        switch self {
        case .tls: unsafe EngineCallbacks.server
        #if DEBUG || FUZZING
            case .null: unsafe NullProtection.callbacks
        #endif
        }
    }
}
