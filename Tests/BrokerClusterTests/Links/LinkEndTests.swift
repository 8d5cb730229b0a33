import NIOCore
import Testing

@testable import BrokerCluster

@Suite struct LinkEndTests {
    private func texts(_ count: Int) -> [String] { (0..<count).map { "message \($0)" } }

    @Test("The messages of a tick are one frame, and are acknowledged within 20 ms") func batches() {
        var pair = LinkPair()
        for text in texts(50) {
            let hasRoom = pair.send(text)
            #expect(hasRoom)
        }
        let frames = pair.framesOfOne()
        #expect(frames.count == 1)
        pair.giveOther(frames)
        #expect(pair.atOther == texts(50) && pair.framesOfOther().isEmpty)
        #expect(pair.other.nextDeadline == pair.now + .milliseconds(50))
        pair.wait(.milliseconds(50))
        let answers = pair.framesOfOther()
        #expect(answers.count == 1 && answers.first?.readableBytes == LinkHead.size)
        pair.giveOne(answers)
        #expect(pair.one.octetsWaiting == 0 && pair.one.nextDeadline == nil && pair.other.nextDeadline == nil)
    }

    @Test("An acknowledgement goes with messages if there are some") func piggyback() {
        var pair = LinkPair()
        _ = pair.send("there")
        pair.giveOther(pair.framesOfOne())
        let sent = pair.other.send(ByteBuffer(string: "back"), &pair.counters)
        #expect(sent)
        pair.giveOne(pair.framesOfOther())
        #expect(pair.atOne == ["back"] && pair.one.octetsWaiting == 0 && pair.counters.acknowledgementsSent == 0)
    }

    @Test("A message that is larger than a frame goes in parts, an empty one as it is") func parts() {
        var pair = LinkPair { ($0.maximumFrame, $0.maximumMessage) = (100, 1_000) }
        let messages = ["small", String(repeating: "x", count: 1_000), "", String(repeating: "y", count: 44), "end"]
        for message in messages { _ = pair.send(message) }
        let tooLarge = pair.send(String(repeating: "z", count: 1_001))
        #expect(!tooLarge && pair.counters.dropped == 1)
        let frames = pair.framesOfOne()
        #expect(frames.allSatisfy { $0.readableBytes <= 100 })
        pair.giveOther(frames)
        #expect(pair.atOther == messages)
    }

    @Test("What is lost is sent again after a timeout, one frame first, and later each time") func timeouts() {
        var pair = LinkPair { $0.maximumFrame = 60 }
        for text in texts(9) { _ = pair.send(text) }
        _ = pair.framesOfOne()
        var pauses: [Int64] = []
        for _ in 1...6 {
            let due = pair.one.nextDeadline ?? pair.now
            pauses.append((due - pair.now).nanoseconds / 1_000_000)
            pair.wait(due - pair.now)
            let again = pair.framesOfOne()
            #expect(again.count == 1)
        }
        #expect(pauses == [200, 400, 800, 1_600, 2_000, 2_000])
        pair.wait(.seconds(2))
        pair.settle()
        pair.wait(.milliseconds(50))
        pair.settle()
        #expect(pair.atOther == texts(9) && pair.counters.timeouts == 7)
    }

    @Test("A gap is told at once, and what follows the gap is sent again") func gap() {
        var pair = LinkPair { $0.maximumFrame = 66 }
        for text in texts(4) { _ = pair.send(text) }
        var frames = pair.framesOfOne()
        #expect(frames.count == 4)
        frames.remove(at: 1)
        pair.giveOther(frames)
        #expect(pair.atOther == texts(1) && pair.counters.gaps == 2)
        let answers = pair.framesOfOther()
        #expect(answers.count == 1)
        pair.giveOne(answers)
        pair.settle()
        #expect(pair.atOther == texts(4) && pair.counters.timeouts == 0 && pair.counters.framesRepeated == 3)
    }

    @Test("Frames that come again, or in another order, change nothing") func duplicates() {
        var pair = LinkPair { $0.maximumFrame = 66 }
        for text in texts(3) { _ = pair.send(text) }
        let frames = pair.framesOfOne()
        pair.giveOther([frames[2], frames[0], frames[0], frames[1], frames[2], frames[1]])
        #expect(pair.atOther == texts(3) && pair.counters.duplicates == 2)
    }

    @Test("No more is on the way than the receiver lets, and more after it has told") func window() {
        var pair = LinkPair { ($0.maximumFrame, $0.window) = (1 << 18, 1 << 20) }
        let message = String(repeating: "x", count: 100_000)
        for _ in 0..<40 { _ = pair.send(message) }
        let frames = pair.framesOfOne()
        #expect(frames.reduce(0) { $0 + $1.readableBytes - LinkHead.size } <= LinkLimits.initialWindow)
        #expect(pair.framesOfOne().isEmpty && pair.one.octetsWaiting > 3_900_000)
        pair.giveOther(frames)
        pair.giveOne(pair.framesOfOther())
        #expect(!pair.framesOfOne().isEmpty)
    }

    @Test("Beyond the soft bound the owner is told to hold back, and told of room later") func softBound() {
        var pair = LinkPair { $0.maximumOctets = 1_000 }
        var taken = 0
        while pair.send(String(repeating: "x", count: 96)) { taken += 1 }
        #expect(taken == 10)
        let room = pair.one.takeRoom()
        #expect(!room)
        pair.giveOther(pair.framesOfOne())
        pair.wait(.milliseconds(50))
        pair.giveOne(pair.framesOfOther())
        let freed = [pair.one.takeRoom(), pair.one.takeRoom()]
        #expect(freed == [true, false] && pair.atOther.count == 11, "the last message was taken all the same")
    }

    @Test("Beyond the hard bound the link breaks, nothing comes of what follows, and both ends begin anew")
    func hardBound() {
        var pair = LinkPair { ($0.maximumOctets, $0.hardMaximumOctets) = (100, 200) }
        _ = pair.send("first")
        pair.giveOther(pair.framesOfOne())
        pair.wait(.milliseconds(50))
        pair.giveOne(pair.framesOfOther())
        _ = pair.other.send(ByteBuffer(string: "back"), &pair.counters)
        for text in texts(20) { _ = pair.send(text) }
        #expect(pair.one.isBroken && pair.one.octetsWaiting == 0 && pair.framesOfOne().isEmpty)
        #expect(pair.counters.dropped == 20)
        pair.restartOne()
        _ = pair.send("after")
        pair.settle()
        #expect(pair.resets == ["other byOtherSide"])
        #expect(pair.atOther == ["first", "after"] && pair.atOne.isEmpty)
        let sent = pair.other.send(ByteBuffer(string: "back again"), &pair.counters)
        #expect(sent)
        pair.settle()
        #expect(pair.atOne == ["back again"])
    }

    @Test("A frame of an earlier time of the link is not taken, whatever it knows") func epochs() {
        var pair = LinkPair()
        _ = pair.send("early")
        let early = pair.framesOfOne()
        pair.giveOther(early)
        pair.wait(.milliseconds(50))
        pair.giveOne(pair.framesOfOther())
        _ = pair.send("known")
        let known = pair.framesOfOne()
        pair.restartOne()
        _ = pair.send("new")
        pair.settle()
        pair.giveOther(early + known)
        #expect(pair.atOther == ["early", "new"] && pair.resets == ["other byOtherSide"])
        // The other end begins anew, and frames of its time before come late.
        _ = pair.other.send(ByteBuffer(string: "late"), &pair.counters)
        let late = pair.framesOfOther()
        pair.restartOne()
        pair.giveOne(late)
        #expect(pair.atOne.isEmpty)
        pair.settle()
        pair.giveOne(late)
        #expect(pair.atOne.isEmpty && pair.resets == ["other byOtherSide", "other byOtherSide"])
    }

    @Test("Two ends that begin anew at the same time find each other") func bothRestart() {
        var pair = LinkPair()
        _ = pair.send("x")
        pair.settle()
        pair.restartOne()
        pair.other.restart(epoch: 9, &pair.counters)
        _ = pair.send("there")
        _ = pair.other.send(ByteBuffer(string: "back"), &pair.counters)
        let (one, other) = (pair.framesOfOne(), pair.framesOfOther())
        pair.giveOther(one)
        pair.giveOne(other)
        pair.settle()
        #expect(pair.atOther == ["x", "there"] && pair.atOne == ["back"] && pair.resets.isEmpty)
    }

    @Test("Frames that cannot be read end the time of a link, and the owner is told") func malformed() throws {
        for entries in [[UInt8](), [0, 0, 0], [0, 0, 0, 2, 1], [0x80, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 1]] {
            var pair = LinkPair()
            _ = pair.send("x")
            var frame = try #require(pair.framesOfOne().first)
            frame.moveWriterIndex(to: LinkHead.size)
            frame.writeBytes(entries)
            pair.giveOther([frame])
            #expect(
                pair.resets == ["other malformed(\"the messages of a frame cannot be read\")"] && pair.atOther.isEmpty
            )
        }
        var pair = LinkPair { $0.maximumMessage = 10 }
        var other = LinkPair()
        _ = other.send("longer than ten")
        pair.giveOther(other.framesOfOne())
        #expect(pair.resets.count == 1 && pair.atOther.isEmpty)
    }

    @Test("An acknowledgement of what was never sent ends the time of a link") func forgedAcknowledgement() throws {
        var pair = LinkPair()
        _ = pair.send("x")
        pair.giveOther(pair.framesOfOne())
        pair.wait(.milliseconds(50))
        var answer = try #require(pair.framesOfOther().first)
        answer.setInteger(UInt64(2), at: 36)
        pair.giveOne([answer])
        #expect(pair.resets == ["one malformed(\"a frame is acknowledged that was never sent\")"])
    }

    @Test("After a new connection the other end is asked what it has, and what it lacks comes at once")
    func reconnected() {
        var pair = LinkPair()
        _ = pair.send("a")
        pair.settle()
        pair.wait(.milliseconds(50))
        pair.settle()
        _ = pair.send("lost")
        _ = pair.framesOfOne()
        var again = pair
        pair.one.reconnected(pair.now)
        pair.settle()
        #expect(pair.atOther == ["a", "lost"], "the sender's connection was another one")
        again.other.reconnected(again.now)
        again.settle()
        #expect(
            again.atOther == ["a", "lost"] && again.counters.timeouts == 0,
            "the receiver's connection was another one"
        )
    }
}
