/// A string that is compared octet by octet: MQTT compares client identifiers and topics without normalisation
/// [MQTT-4.7.3-4], whereas `String` takes canonically equivalent ones for equal.
package struct UTF8Key: Hashable, Sendable {
    package let string: String

    package init(_ string: String) {
        var string = string
        string.makeContiguousUTF8()
        self.string = string
    }

    package static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.string.utf8.elementsEqual(rhs.string.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        let hashed: Void? = string.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if hashed == nil { for octet in string.utf8 { hasher.combine(octet) } }
    }
}
