/// libFuzzer, which comes with the compiler: it calls `check` with octets of its choice until it is told to stop, or until
/// `check` throws, traps or reads where it must not.
///
/// The package manager gives every executable a `main` of its own, so this one starts libFuzzer by hand.
public func fuzz(_ check: @escaping (UnsafeRawBufferPointer) throws -> Void) -> Never {
    LibFuzzer.check = check
    var count = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    let status = withUnsafeMutablePointer(to: &count) { count in
        withUnsafeMutablePointer(to: &arguments) { runDriver(count, $0, tryOneInput) }
    }
    fatalError("libFuzzer returned \(status)")
}

private enum LibFuzzer {
    /// Set once, before libFuzzer starts its only thread of tries.
    nonisolated(unsafe) static var check: (UnsafeRawBufferPointer) throws -> Void = { _ in }
}

private typealias TryOneInput = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ tryOneInput: TryOneInput
) -> CInt

/// The name that libFuzzer is linked against.
@_cdecl("LLVMFuzzerTestOneInput")
public func tryOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try LibFuzzer.check(UnsafeRawBufferPointer(start: start, count: count))
    } catch {
        fatalError("\(error)")
    }
    return 0
}
