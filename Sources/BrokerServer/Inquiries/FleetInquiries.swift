import BrokerCluster
import MQTTBroker
import NIOCore

/// Inquiries to all nodes of a cluster, of which each is asked like a shard. A node that does not answer in time is named, and the others' rows are given.
struct FleetInquiries: Sendable {
    /// The name and number of this node.
    let name: String
    let own: UInt8
    let node: NodeInquiries
    /// The other members, by number and name; empty without a cluster.
    let others: [(number: Int, name: String)]
    /// `nil` without a cluster.
    let cluster: NIOLoopBound<NodeCluster>?

    /// The only node that lists are asked of, as the name of a node; `nil` for all.
    private var chosen: String?

    /// How long another node is waited for.
    private static let patience = TimeAmount.milliseconds(1_500)
    /// Rows that another node is asked for at a time, so that its answer is one message of NATS (`QuestionLimits.maximumAnswer`).
    private static let rowsOfAnswer = 400

    init(
        name: String,
        own: UInt8,
        node: NodeInquiries,
        others: [(number: Int, name: String)],
        cluster: NIOLoopBound<NodeCluster>?
    ) {
        self.name = name
        self.own = own
        self.node = node
        self.others = others
        self.cluster = cluster
    }

    /// The same, whose lists are those of one node.
    func at(_ node: String?) -> FleetInquiries {
        var fleet = self
        fleet.chosen = node
        return fleet
    }

    /// The nodes to ask for lists; `nil` is this one.
    private var places: [(number: Int, name: String)?] {
        let own: [(number: Int, name: String)?] = chosen == nil || chosen == name ? [nil] : []
        return own + others.filter { chosen == nil || chosen == $0.name }
    }

    /// The clients of all nodes: without an order, those of the nodes one after the other, this one's first.
    func clients(_ search: ClientSearch, withSessions: Bool) async -> FleetPage<ClientRow> {
        var page = search.order == nil ? await walk(search) : await sort(search)
        if withSessions { await complete(&page) }
        return page
    }

    private func walk(_ search: ClientSearch) async -> FleetPage<ClientRow> {
        var search = search
        // One more, which tells whether there are further ones.
        let limit = search.limit
        search.limit = limit + 1
        var page = await gather(search) { try await all($0, of: $1) }
        page.hasNext = page.rows.count > limit
        page.rows = Array(page.rows.prefix(limit))
        if !search.counts { page.count = nil }
        return page
    }

    /// Asks the nodes one after the other for the part of a list that is theirs.
    private func gather<Search: ListSearch>(
        _ search: Search,
        _ ask: (Search, _ node: Int?) async throws -> Search.Found
    ) async -> FleetPage<Search.Found.Row> {
        var page = FleetPage<Search.Found.Row>()
        var (search, count) = (search, 0)
        for place in places where search.limit > 0 || search.counts {
            do {
                let found = try await ask(search, place?.number)
                page.rows += found.rows.map { (place?.name ?? name, $0) }
                count += found.count
                search.skip = max(0, search.skip - found.count)
                search.limit -= found.rows.count
            } catch {
                page.silences.append(NodeSilence(node: place?.name ?? name, reason: "\(error)"))
            }
        }
        page.count = count
        return page
    }

    /// What a node finds, of another one in several answers.
    private func all(_ search: ClientSearch, of number: Int?) async throws -> ClientSearch.Found {
        guard let number else { return try await node.clients(search) }
        var part = search
        part.limit = min(Self.rowsOfAnswer, search.limit)
        var found = try await ask(ClientsQuestion(search: part), of: number)
        // The first answer has counted all that are counted.
        (part.skip, part.counts) = (0, false)
        while let position = found.position, found.rows.count < search.limit {
            part.position = position
            part.limit = min(Self.rowsOfAnswer, search.limit - found.rows.count)
            let answer = try await ask(ClientsQuestion(search: part), of: number)
            found.rows += answer.rows
            if !search.counts { found.count += answer.count }
            found.position = answer.position
        }
        return found
    }

    private func sort(_ search: ClientSearch) async -> FleetPage<ClientRow> {
        var page = FleetPage<ClientRow>()
        guard let order = search.order else { return page }
        var (rows, count): ([(node: String, row: ClientRow)], Int) = ([], 0)
        let wanted = min(search.skip + search.limit + 1, ClientSearch.maximumRows)
        for place in places {
            do {
                let found = try await best(wanted, search, of: place?.number)
                rows += found.rows.map { (place?.name ?? name, $0) }
                count += found.count
            } catch {
                page.silences.append(NodeSilence(node: place?.name ?? name, reason: "\(error)"))
            }
        }
        rows.sort { order.comesBefore($0.row, $1.row) }
        page.rows = Array(rows.dropFirst(search.skip).prefix(search.limit))
        page.hasNext = rows.count > search.skip + search.limit
        page.count = search.counts ? count : nil
        return page
    }

    /// The first rows of a node.
    private func best(_ wanted: Int, _ search: ClientSearch, of number: Int?) async throws -> ClientSearch.Found {
        var search = search
        (search.skip, search.limit) = (0, wanted)
        guard let number else { return try await node.clients(search) }
        var found = ClientSearch.Found()
        while found.rows.count < wanted {
            search.skip = found.rows.count
            search.limit = min(Self.rowsOfAnswer, wanted - found.rows.count)
            let part = try await ask(ClientsQuestion(search: search), of: number)
            found.rows += part.rows
            found.count = part.count
            if part.rows.count < search.limit { break }
        }
        return found
    }

    /// Adds what the homes of sessions know.
    private func complete(_ page: inout FleetPage<ClientRow>) async {
        for place in [nil] + others.map({ Optional($0.number) }) {
            let node = place ?? Int(own)
            let away = page.rows.indices.filter {
                page.rows[$0].row.session == nil && page.rows[$0].row.home.map { Int($0.node) } == node
            }
            for start in stride(from: 0, to: away.count, by: Inquiry.maximumSessions) {
                let part = away[start..<min(start + Inquiry.maximumSessions, away.count)]
                let clients = part.map { page.rows[$0].row.client }
                guard let sessions = try? await sessions(of: clients, at: place) else { continue }
                let known = Dictionary(sessions.map { ($0.client, $0) }) { first, _ in first }
                for index in part { page.rows[index].row.session = known[page.rows[index].row.client] }
            }
        }
    }

    private func sessions(of clients: [String], at number: Int?) async throws -> [SessionRow] {
        guard let number else { return try await node.sessions(of: clients) }
        return try await ask(SessionsQuestion(clients: clients), of: number)
    }

    /// The subscriptions of all nodes, this one's first.
    func subscriptions(_ search: SubscriptionSearch) async -> FleetPage<SubscriptionRow> {
        var page = await gather(search) { try await all($0, of: $1) }
        page.hasNext = (page.count ?? 0) > search.skip + page.rows.count
        return page
    }

    private func all(_ search: SubscriptionSearch, of number: Int?) async throws -> SubscriptionSearch.Found {
        guard let number else { return try await node.subscriptions(search) }
        var found = SubscriptionSearch.Found()
        var part = search
        repeat {
            part.skip = search.skip + found.rows.count
            part.limit = min(Self.rowsOfAnswer, search.limit - found.rows.count)
            let answer = try await ask(SubscriptionsQuestion(search: part), of: number)
            found.rows += answer.rows
            found.count = answer.count
            if answer.rows.count < part.limit { break }
        } while found.rows.count < search.limit
        return found
    }

    /// Ends the session of a client wherever it is. Returns false if no node that answers has it.
    func kick(_ client: String) async -> Bool {
        if (try? await node.kick(client)) == true { return true }
        for other in others where (try? await ask(KickQuestion(client: client), of: other.number)) == true {
            return true
        }
        return false
    }

    private func ask<Question: NodeQuestion>(_ question: Question, of number: Int) async throws -> Question.Answer {
        guard let cluster else { throw NodeSilent(reason: "there is no cluster") }
        let answers = try await cluster.eventLoop.flatSubmit {
            cluster.value.ask(question, of: [number], within: Self.patience)
        }.get()
        if let answer = answers.answers[number] { return answer }
        throw NodeSilent(reason: answers.silences[number]?.description ?? "it does not answer")
    }
}

/// A node does not answer.
private struct NodeSilent: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}

/// A search of which each place finds some rows, behind those that are passed over.
private protocol ListSearch {
    associatedtype Found: ListFound

    var skip: Int { get set }
    var limit: Int { get set }
    /// True if all that fit are counted, also behind the last row that is wanted.
    var counts: Bool { get }
}

private protocol ListFound {
    associatedtype Row: Sendable

    var rows: [Row] { get }
    var count: Int { get }
}

extension ClientSearch: ListSearch {}
extension ClientSearch.Found: ListFound {}
extension SubscriptionSearch: ListSearch { fileprivate var counts: Bool { true } }
extension SubscriptionSearch.Found: ListFound {}
