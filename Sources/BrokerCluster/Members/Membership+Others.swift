import NIOCore

/// The other nodes: what is heard of them, and what their silence means.
extension Membership {
    // MARK: What is told

    /// Tells what a record means for the owner, in order: the end of the run that was told, then the one that is there.
    mutating func tellRecord(_ node: Int) {
        guard member != nil, told[node] != nodes[node].member else { return }
        tellDeath(node)
        guard let member = nodes[node].member else { return }
        told[node] = member
        effects.append(.tell(.joined(member)))
        tellRetirement(node)
    }

    mutating func tellDeath(_ node: Int) {
        guard let member = told[node] else { return }
        told[node] = nil
        effects.append(.tell(.died(member)))
    }

    private mutating func tellRetirement(_ node: Int) {
        if told[node] != nil, nodes[node].isRetiring { effects.append(.tell(.retiring(node: node))) }
    }

    mutating func suspect(_ node: Int) {
        guard told[node] != nil else { return }
        nodes[node].isSuspected = true
        effects.append(.tell(.suspected(node: node)))
    }

    /// The connections of clients at each other member that is heard of and tells them.
    package var clientsOfOthers: [Int] {
        others.filter { !isSuspected($0.node) }.compactMap { nodes[$0.node].clients }
    }

    // MARK: What is heard

    mutating func listen(_ now: NIODeadline) {
        let isHearing = own.newestReturn.map { now < $0 + times.deafAfter } ?? false
        if isHearing != (hearingSince != nil) { hearingSince = isHearing ? now : nil }
    }

    mutating func hear(_ heartbeat: Heartbeat, _ now: NIODeadline) {
        if let identity = heartbeat.identity {
            let echo = member.flatMap { own in heartbeat.echoes.first { $0.identity == own.identity } }
            let wasRetiring = nodes[identity.node].isRetiring
            _ = nodes[identity.node].hear(
                heartbeat,
                run: identity.run,
                echo: echo.flatMap { own in self.own.sendTime(of: own.number) },
                now
            )
            if !wasRetiring { tellRetirement(identity.node) }
            if nodes[identity.node].hasLeft { tellDeath(identity.node) }
        }
        for echo in heartbeat.echoes where echo.identity != member?.identity {
            nodes[echo.identity.node].hear(of: echo.number, run: echo.identity.run, now)
        }
    }

    // MARK: Silence

    mutating func judge(_ now: NIODeadline) {
        let isDecisive = isDecisive(now)
        for number in nodes.indices where number != member?.node {
            let node = nodes[number]
            if node.hasLeft {
                remove(number, since: node.lastEvidence + times.lease, now)
                continue
            }
            guard node.record != nil else { continue }
            if node.isSuspected, let heard = node.lastHeard, now < heard + times.askAfter {
                nodes[number].isSuspected = false
                effects.append(.tell(.trusted(node: number)))
            }
            guard let hearingSince else { continue }
            let silentSince = max(hearingSince, node.lastHeard ?? node.seen)
            if !node.isSuspected {
                if now >= silentSince + times.lease {
                    suspect(number)
                } else if now >= silentSince + times.askAfter {
                    ask(number, now)
                }
            }
            let deadAfter = isDecisive ? times.deadAfter : times.deadAfterForFew
            remove(number, since: max(hearingSince, node.lastEvidence) + deadAfter, now)
        }
    }

    mutating func ask(_ number: Int, _ now: NIODeadline) {
        switch nodes[number].question {
        case .none: nodes[number].question = .asked
        case .unheard(let time) where now >= time + times.askPause: nodes[number].question = .askedAgain
        case .unheard, .asked, .askedAgain: return
        }
        effects.append(.ask(node: number))
    }

    /// True while this node and those that have lately heard it are half of the members, so that a member that is safe by echoes is known
    /// to one of them.
    func isDecisive(_ now: NIODeadline) -> Bool {
        let oldest = now - times.freshEcho
        guard let newestReturn = own.newestReturn, newestReturn >= oldest else { return false }
        let others = others
        let fresh = others.count { (nodes[$0.node].echo ?? .distantPast) >= oldest }
        return 2 * (fresh + 1) >= others.count + 1
    }

    mutating func remove(_ number: Int, since: NIODeadline, _ now: NIODeadline) {
        guard now >= since, now >= nodes[number].removalTried + MembershipTimes.retry, isConnected else { return }
        nodes[number].removalTried = now
        effects.append(.remove(node: number, expecting: nodes[number].revision))
    }
}
