internal import CNgtcp2
import Glibc

/// A file for the TLS secrets of all sessions, in the format of SSLKEYLOGFILE, with which tools such as Wireshark decrypt captured
/// packets.
@safe final class KeyLog {
    private let descriptor: CInt

    /// Opens the file to append to it; only its owner may read it.
    ///
    /// - Throws: `.configuration` if it cannot be opened.
    init(path: String) throws(QUICError) {
        let opened = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var status = stat()
        // The mode of devices and pipes is not changed.
        guard opened >= 0, unsafe fstat(opened, &status) == 0,
            status.st_mode & S_IFMT != S_IFREG || fchmod(opened, 0o600) == 0
        else {
            let text = unsafe String(cString: strerror(errno))
            if opened >= 0 { close(opened) }
            throw .configuration("keyLogFile must be a file that can be written: \(path): \(text)")
        }
        self.descriptor = opened
    }

    deinit {
        close(self.descriptor)
    }

    /// Writes one line in one system call, since several loops write to the file.
    func note(_ label: UnsafePointer<CChar>, _ secret: UnsafePointer<gnutls_datum_t>, of session: OpaquePointer) {
        var client = unsafe gnutls_datum_t()
        var server = unsafe gnutls_datum_t()
        unsafe gnutls_session_get_random(session, &client, &server)
        var line = unsafe Array(String(cString: label).utf8)
        for octets in unsafe [Array(of: client), Array(of: secret.pointee)] {
            line.append(UInt8(ascii: " "))
            for octet in octets {
                line.append(Self.digits[Int(octet >> 4)])
                line.append(Self.digits[Int(octet & 0xf)])
            }
        }
        line.append(UInt8(ascii: "\n"))
        _ = unsafe write(self.descriptor, line, line.count)
    }

    private static let digits = Array("0123456789abcdef".utf8)
}

extension [UInt8] {
    init(of datum: gnutls_datum_t) {
        unsafe self.init(UnsafeBufferPointer(start: datum.data, count: Int(datum.size)))
    }
}
