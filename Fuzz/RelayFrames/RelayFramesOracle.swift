import QUICTransport

/// What must hold for any octets that reach a node's relay, and for frames that come late, twice, changed or at the wrong
/// node: only a new frame of a member for this node is taken, and only what a client asked for goes out to it.
package enum RelayFramesOracle {
    package struct Disagreement: Error { package let reason: String }

    package static func check(_ octets: [UInt8]) throws(Disagreement) {
        try self.checkHead(octets)
        var network = try RelayNetwork()
        var rest = octets[...]
        while let code = rest.popFirst() { try network.step(code, &rest) }
    }

    /// A head that can be read is written again as it was, and a node without members takes nothing.
    private static func checkHead(_ octets: [UInt8]) throws(Disagreement) {
        var again = octets
        var refusal: RelayRefusal?
        switch RelayFrame.read(octets) {
        case .success(let head): again.withUnsafeMutableBytes { head.write(into: $0) }
        case .failure(let reason): refusal = reason
        }
        guard again == octets else { throw Disagreement(reason: "a head is another one when written again") }
        var lonely = RelayReceiver(RelayNode(number: 0, incarnation: 0), RelayNetwork.ring)
        let told = Outcome(&lonely, octets)
        guard told.head == nil, let reason = told.refusal, lonely.counters[reason] == 1 else {
            throw Disagreement(reason: "a node that knows nobody takes a frame, or does not count it")
        }
        guard refusal == nil || refusal == reason else { throw Disagreement(reason: "one frame, two refusals") }
    }
}

/// What a receiver says of a frame.
struct Outcome {
    var head: RelayFrame?
    var refusal: RelayRefusal?

    init(_ receiver: inout RelayReceiver, _ octets: [UInt8]) {
        let result = octets.withUnsafeBytes { octets in
            Result { () throws(RelayRefusal) in try receiver.receive(octets) }
        }
        switch result {
        case .success(let head): self.head = head
        case .failure(let reason): self.refusal = reason
        }
    }
}

extension RelayFrame {
    static func read(_ octets: [UInt8]) -> Result<RelayFrame, RelayRefusal> {
        octets.withUnsafeBytes { octets in Result { () throws(RelayRefusal) in try RelayFrame(octets) } }
    }
}
