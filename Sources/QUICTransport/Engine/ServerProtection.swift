internal import CNgtcp2

/// What protects the packets of a listening endpoint.
enum ServerProtection {
    case tls(TLSServerContext)
    #if DEBUG || FUZZING
        /// Nothing: what a fuzzer makes up becomes frames of a live connection.
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
