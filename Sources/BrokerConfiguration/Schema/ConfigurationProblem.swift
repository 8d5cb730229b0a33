/// A mistake in a configuration, or a warning about it.
package struct ConfigurationProblem: Sendable, Equatable, CustomStringConvertible {
    package let origin: Origin
    /// The dotted key; `nil` if the text itself could not be parsed.
    package let key: String?
    /// The mistake.
    package let message: String
    /// What is allowed instead, if that can be listed.
    package let allowed: String?

    /// True if there is no key of that name.
    package let isOfUnknownKey: Bool

    package init(origin: Origin, key: String?, message: String, allowed: String? = nil, isOfUnknownKey: Bool = false) {
        self.origin = origin
        self.key = key
        self.message = message
        self.isOfUnknownKey = isOfUnknownKey
        self.allowed = allowed
    }

    package init(_ error: HOCONError) {
        self.init(origin: error.origin, key: nil, message: error.message)
    }

    /// `martlet.conf:3:5: mqtt.max_qos_allowed: 3 is not allowed; allowed: 0 to 2`
    package var description: String { (origin == .builtIn ? "" : "\(origin): ") + textWithoutPlace }

    /// `mqtt.max_qos_allowed: 3 is not allowed; allowed: 0 to 2`
    package var textWithoutPlace: String {
        var text = ""
        if let key { text += "\(key): " }
        text += message
        if let allowed { text += "; allowed: \(allowed)" }
        return text
    }
}

/// All mistakes in a configuration, in the order of the file.
package struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    package let problems: [ConfigurationProblem]
    /// The number of further mistakes, which are not listed.
    package let untold: Int

    package var description: String {
        let lines = problems.map(\.description) + (untold > 0 ? ["and \(untold) more"] : [])
        return lines.joined(separator: "\n")
    }
}
