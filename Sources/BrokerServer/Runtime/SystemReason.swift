import Foundation
import NIOCore
import QUICTransport

/// Why a system call failed, in the system's words, such as `No such file or directory`.
package struct SystemReason: CustomStringConvertible {
    /// The `errno` of the failed call; `nil` for an error that no system call is known to have caused.
    let code: CInt?
    package let description: String

    package init(_ error: any Error) {
        code = Self.code(of: error)
        description = code.map { String(cString: strerror($0)) } ?? "\(error)"
    }

    private static func code(of error: any Error) -> CInt? {
        switch error {
        case let error as IOError: return error.errnoCode
        case QUICError.socket(_, let code): return code
        case QUICError.portInUse: return EADDRINUSE
        default:
            // Foundation's errors hold the error of the system call.
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error ?? error
            return (cause as? POSIXError)?.code.rawValue
        }
    }
}
