/// A form in which values are written in a configuration.
package struct ValueForm<Value> {
    /// The allowed values, in words for error messages and the reference.
    package let allowed: String
    /// Returns the value; `nil` if the text is not of this form.
    let read: (HOCONValue) -> Value?
    /// Returns the value as HOCON text, which `read` understands; `nil` if there is nothing to write.
    let write: (Value) -> String?

    package init(_ allowed: String, read: @escaping (HOCONValue) -> Value?, write: @escaping (Value) -> String?) {
        self.allowed = allowed
        self.read = read
        self.write = write
    }

    /// A form whose values are single texts.
    package static func text(
        _ allowed: String,
        read: @escaping (String) -> Value?,
        write: @escaping (Value) -> String
    ) -> ValueForm {
        ValueForm(allowed, read: { $0.isNull ? nil : $0.text.flatMap(read) }, write: write)
    }

    /// The same form, for a value that may be left out.
    var optional: ValueForm<Value?> {
        ValueForm<Value?>(allowed, read: { read($0).map { .some($0) } }, write: { $0.flatMap(write) })
    }

    /// The same form and the word `word`, which is read as `nil`.
    package func or(_ word: String) -> ValueForm<Value?> {
        ValueForm<Value?>(
            "\(allowed), or \(word)",
            read: { value in
                if value.text == word { return .some(nil) }
                return read(value).map { .some($0) }
            },
            write: { value in value.map(write) ?? word }
        )
    }

    /// The same form, for values of another type.
    /// - Parameter to: `nil` for a value that is not allowed.
    package func mapped<New>(_ to: @escaping (Value) -> New?, from: @escaping (New) -> Value) -> ValueForm<New> {
        ValueForm<New>(allowed, read: { read($0).flatMap(to) }, write: { write(from($0)) })
    }
}

extension ValueForm where Value: Equatable {
    /// The same form and the words `words`, which are read as `value`; the first is written.
    package func or(_ words: String..., for value: Value) -> ValueForm {
        ValueForm(
            "\(allowed), or \(words.joined(separator: " or "))",
            read: { given in given.text.map(words.contains) == true ? value : read(given) },
            write: { $0 == value ? words[0] : write($0) }
        )
    }

    /// The same form and the words `words` for no limit, which are read as `value`; the first is written.
    package func orNoLimit(_ words: String..., as value: Value) -> ValueForm {
        ValueForm(
            "\(allowed), or \(words.joined(separator: " or ")) for no limit",
            read: { given in given.text.map(words.contains) == true ? value : read(given) },
            write: { $0 == value ? words[0] : write($0) }
        )
    }
}
