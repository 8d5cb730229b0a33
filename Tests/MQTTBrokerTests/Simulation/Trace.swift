import MQTTCodec
import NIOCore

import class Foundation.ProcessInfo

@testable import MQTTBroker

enum Trace {
    static let isOn = ProcessInfo.processInfo.environment["MARTLET_TRACE"] != nil
    static func say(_ text: @autoclosure () -> String) { if isOn { print("T " + text()) } }
    static func lanes(_ set: UInt64) -> String {
        set == .max ? "all" : Lane.lanes(of: set).map { "\($0.number)" }.joined(separator: ",")
    }
    static func text(_ m: ShardMessage) -> String {
        switch m.body {
        case .publish(let p, _, let o, let s, let r):
            "PUB \(String(buffer: p.payload)) o=\(o.map { "\($0.lane.number):\($0.number)" } ?? "-") r=\(r & 0xFFFF) again=\(s.isAgain) src=\(s.source.node).\(s.source.index) lanes=[\(lanes(s.lanes))]"
        case .retain(let p, _, let a, let r): "RET \(String(buffer: p.payload)) again=\(a) r=\(r & 0xFFFF)"
        case .stored(let n): "STORED \(n & 0xFFFF)"
        case .missing(let n, let m): "MISSING \(n & 0xFFFF) [\(lanes(m))]"
        case .cluster(.leads(let s, let t)):
            "LEADS \(s.node).\(s.index) \(t.map { "\($0.lane.number)@\($0.term)" }.joined(separator: " "))"
        case .cluster(.lost(let s, let t)):
            "LOST \(s.node).\(s.index) \(t.map { "\($0.lane.number)@\($0.term)" }.joined(separator: " "))"
        case .cluster(.interest(let n, _)): "INTEREST of \(n)"
        case .cluster(.interestChange(let n, let c)): "INTERESTCHANGE of \(n) \(c)"
        case .resume(let c, let r):
            "RESUME \(c.client.string) #\(r.number) out=\(r.outstanding) packets=\(r.packets.readableBytes)"
        case .toConnection(let c, .output(let o, let s)): "OUTPUT \(c) \(o.count) sent=\(s)"
        case .toConnection(let c, .settled(let n)): "SETTLED \(c) \(n)"
        case .toConnection(let c, .ended(_, let r)): "ENDED \(c) \(String(describing: r))"
        case .toConnection(let c, let b): "TOCONN \(c) \("\(b)".prefix(40))"
        case .claim(let c): "CLAIM \(c.client.string) of \(c.connection)"
        default: "\("\(m.body)".prefix(100))"
        }
    }
}
