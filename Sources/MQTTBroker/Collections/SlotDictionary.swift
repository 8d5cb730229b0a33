/// A dictionary that can be walked in steps while it changes: each value keeps its place until it is removed.
///
/// A walk over the places 0 up to `placeCount` sees every value that is there from its start to its end, once. A value that is
/// added during the walk may be seen or not.
struct SlotDictionary<Key: Hashable, Value> {
    private var places: [Key: Int] = [:]
    private var slots: [Value?] = []
    private var freePlaces: [Int] = []

    /// Places whose memory is kept when the last value is removed.
    private static var fewPlaces: Int { 16 }

    var count: Int { places.count }
    var isEmpty: Bool { places.isEmpty }
    /// The places in use and those that were in use, of which a walk visits each.
    var placeCount: Int { slots.count }

    /// The value at a place; `nil` if the place is not in use.
    func value(at place: Int) -> Value? { place < slots.count ? slots[place] : nil }

    /// The value of a key. Setting `nil` removes it.
    subscript(key: Key) -> Value? {
        get { places[key].flatMap { slots[$0] } }
        set {
            guard let newValue else {
                remove(key)
                return
            }
            if let place = places[key] {
                slots[place] = newValue
            } else if let place = freePlaces.popLast() {
                places[key] = place
                slots[place] = newValue
            } else {
                places[key] = slots.count
                slots.append(newValue)
            }
        }
    }

    private mutating func remove(_ key: Key) {
        guard let place = places.removeValue(forKey: key) else { return }
        if places.isEmpty, slots.count > Self.fewPlaces {
            // Frees the memory of a busier time.
            self = Self()
        } else {
            slots[place] = nil
            freePlaces.append(place)
        }
    }
}
