import BrokerAdmin
import BrokerCluster
import BrokerConfiguration
import NIOCore

/// The configuration of a node with what is set at run time, without IO: a layer above the defaults and below the node's own file, environment and
/// command line. What is in force follows from the node's own sources and the records, and not from the order in which they came.
struct RuntimeLayer {
    /// The node's own sources.
    let base: LoadedConfiguration<ServerSettings>
    /// The keys that can be set at run time.
    private let live: [String: KeyDescription]

    init(_ base: LoadedConfiguration<ServerSettings>) {
        self.base = base
        live = Dictionary(uniqueKeysWithValues: base.liveValues.map { ($0.key, $0.description) })
    }

    /// What is in force with some records.
    struct InForce {
        var loaded: LoadedConfiguration<ServerSettings>
        /// Keys that are set at run time, and that the node's own sources state, by the place.
        var overridden: [String: String] = [:]
        /// Keys that are set at run time, and that this node cannot use, by the reason.
        var passedOver: [String: String] = [:]
    }

    // MARK: What is in force

    func inForce(_ records: [MetaRecord]) -> InForce {
        var result = InForce(loaded: base)
        var values: [String: String] = [:]
        for record in records {
            let key = record.key.text
            guard live[key] != nil, let text = record.text else {
                result.passedOver[key] = "this version has no such key that can be set at run time"
                continue
            }
            if let place = place(stating: key) {
                result.overridden[key] = place
            } else {
                values[key] = text
            }
        }
        while !values.isEmpty {
            do {
                result.loaded = try base.over(runtime: values)
                return result
            } catch {
                // Of a newer version, or beside what the node's own sources say.
                let wrong = error.problems.filter { values[$0.runtimeKey ?? ""] != nil }
                // A value can only be wrong by itself or beside other keys, and then it is named.
                guard !wrong.isEmpty else { return result }
                for problem in wrong {
                    guard let key = problem.runtimeKey else { continue }
                    values[key] = nil
                    result.passedOver[key] = problem.textWithoutPlace
                }
            }
        }
        return result
    }

    /// Where the node's own sources state a key; `nil` if they do not.
    private func place(stating key: String) -> String? {
        let origin = base.origin(of: key)
        return origin == .builtIn ? nil : origin.place
    }

    /// The most keys that cannot be used and that are told. Whoever can write into the bucket can write more of them than an answer has room for.
    private static let maximumForeign = 100

    /// All keys that can be set at run time, and those that are and cannot be used.
    func keys(_ records: [MetaRecord]) -> [RuntimeKey] {
        let inForce = inForce(records)
        var left = Dictionary(records.map { ($0.key.text, $0) }) { first, _ in first }
        var keys = inForce.loaded.liveValues.map { live in
            RuntimeKey(
                key: live.key,
                value: live.value,
                source: RuntimeKey.Source(live.origin),
                place: live.origin.place,
                record: left.removeValue(forKey: live.key).flatMap(\.picture)
            )
        }
        for index in keys.indices {
            guard let reason = inForce.passedOver[keys[index].key] else { continue }
            keys[index].place += ", since what is set at run time is passed over: \(reason)"
        }
        keys += left.values.sorted { $0.revision < $1.revision }.prefix(Self.maximumForeign).map { record in
            RuntimeKey(
                key: record.key.text,
                value: nil,
                source: .passedOver,
                place: inForce.passedOver[record.key.text] ?? "",
                record: record.picture
            )
        }
        return keys
    }

    // MARK: Changes

    /// The text that a record is to have for a change; `nil` if it is to be removed.
    func text(for change: RuntimeKeyChange, _ records: [MetaRecord]) throws(RuntimeKeyRefusal) -> String? {
        let record = records.first { $0.key.text == change.key }
        guard let value = change.value else {
            guard record == nil else { return nil }
            try refuseUnlessLive(change.key)
            throw RuntimeKeyRefusal(.badRequest, "\(change.key) is not set at run time")
        }
        try refuseUnlessLive(change.key)
        if let place = place(stating: change.key) {
            throw RuntimeKeyRefusal(
                .conflict,
                "\(change.key) is stated by this node (\(place)), which goes before what is set at run time: change it there, or take it out and start the broker again"
            )
        }
        var values: [String: String] = [:]
        for record in records { values[record.key.text] = record.text }
        for key in inForce(records).notUsed { values[key] = nil }
        values[change.key] = value
        let loaded: LoadedConfiguration<ServerSettings>
        do {
            loaded = try base.over(runtime: values)
        } catch {
            let own = error.problems.filter { $0.runtimeKey == change.key }
            let problems = own.isEmpty ? error.problems : own
            throw RuntimeKeyRefusal(.badRequest, problems.map(\.textWithoutPlace).joined(separator: "\n"))
        }
        guard let live = loaded.liveValues.first(where: { $0.key == change.key }), let text = live.value,
            live.origin == .runtime(key: change.key)
        else {
            throw RuntimeKeyRefusal(
                .conflict,
                "\(change.key) is null in this node's file or environment, which goes before what is set at run time"
            )
        }
        return text
    }

    private func refuseUnlessLive(_ key: String) throws(RuntimeKeyRefusal) {
        guard live[key] == nil else { return }
        func refuse(_ text: String) throws(RuntimeKeyRefusal) -> Never { throw RuntimeKeyRefusal(.badRequest, text) }
        if let inner = base.liveValues.first(where: { $0.key.hasPrefix(key + ".") }) {
            try refuse("\(key) is an object; set one of its keys, such as \(inner.key)")
        }
        do {
            // Another value than the given one, which may be a secret.
            _ = try base.over(runtime: [key: ""])
        } catch {
            if let name = error.problems.compactMap(\.key).first(where: { live[$0] != nil }) {
                try refuse("\(key) is another name of \(name), which is to be used here")
            }
            if let problem = error.problems.first(where: { $0.isOfUnknownKey || $0.key == nil }) {
                try refuse(problem.textWithoutPlace)
            }
        }
        try refuse(
            "\(key) takes effect when a broker starts: write it into the file of each node, and start the broker again"
        )
    }
}

extension RuntimeLayer.InForce {
    fileprivate var notUsed: [String] { Array(overridden.keys) + Array(passedOver.keys) }
}

extension MetaRecord {
    /// `nil` for octets that are no text.
    fileprivate var text: String? { String(validating: value.readableBytesView, as: UTF8.self) }

    fileprivate var picture: RuntimeKey.Record? {
        RuntimeKey.Record(value: text ?? "octets that are no text", revision: revision)
    }
}

extension ConfigurationProblem {
    /// The key that is set at run time and to blame; `nil` if another source is.
    fileprivate var runtimeKey: String? {
        if case .runtime(let key) = origin { key } else { nil }
    }
}

extension RuntimeKey.Source {
    init(_ origin: Origin) {
        switch origin {
        case .builtIn: self = .byDefault
        case .runtime: self = .runtime
        case .file: self = .file
        case .environment: self = .environment
        case .commandLine: self = .commandLine
        }
    }
}
