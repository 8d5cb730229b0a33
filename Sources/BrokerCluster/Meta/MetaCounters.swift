/// What became of the records of the meta lane since the node began.
package struct MetaCounters: Equatable, Sendable {
    /// Records that were new or had another value, and those that were removed.
    package var changes = 0
    package var removals = 0
    /// Records that are passed over: longer than a bound, or beyond the bound of all; such as cannot be read; and of kinds that this version
    /// does not know.
    package var refused = 0
    package var malformed = 0
    package var unknown = 0
    /// Changes by this node: those that were stored, those that came after another node's, and those that failed for another reason.
    package var writes = 0
    package var conflicts = 0
    package var failures = 0

    package init() {}

    /// The counters by the names of their metrics, `martlet_meta_NAME_total`.
    package static let names: [(name: String, path: any WritableKeyPath<MetaCounters, Int> & Sendable)] = [
        ("changes", \.changes),
        ("removals", \.removals),
        ("refused", \.refused),
        ("malformed", \.malformed),
        ("unknown", \.unknown),
        ("writes", \.writes),
        ("conflicts", \.conflicts),
        ("failures", \.failures),
    ]
}
