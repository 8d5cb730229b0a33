internal import CNgtcp2
import Glibc

/// A file that the TLS secrets of all sessions are written to, for whoever has to read what is on the wire.
@safe final class KeyLog {
    private let descriptor: CInt

    /// Appends to the file, which nobody but its owner may read.
    ///
    /// - Throws: `.configuration` if it cannot be opened.
    init(path: String) throws(QUICError) {
        let opened = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        var status = stat()
        // Devices and pipes stay as they are.
        guard opened >= 0, unsafe fstat(opened, &status) == 0,
            status.st_mode & S_IFMT != S_IFREG || fchmod(opened, 0o600) == 0
        else {
            let text = unsafe String(cString: strerror(errno))
            if opened >= 0 { close(opened) }
            throw .configuration("cannot write TLS secrets to \(path): \(text)")
        }
        self.descriptor = opened
    }

    deinit {
        close(self.descriptor)
    }

    /// One line in one write, so that the loops of a listener may share the file.
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
