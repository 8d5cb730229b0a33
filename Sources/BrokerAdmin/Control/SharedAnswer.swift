/// One answer for all who ask while it is being made, so that many questions cost as much as one.
actor SharedAnswer<Value: Sendable> {
    private let make: @Sendable () async -> Value
    private var underWay: Task<Value, Never>?

    init(_ make: @escaping @Sendable () async -> Value) { self.make = make }

    var value: Value {
        get async {
            if let underWay { return await underWay.value }
            let task = Task { await make() }
            underWay = task
            let value = await task.value
            underWay = nil
            return value
        }
    }
}
