import NIOCore
import Testing

@testable import BrokerAdmin

@Suite struct SchemaTests {
    private let schema: Schema = .object([
        .init("topic", .string(.length(1...10))),
        .init("qos", .integer(0...2), isRequired: false),
        .init("list", .array(of: .object([.init("on", .boolean())])), isRequired: false),
        .init("when", .optional(.string(.dateTime)), isRequired: false),
    ])

    private func objection(_ json: String) throws -> String? {
        schema.objection(to: try #require(JSONValue.read(ByteBuffer(string: json))))
    }

    @Test(
        "What fits",
        arguments: [
            #"{"topic":"a"}"#, #"{"topic":"a","qos":2,"list":[{"on":true}]}"#, #"{"topic":"a","when":null}"#,
            #"{"topic":"a","when":"2026-01-31T23:59:59.000+00:00"}"#,
        ]
    )
    func fits(_ json: String) throws { #expect(try objection(json) == nil) }

    @Test(
        "What does not, and where",
        arguments: [
            ("[]", "the body has to be an object"), ("{}", "topic is missing"),
            (#"{"topic":""}"#, "topic has to be of 1 to 10 characters"), (#"{"topic":3}"#, "topic has to be a string"),
            (#"{"topic":"a","qos":3}"#, "qos has to be 0 to 2"),
            (#"{"topic":"a","qos":"1"}"#, "qos has to be an integer"),
            (#"{"topic":"a","list":[{"on":true},{"on":1}]}"#, "list[1].on has to be true or false"),
            (#"{"topic":"a","more":1}"#, "more is not known here"),
            (#"{"topic":"a","when":"soon"}"#, "when has to be an instant such as 2026-01-31T23:59:59.000+00:00"),
        ]
    )
    func objections(_ json: String, _ expected: String) throws { #expect(try objection(json) == expected) }

    @Test("Nesting without end is no JSON here") func depth() {
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        #expect(JSONValue.read(ByteBuffer(string: deep)) == nil)
    }
}
