import Testing

@testable import LoadGenerator

@Suite("Terms of Erlang as text")
struct ErlangValueTests {
    @Test(
        "Terms",
        arguments: [
            ("ok.", [.atom("ok")]),
            ("'an Atom'. [].", [.atom("an Atom"), .list([])]),
            ("{a_1@b,-12,+3}.", [.tuple([.atom("a_1@b"), .integer(-12), .integer(3)])]),
            ("16#fF. 1_000. $a. $\\n.", [.integer(255), .integer(1_000), .integer(97), .integer(10)]),
            ("1.5. -2.0e-3.", [.float(1.5), .float(-0.002)]),
            ("\"a\\\"b\\x41\\x{e4}\\101\" \"c\".", [.string("a\"bAäAc")]),
            (
                "<<\"ab\", 1, 255>>. <<>>. <<\"ä\"/utf8>>.",
                [.binary([97, 98, 1, 255]), .binary([]), .binary([195, 164])]
            ),
            (
                "#{ a => 1 , \"b\" => [x] }.",
                [
                    .map([
                        .init(key: .atom("a"), value: .integer(1)),
                        .init(key: .string("b"), value: .list([.atom("x")])),
                    ])
                ]
            ),
            ("% nothing\n", []),
            ("[1 % one\n,2].% end", [.list([.integer(1), .integer(2)])]),
        ] as [(String, [ErlangValue])]
    )
    func terms(text: String, values: [ErlangValue]) throws {
        #expect(try ErlangValue.consult(text) == values)
    }

    @Test(
        "Mistakes name the line",
        arguments: [
            ("a", "line 1: expected a full stop after the term"),
            ("{a,\n b", "line 2: expected ',' or '}'"),
            ("[a|b].", "line 1: expected ',' or ']'"),
            ("#{a = b}.", "line 1: expected '=>'"),
            ("\n\n\"abc", "line 3: a text has no end"),
            ("Variable.", "line 1: expected a term, found 'V'"),
            ("f().", "line 1: expected a full stop after the term"),
            ("{", "line 1: the term is not complete"),
            ("99999999999999999999.", "line 1: 99999999999999999999 is no number of 64 bits"),
            ("\"\\x{110000}\".", "line 1: \\x110000 is no character"),
            ("<<a>>.", "line 1: expected a text or an octet"),
            (String(repeating: "[", count: 100_000), "line 1: terms stand within terms by more than 64 levels"),
        ]
    )
    func mistakes(text: String, message: String) {
        #expect(throws: UsageError(message)) { try ErlangValue.consult(text) }
    }

    @Test("Property lists and maps, of which the first value counts") func properties() throws {
        func read(_ text: String) throws -> [String: ErlangValue]? {
            try ErlangValue.consult(text).first?.properties
        }
        #expect(try read("[{a,1},b,{a,2}].") == ["a": .integer(1), "b": .atom("true")])
        #expect(try read("#{a => 1}.") == ["a": .integer(1)])
        #expect(try read("[].") == [:])
        for text in ["[{a,1,2}].", "[\"a\"].", "a.", "#{1 => 2}."] { #expect(try read(text) == nil) }
    }
}
