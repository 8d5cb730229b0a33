import NIOCore
import Testing

@testable import BrokerCluster

@Suite struct OwnHeartbeatsTests {
    @Test("An echo tells when a heartbeat was sent, as long as it is one of the newest and of this run")
    func sendTimes() {
        var own = OwnHeartbeats()
        for number in 1...UInt64(OwnHeartbeats.maximum + 10) {
            #expect(own.next(.uptimeNanoseconds(number)) == number)
        }
        #expect(own.sendTime(of: 10) == nil)
        #expect(own.sendTime(of: 11) == .uptimeNanoseconds(11))
        #expect(own.sendTime(of: own.number) == .uptimeNanoseconds(own.number))
        #expect(own.sendTime(of: own.number + 1) == nil)
        #expect(own.sendTime(of: 0) == nil)
        own.returned(20)
        own.returned(15)
        #expect(own.newestReturn == .uptimeNanoseconds(20))
        own.forget()
        own.returned(21)
        #expect(own.newestReturn == nil)
        let next = own.next(.uptimeNanoseconds(999))
        #expect(own.sendTime(of: next) == .uptimeNanoseconds(999))
    }
}
