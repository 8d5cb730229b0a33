import FoundationEssentials
import NIOCore

extension PayloadSource.Body {
    private static let scheme = "template://"

    /// The body that `--message` and `--size` ask for.
    ///
    /// - Throws: ``UsageError`` for a template file that cannot be read.
    init(_ options: BenchOptions) throws(UsageError) {
        guard let message = options.message else {
            self = .fixed(ByteBuffer(repeating: UInt8(ascii: "a"), count: options.size))
            return
        }
        guard message.hasPrefix(Self.scheme) else {
            self = .fixed(ByteBuffer(string: message))
            return
        }
        let path = String(message.dropFirst(Self.scheme.count))
        do {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            self = .template(PayloadTemplate(text, randomSize: options.size))
        } catch {
            throw UsageError("cannot read the template \(path)")
        }
    }
}
