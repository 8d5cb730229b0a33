import NATSClient
package import NIOCore

/// What must hold for any octets that the other end of a NATS connection sends: they are verbs or an error, the same ones however
/// they arrive, and what was read, written and read again is the same.
package enum NATSVerbsOracle {
    package struct Disagreement: Error { package let reason: String }

    package static func check(_ octets: ByteBuffer) throws(Disagreement) {
        var small = VerbLimits()
        (small.controlLine, small.jsonLine, small.headers, small.payload) = (64, 96, 48, 128)
        for role in [VerbDecoder.Role.client, .server] {
            for limits in [VerbLimits(), small] {
                try check(octets, with: VerbDecoder(role: role, limits: limits))
            }
        }
    }

    private static func check(_ octets: ByteBuffer, with decoder: VerbDecoder) throws(Disagreement) {
        let whole = drain([octets], with: decoder)
        let half = octets.readableBytes / 2
        let pieces = [
            octets.getSlice(at: octets.readerIndex, length: half),
            octets.getSlice(at: octets.readerIndex + half, length: octets.readableBytes - half),
        ]
        let split = drain(pieces.compactMap { $0 }, with: decoder)
        guard whole.verbs == split.verbs, whole.error == split.error else {
            throw Disagreement(reason: "the octets yield other verbs when they arrive in two pieces")
        }
        guard whole.error != nil || split.rest == whole.rest else {
            throw Disagreement(reason: "the octets leave other ones over when they arrive in two pieces")
        }
        for verb in whole.verbs { try check(verb, role: decoder.role) }
    }

    private static func check(_ verb: Verb, role: VerbDecoder.Role) throws(Disagreement) {
        var written = ByteBuffer()
        written.write(verb)
        // What is written may be longer than what was read: the marks around the text of an error, and digits.
        var limits = VerbLimits()
        limits.controlLine *= 2
        let decoder = VerbDecoder(role: role, limits: limits)
        var again: Verb?
        do throws(VerbError) {
            again = try decoder.next(from: &written)
        } catch {
            throw Disagreement(reason: "refused when written again (\(error.detail)): \(verb)")
        }
        guard again == verb, written.readableBytes == 0 else {
            throw Disagreement(reason: "is another verb when written and read again: \(verb)")
        }
        switch verb {
        case .message(_, let publication), .publish(let publication):
            _ = publication.headers?.status
            _ = publication.headers?.statusText
            _ = publication.headers?.value(of: "Nats-Last-Consumer")
        default: break
        }
    }

    private struct Outcome {
        var verbs: [Verb] = []
        var error: VerbError?
        var rest = ByteBuffer()
    }

    private static func drain(_ pieces: [ByteBuffer], with decoder: VerbDecoder) -> Outcome {
        var outcome = Outcome()
        for piece in pieces {
            outcome.rest.writeImmutableBuffer(piece)
            guard outcome.error == nil else { continue }
            do throws(VerbError) {
                while let verb = try decoder.next(from: &outcome.rest) { outcome.verbs.append(verb) }
            } catch {
                outcome.error = error
            }
        }
        return outcome
    }
}
