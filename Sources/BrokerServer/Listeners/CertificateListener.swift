/// A listener whose certificates may come from files.
protocol CertificateListener: Sendable {
    /// As logs and metrics name it.
    var label: String { get }
    /// `nil` where nothing is read again.
    var certificateFiles: CertificateFiles? { get }

    /// Shows new connections what the files say by now.
    ///
    /// - Throws: what is no good about them; then the certificate before stays.
    func readCertificates(_ files: CertificateFiles) async throws
}
