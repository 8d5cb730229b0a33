/// The parser of a command line such as `set to-client delay 25ms loss 1%` or `every 5s rebind all port`.
package struct CommandParser {
    private var words: ArraySlice<Substring>

    /// Why a line is no command.
    package struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
        package let description: String
    }

    package static let help = """
        set [to-server|to-client] KEY VALUE [KEY VALUE ...]
            delay TIME | jitter TIME | loss P | duplicate P | reorder P TIME | rate none|RATE
            burst none | burst P-BAD P-GOOD [LOSS-WHEN-BAD [LOSS-WHEN-GOOD]] | queue N | queue SIZE
        cut [TIME] | mend
        rebind all|ADDRESS[:PORT] port|address|both|back
        expire all|ADDRESS[:PORT]
        at TIME COMMAND | every TIME COMMAND
        report | quit
        TIME is 100us, 25ms, 5s or 2m; P is 0.01 or 1%; RATE is 256kbit, 10mbit, 1gbit or 29pps; SIZE is 64kB or 1MB.
        """

    /// - Returns: nil for an empty line or a comment.
    package static func parse(_ line: some StringProtocol) throws(Failure) -> Command? {
        let text = line.prefix { $0 != "#" }
        let words = text.split(whereSeparator: \.isWhitespace).map { Substring($0) }
        guard !words.isEmpty else { return nil }
        var parser = CommandParser(words: words[...])
        let command = try parser.command()
        if let left = parser.words.first { throw Failure(description: "'\(left)' is left over") }
        return command
    }

    private mutating func command() throws(Failure) -> Command {
        let word = try next("a command")
        switch word {
        case "set": return try settings()
        case "cut": return .cut(words.isEmpty ? nil : try time())
        case "mend": return .mend
        case "rebind":
            let scope = try scope()
            let word = try next("port, address, both or back")
            guard let change = NATChange(rawValue: String(word)) else {
                throw Failure(description: "'\(word)' is not port, address, both or back")
            }
            return .rebind(scope, change)
        case "expire": return .expire(try scope())
        case "at": return .after(try time(), try command())
        case "every":
            let interval = try time()
            guard interval > 0 else { throw Failure(description: "every 0s would never end") }
            return .every(interval, try command())
        case "report": return .report
        case "quit": return .quit
        default: throw Failure(description: "there is no command '\(word)'")
        }
    }

    private mutating func settings() throws(Failure) -> Command {
        let direction = words.first.flatMap { Command.Direction(rawValue: String($0)) }
        if direction != nil { words.removeFirst() }
        var settings: [Command.Setting] = []
        repeat { settings.append(try setting()) } while !words.isEmpty
        return .set(direction, settings)
    }

    private mutating func setting() throws(Failure) -> Command.Setting {
        let key = try next("a key")
        switch key {
        case "delay": return .delay(try time())
        case "jitter": return .jitter(try time())
        case "loss": return .loss(try probability())
        case "duplicate": return .duplication(try probability())
        case "reorder": return .reordering(.init(probability: try probability(), hold: try time()))
        case "burst": return .bursts(try bursts())
        case "rate": return .rate(try rate())
        case "queue": return try queue()
        default: throw Failure(description: "there is no key '\(key)'")
        }
    }

    private mutating func bursts() throws(Failure) -> LinkProfile.Bursts? {
        if words.first == "none" {
            words.removeFirst()
            return nil
        }
        var bursts = LinkProfile.Bursts(becomesBad: try probability(), becomesGood: try probability())
        if let loss = words.first.flatMap(Self.probability) {
            bursts.lossWhenBad = loss
            words.removeFirst()
            if let loss = words.first.flatMap(Self.probability) {
                bursts.lossWhenGood = loss
                words.removeFirst()
            }
        }
        return bursts
    }

    private mutating func rate() throws(Failure) -> LinkProfile.Rate? {
        let word = try next("a rate")
        if word == "none" { return nil }
        let units: [(String, Double)] = [("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9), ("bit", 1)]
        if let value = Self.number(word, units), (1...0x1p40).contains(value) { return .bitsPerSecond(UInt64(value)) }
        if let value = Self.number(word, [("pps", 1)]), (1...0x1p32).contains(value) {
            return .packetsPerSecond(UInt64(value))
        }
        throw Failure(description: "'\(word)' is no rate such as 10mbit or 29pps")
    }

    private mutating func queue() throws(Failure) -> Command.Setting {
        let word = try next("a length")
        if let packets = Int(word), packets > 0 { return .queuePackets(packets) }
        let units: [(String, Double)] = [("kB", 1024), ("MB", 1_048_576), ("B", 1)]
        if let value = Self.number(word, units), (1...0x1p40).contains(value) { return .queueOctets(Int(value)) }
        throw Failure(description: "'\(word)' is no length of a queue such as 50 packets or 64kB")
    }

    private mutating func scope() throws(Failure) -> FlowScope {
        let word = try next("all, or an address with or without a port")
        if word == "all" { return .all }
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = Endpoint.address(parts[0]) else {
            throw Failure(description: "'\(word)' is no flow such as 10.0.0.1 or 10.0.0.1:4000")
        }
        guard parts.count == 2 else { return .of(address, port: nil) }
        guard let port = UInt16(parts[1]) else { throw Failure(description: "'\(parts[1])' is no port") }
        return .of(address, port: port)
    }

    private mutating func time() throws(Failure) -> Nanoseconds {
        let word = try next("a time")
        let units: [(String, Double)] = [("us", 1e3), ("ms", 1e6), ("ns", 1), ("s", 1e9), ("m", 60e9)]
        guard let value = Self.number(word, units), (0...1e15).contains(value) else {
            throw Failure(description: "'\(word)' is no time such as 25ms or 5s")
        }
        return Nanoseconds(value)
    }

    private mutating func probability() throws(Failure) -> Probability {
        let word = try next("a probability")
        guard let probability = Self.probability(word) else {
            throw Failure(description: "'\(word)' is no probability such as 1% or 0.01")
        }
        return probability
    }

    private static func probability(_ word: Substring) -> Probability? {
        let value = word.hasSuffix("%") ? Double(word.dropLast()).map { $0 / 100 } : Double(word)
        return value.flatMap { (0...1).contains($0) ? Probability($0) : nil }
    }

    /// A number followed by one of the given units.
    private static func number(_ word: Substring, _ units: [(String, Double)]) -> Double? {
        for (unit, factor) in units where word.hasSuffix(unit) {
            return Double(word.dropLast(unit.count)).map { $0 * factor }
        }
        return nil
    }

    private mutating func next(_ what: String) throws(Failure) -> Substring {
        guard let word = words.popFirst() else { throw Failure(description: "\(what) is missing") }
        return word
    }
}
