import NIOCore
import Testing

@testable import MQTTBroker

// The links between the shards of different nodes. Each keeps its order, and delivers when it likes.
extension SimulatedBroker {
    func send(_ messages: [ShardMessage], from source: Int, to destination: ShardReference) {
        let place = seat(of: destination)
        guard let cluster, cluster.hasLinks(node(ofSeat: source)), cluster.hasLinks(Int(destination.node)),
            cluster.known.contains(.init(from: node(ofSeat: source), to: Int(destination.node)))
        else { return }
        let link = cluster.link(from: source, to: place)
        if cluster.lost.contains(link) { return }
        var octets = ByteBuffer()
        ShardMessage.write(messages, to: &octets, now: now)
        self.cluster?.links[link].append(.messages(octets))
    }

    /// Delivers what one shard has sent to one of another node. Returns whether there was anything.
    func stepBetweenNodes() -> Bool {
        guard let cluster else { return false }
        let waiting = cluster.links.indices.filter { !cluster.links[$0].isEmpty && isOpen($0) }
        guard let link = waiting.randomElement(using: &random), let parcel = self.cluster?.links[link].removeFirst()
        else { return false }
        let (source, destination) = cluster.ends(ofLink: link)
        guard case .messages(var octets) = parcel else {
            self.cluster?.lost.remove(cluster.link(from: destination, to: source))
            hearOfLostLink(destination, node(ofSeat: source))
            return true
        }
        guard let messages = ShardMessage.read(from: &octets, now: now) else {
            Issue.record("messages of another node cannot be read")
            return true
        }
        receive(messages, at: destination, from: source)
        return true
    }

    private func isOpen(_ link: Int) -> Bool {
        guard let cluster else { return false }
        let ends = cluster.ends(ofLink: link)
        if isAsleep(ends.to) || cluster.slow.contains(link) { return false }
        return cluster.cuts.isEmpty
            || !cluster.cuts.contains(.init(from: node(ofSeat: ends.from), to: node(ofSeat: ends.to)))
    }

    /// One end of a link begins anew: what is on its way is lost in both directions, and so is what the other end sends before it hears of that.
    func resetLink(from: Int, to: Int) {
        guard let cluster, cluster.hasLinks(node(ofSeat: from)), cluster.hasLinks(node(ofSeat: to)) else { return }
        let (own, other) = (cluster.link(from: from, to: to), cluster.link(from: to, to: from))
        self.cluster?.links[own] = [.reset]
        self.cluster?.links[other] = []
        self.cluster?.lost.remove(own)
        self.cluster?.lost.insert(other)
        hearOfLostLink(from, node(ofSeat: to))
    }

    /// The loop of a shard notices that a link to another node has lost messages, and tells the first loop, which hears of it later.
    private func hearOfLostLink(_ seat: Int, _ other: Int) {
        guard cluster?.hasLinks(other) == true else { return }
        change(seat) { $0.lostLink(toNode: other, now: now) }
        tell(node(ofSeat: seat), .lostLink(other))
    }

    /// The links of shards to other nodes are closed.
    ///
    /// - Parameter mayStillCome: true if a part of what the shards have sent may come.
    func endLinks(_ own: Range<Int>, mayStillCome: Bool) {
        for link in cluster?.links.indices ?? 0..<0 {
            guard let ends = cluster?.ends(ofLink: link), own.contains(ends.to) || own.contains(ends.from),
                let queue = cluster?.links[link]
            else { continue }
            cluster?.lost.remove(link)
            cluster?.slow.remove(link)
            if queue.isEmpty { continue }
            let count = mayStillCome && own.contains(ends.from) ? Int.random(in: 0...queue.count, using: &random) : 0
            cluster?.links[link] = Array(queue.prefix(count))
        }
    }
}
