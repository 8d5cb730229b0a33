/// An array for few elements: one needs no memory of its own.
struct ShortArray<Element>: RandomAccessCollection {
    private enum Storage {
        case none
        case one(Element)
        case many([Element])
    }

    private var storage = Storage.none

    init() {}

    init(_ elements: some Collection<Element>) {
        switch elements.count {
        case 0: break
        case 1: storage = elements.first.map { .one($0) } ?? .none
        default: storage = .many(Array(elements))
        }
    }

    var startIndex: Int { 0 }

    var endIndex: Int {
        switch storage {
        case .none: 0
        case .one: 1
        case .many(let elements): elements.count
        }
    }

    /// - Precondition: the index is in `indices`.
    subscript(index: Int) -> Element {
        switch storage {
        case .none: preconditionFailure("an empty array has no element")
        case .one(let element):
            precondition(index == 0, "an array of one element has no other")
            return element
        case .many(let elements): return elements[index]
        }
    }

    mutating func append(_ element: Element) {
        switch storage {
        case .none: storage = .one(element)
        case .one(let first): storage = .many([first, element])
        case .many(var elements):
            // Without a second owner, so that the elements stay where they are.
            storage = .none
            elements.append(element)
            storage = .many(elements)
        }
    }

    mutating func removeAll(where isGone: (Element) -> Bool) {
        switch storage {
        case .none: break
        case .one(let element): if isGone(element) { storage = .none }
        case .many(var elements):
            storage = .none
            elements.removeAll(where: isGone)
            self = elements.count > 1 ? Self(many: elements) : Self(elements)
        }
    }

    private init(many elements: [Element]) { storage = .many(elements) }
}
