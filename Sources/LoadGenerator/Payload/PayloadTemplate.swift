import NIOCore

/// A message with variables, from `template://FILE`. Every occurrence is replaced.
struct PayloadTemplate: Sendable {
    /// A variable of a template, by its name in the file.
    private enum Variable: String, CaseIterable {
        case microseconds = "%TIMESTAMPUS%"
        case nanoseconds = "%TIMESTAMPNS%"
        case millisecondsLong = "%TIMESTAMPMS%"
        case milliseconds = "%TIMESTAMP%"
        case unique = "%UNIQUE%"
        case random = "%RANDOM%"
    }

    /// Octets between variables, or a variable.
    private enum Part {
        case literal(String)
        case variable(Variable)
    }

    private let parts: [Part]
    /// Random octets that replace `%RANDOM%`.
    private let randomSize: Int

    init(_ text: String, randomSize: Int) {
        self.randomSize = randomSize
        var parts: [Part] = []
        var literal = ""
        var rest = text[...]
        while let character = rest.first {
            if character == "%", let variable = Variable.allCases.first(where: { rest.hasPrefix($0.rawValue) }) {
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = ""
                parts.append(.variable(variable))
                rest = rest.dropFirst(variable.rawValue.count)
            } else {
                literal.append(character)
                rest = rest.dropFirst()
            }
        }
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.parts = parts
    }

    /// Appends one message. `unique` differs for each message of the process.
    func write(into buffer: inout ByteBuffer, now: Nanoseconds, unique: @autoclosure () -> UInt64) {
        for part in parts {
            switch part {
            case .literal(let text): buffer.writeString(text)
            case .variable(.microseconds): buffer.writeString("\(now / 1000)")
            case .variable(.nanoseconds): buffer.writeString("\(now)")
            case .variable(.milliseconds), .variable(.millisecondsLong): buffer.writeString("\(now / 1_000_000)")
            case .variable(.unique): buffer.writeString("\(unique())")
            case .variable(.random):
                for _ in 0..<randomSize { buffer.writeInteger(UInt8.random(in: 0...255)) }
            }
        }
    }
}
