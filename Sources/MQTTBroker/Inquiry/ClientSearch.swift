/// A search for clients in a shard: the connections in the order of their slots, then the durable sessions whose clients are away.
///
/// A client that stays where it is from the start to the end of the search is found once. One that comes, goes, or changes its address to another shard
/// meanwhile may be found or not.
package struct ClientSearch: Codable, Sendable, Equatable {
    package var filter: ClientFilter
    /// `nil` for the order of the walk.
    package var order: ClientOrder?
    /// Clients that are passed over, in this order.
    package var skip: Int
    /// Clients that are wanted of those behind, in this order.
    package var limit: Int
    /// True to count all clients that fit. Without, the search ends once it has found enough.
    package var counts: Bool
    /// Where an earlier search in the order of the walk has ended; 0 to begin.
    package var position: Int

    /// Rows that are kept at most.
    package static let maximumRows = 10_000

    package init(
        _ filter: ClientFilter = ClientFilter(),
        order: ClientOrder? = nil,
        skip: Int = 0,
        limit: Int = 100,
        counts: Bool = false,
        position: Int = 0
    ) {
        self.filter = filter
        self.order = order
        self.skip = max(0, skip)
        self.limit = min(max(0, limit), Self.maximumRows)
        self.counts = counts
        self.position = max(0, position)
    }

    /// What a shard has found.
    package struct Found: Codable, Sendable, Equatable {
        package var rows: [ClientRow] = []
        /// Clients that fit, as far as the search has come.
        package var count = 0
        /// Where a search for the rows behind these goes on; `nil` if there are none, and of a sorted search.
        package var position: Int?

        package init() {}
    }
}
