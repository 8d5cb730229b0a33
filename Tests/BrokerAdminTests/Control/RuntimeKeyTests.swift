import BrokerCluster
import NIOCore
import Testing

@testable import BrokerAdmin

@Suite struct RuntimeKeyTests {
    @Test("Keys are told and changed by the socket, and a refusal says why")
    func changes() async throws {
        try await RunningControl.run { control in
            let told = try StatusJSON.read(
                RuntimeKeys.self,
                from: try await control.client.get(ControlPath.runtimeKeys)
            )
            #expect(told.keys == [TestConfiguration.key(value: "1")])
            func put(_ value: String) async throws -> RuntimeKey {
                let body = try StatusJSON.write(RuntimeKeyChange(key: "a", value: value, revision: 3))
                return try StatusJSON.read(
                    RuntimeKey.self,
                    from: try await control.client.put(ControlPath.runtimeKeys, ByteBuffer(bytes: body))
                )
            }
            #expect(try await put("2") == TestConfiguration.key(value: "2"))
            for code in [RuntimeKeyRefusal.Code.badRequest, .conflict, .unavailable] {
                await #expect(throws: ControlFailure.declined(RuntimeKeyRefusal(code, "\"quoted\"\n\(code.rawValue)")))
                {
                    try await put(code.rawValue)
                }
            }
        }
    }

    @Test(
        "A body that is none, or too long, is refused",
        arguments: [
            "": "400", "[]": "400", "{}": "400", #"{"key":1}"#: "400", String(repeating: " ", count: 70_000): "",
        ]
    )
    func malformed(body: String, status: String) async throws {
        try await RunningControl.run { control in
            let head =
                "PUT \(ControlPath.runtimeKeys) HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            let answer = try await control.raw(head + body)
            #expect(answer.hasPrefix(status.isEmpty ? "" : "HTTP/1.1 \(status)"))
            #expect(!answer.contains("HTTP/1.1 200"))
        }
    }
}
