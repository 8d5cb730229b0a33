/// `log`.
package struct LogConfiguration: ConfigurationSection {
    /// EMQX's levels. `alert` and `emergency` are one with `critical` in swift-log.
    package enum Level: String, CaseIterable, Sendable {
        case debug, info, notice, warning, error, critical, alert, emergency
    }

    /// `console`.
    package var console = LogConsoleConfiguration()

    package init() {}

    package static var fields: [Field<Self>] { [.section("console", \.console)] }
}

/// `log.console`: the log on standard error.
package struct LogConsoleConfiguration: ConfigurationSection {
    /// What is less than this is left out. Default `warning`.
    package var level = LogConfiguration.Level.warning

    package init() {}

    package static var fields: [Field<Self>] {
        [
            .value("level", \.level, .choice, "What is less than this is left out."),
            .fixed("enable", "true", because: "there is no other log"),
        ]
    }
}
