/// A listener whose certificates can be read from files again while it is open.
protocol CertificateListener: Sendable {
    /// The listener's name in logs and metrics, such as `quic:default`.
    var label: String { get }
    /// The files that are read again; `nil` for none.
    var certificateFiles: CertificateFiles? { get }

    /// Reads the files, and uses their certificates for new connections.
    ///
    /// - Throws: `CertificateFileError`; the certificates in use stay.
    func readCertificates(_ files: CertificateFiles) async throws
}
