import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Commits with damage in them.
@Suite struct BatchReaderTests {
    private static let now = Instant(monotonic: .uptimeNanoseconds(9_000_000_000_000), wall: 1_700_000_000_000)

    /// A commit of three batches, and where each begins.
    private static func commit() throws -> (octets: ByteBuffer, starts: [Int]) {
        var octets = ByteBuffer()
        var starts: [Int] = []
        for lane in [3, 5, 9] as [UInt8] {
            starts.append(octets.writerIndex)
            let records: [LaneRecord] = [.session(128, client: UTF8Key("client \(lane)")), .passed(7)]
            LaneBatch(lane: try #require(Lane(number: lane)), position: 2, records: records, made: now.wall)
                .write(to: &octets, now: now)
        }
        return (octets, starts)
    }

    private func read(_ octets: ByteBuffer) throws -> [String] {
        var reader = BatchReader(octets, now: Self.now)
        var found: [String] = []
        while let item = try reader.next() {
            switch item {
            case .batch(let batch): found.append("\(batch.lane.number)")
            case .damaged(let lane): found.append("damaged \(lane.number)")
            case .lost: found.append("lost")
            }
        }
        return found
    }

    @Test("Damage to one bit damages the batch that it is in, or its head and what follows, and nothing else")
    func everyBit() throws {
        let (whole, starts) = try Self.commit()
        #expect(try read(whole) == ["3", "5", "9"])
        for bit in 0..<whole.readableBytes * 8 {
            let (offset, place) = (bit / 8, starts.lastIndex { $0 <= bit / 8 } ?? 0)
            var damaged = whole
            let octet: UInt8 = try #require(damaged.getInteger(at: offset))
            damaged.setInteger(octet ^ 1 << UInt8(bit % 8), at: offset)
            let lanes = ["3", "5", "9"]
            let before = Array(lanes[..<place])
            if offset - starts[place] < LaneBatch.Head.octetCount {
                #expect(try read(damaged) == before + ["lost"], "bit \(bit)")
            } else {
                #expect(try read(damaged) == before + ["damaged \(lanes[place])"] + lanes[(place + 1)...], "bit \(bit)")
            }
            // What is salvaged can be read whole.
            let salvaged = try BatchReader.soundOctets(of: damaged, now: Self.now)
            #expect(salvaged.damaged == 1)
            #expect(try read(salvaged.octets).allSatisfy { lanes.contains($0) })
        }
        #expect(try BatchReader.soundOctets(of: whole, now: Self.now).octets == whole)
    }

    @Test("A commit that ends within a batch") func cutOff() throws {
        let (whole, starts) = try Self.commit()
        for count in 1..<whole.readableBytes where !starts.contains(count) {
            let found = try read(try #require(whole.getSlice(at: 0, length: count)))
            #expect(found.last == "lost" || found.last?.hasPrefix("damaged") == true, "\(count)")
        }
    }

    @Test("Batches of lanes that nobody wants are stepped over, damaged or not") func unwanted() throws {
        var (octets, starts) = try Self.commit()
        octets.setInteger(UInt8(0xff), at: starts[1] + 20)
        var reader = BatchReader(octets, now: Self.now)
        var found: [UInt8] = []
        while case .batch(let batch)? = try reader.next({ $0.number != 5 }) { found.append(batch.lane.number) }
        #expect(found == [3, 9])
    }
}
