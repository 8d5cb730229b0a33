import NIOCore
import Testing

@testable import BrokerCluster

@Suite struct NumberChoiceTests {
    private func member(_ node: Int, run: UInt64, in script: MembershipScript) -> Bool {
        script.membership.member?.node == node && script.membership.member?.run == run
    }

    @Test("A node takes the lowest free number")
    func lowest() {
        var script = MembershipScript()
        script.put(0, run: 3)
        script.put(1, run: 4)
        script.put(3, run: 5)
        script.join()
        #expect(member(2, run: 7, in: script))
    }

    @Test("A node takes the number that it had before, unless another one has it now")
    func earlier() {
        var script = MembershipScript(MembershipScript.identity(earlier: 5))
        script.join()
        #expect(member(5, run: 7, in: script))
        var late = MembershipScript(MembershipScript.identity(earlier: 5))
        late.put(5, run: 2)
        late.join()
        #expect(member(0, run: 7, in: late))
    }

    @Test("A node that restarts supersedes its own record at once, by a run with the low 16 bits of its start")
    func restart() {
        for (before, run) in [(6, 7), (7, 65_543), (70_000, 131_079), (65_542, 65_543)] as [(UInt64, UInt64)] {
            var script = MembershipScript()
            script.put(4, run: before, token: "mine", speaks: false)
            script.join()
            #expect(member(4, run: run, in: script))
            #expect(script.remembered.count == 1)
            #expect(script.remembered.last?.run == run)
        }
    }

    @Test("A configured number that a living node has is refused, and taken when that one is dead")
    func configured() {
        var script = MembershipScript(MembershipScript.identity(number: 2))
        script.put(2, run: 9)
        script.join()
        #expect(script.membership.member == nil)
        #expect(script.refusals.count == 1)
        #expect(script.refusals.first?.contains("which the node other-2 of this cluster has") == true)
        script.others[2]?.speaks = false
        script.wait(.milliseconds(9_700))
        #expect(script.membership.member == nil)
        script.wait(.milliseconds(500))
        #expect(member(2, run: 65_543, in: script))
    }

    @Test("A configured number whose node has left is taken at once")
    func left() {
        var script = MembershipScript(MembershipScript.identity(number: 2))
        script.put(2, run: 9)
        script.others[2]?.isLeaving = true
        script.join()
        #expect(member(2, run: 65_543, in: script))
    }

    @Test("A number beyond the cluster's is refused")
    func beyond() {
        var script = MembershipScript(MembershipScript.identity(number: 32))
        script.join()
        #expect(script.refusals == ["node.number is 32, and a cluster has the numbers 0 to 31"])
    }

    @Test("The 33rd node is refused")
    func full() {
        var script = MembershipScript()
        for node in 0..<32 { script.put(node, run: 1) }
        script.join()
        #expect(script.membership.member == nil)
        #expect(script.refusals.contains { $0.contains("32 nodes already") })
    }

    @Test("A number is not taken whose node is heard of, though its record is not there")
    func stranger() {
        var script = MembershipScript()
        script.put(0, run: 1)
        script.delete(0)
        script.wait(.milliseconds(200))
        script.join()
        #expect(member(1, run: 7, in: script))
    }
}
