import BrokerConfiguration

/// Entry of libFuzzer: any bytes as a configuration file, read, checked and, when it is right, printed and read again.
/// An included file is the same text, so that circles and depth are tried too.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHOCONParser(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let sources = { (text: [UInt8]) in
        ConfigurationSources(file: "fuzz.conf", environment: ["HOME": "/home"], read: { _, _ in text })
    }
    guard let loaded = try? sources(bytes).load() else { return 0 }
    guard let again = try? sources(Array(loaded.text.utf8)).load() else {
        preconditionFailure("what was printed is refused")
    }
    precondition(again.configuration == loaded.configuration, "what was printed means something else")
    return 0
}
