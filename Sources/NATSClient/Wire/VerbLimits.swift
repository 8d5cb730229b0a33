/// How large the parts of what the other end sends may be, in octets. Beyond a limit there is an error before anything is buffered.
package struct VerbLimits: Equatable, Sendable {
    /// A control line with its CR LF, as NATS servers have it too (`max_control_line`).
    package var controlLine = 4_096
    /// The line of INFO or CONNECT, which lists the addresses of a cluster or holds credentials.
    package var jsonLine = 65_536
    /// The headers of one message.
    package var headers = 65_536
    /// One message: headers and payload together. NATS servers have 1 MB by default (`max_payload`), and 64 MB at most.
    package var payload = 8 << 20

    package init() {}
}
