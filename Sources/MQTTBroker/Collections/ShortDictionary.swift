/// A dictionary for few entries: one needs no memory of its own.
struct ShortDictionary<Key: Hashable, Value>: Sequence {
    private enum Storage {
        case none
        case one(Key, Value)
        case many([Key: Value])
    }

    private var storage = Storage.none

    var count: Int {
        switch storage {
        case .none: 0
        case .one: 1
        case .many(let entries): entries.count
        }
    }

    var isEmpty: Bool { count == 0 }
    var keys: [Key] { map(\.key) }

    /// The value of a key. Setting `nil` removes it.
    subscript(key: Key) -> Value? {
        get {
            switch storage {
            case .none: nil
            case .one(let only, let value): only == key ? value : nil
            case .many(let entries): entries[key]
            }
        }
        set {
            if let newValue { updateValue(newValue, forKey: key) } else { removeValue(forKey: key) }
        }
    }

    /// Sets a value. Returns the value that was there.
    @discardableResult
    mutating func updateValue(_ value: Value, forKey key: Key) -> Value? {
        switch storage {
        case .none:
            storage = .one(key, value)
            return nil
        case .one(let only, let previous):
            if only == key {
                storage = .one(key, value)
                return previous
            }
            storage = .many([only: previous, key: value])
            return nil
        case .many(var entries):
            // Without a second owner, so that the entries stay where they are.
            storage = .none
            let previous = entries.updateValue(value, forKey: key)
            storage = .many(entries)
            return previous
        }
    }

    /// Removes a value. Returns the value that was there.
    @discardableResult
    mutating func removeValue(forKey key: Key) -> Value? {
        switch storage {
        case .none: return nil
        case .one(let only, let value):
            guard only == key else { return nil }
            storage = .none
            return value
        case .many(var entries):
            storage = .none
            let previous = entries.removeValue(forKey: key)
            if entries.count == 1, let last = entries.first {
                storage = .one(last.key, last.value)
            } else {
                storage = .many(entries)
            }
            return previous
        }
    }

    struct Iterator: IteratorProtocol {
        fileprivate var one: (key: Key, value: Value)?
        fileprivate var many: Dictionary<Key, Value>.Iterator?

        mutating func next() -> (key: Key, value: Value)? {
            if let entry = one.take() { return entry }
            return many?.next().map { ($0.key, $0.value) }
        }
    }

    func makeIterator() -> Iterator {
        switch storage {
        case .none: Iterator()
        case .one(let key, let value): Iterator(one: (key, value))
        case .many(let entries): Iterator(many: entries.makeIterator())
        }
    }
}
