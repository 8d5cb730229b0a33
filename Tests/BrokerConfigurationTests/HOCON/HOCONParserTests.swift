import BrokerConfiguration
import Testing

/// Each feature of HOCON.md, by its JSON equivalent.
@Suite struct HOCONParserTests {
    static func parse(_ text: String, environment: [String: String] = [:]) throws(HOCONError) -> HOCONValue {
        try HOCONDocument(parsing: text, named: "test.conf", environment: environment).root
    }

    /// Pairs of texts that mean the same.
    static let equivalents: [(String, json: String)] = [
        // Empty files, comments, root braces
        ("", "{}"),
        ("# nothing\n// at all", "{}"),
        ("{}", "{}"),
        ("{ a = 1 }  # after", #"{"a":1}"#),
        ("a = 1 # one\nb = 2 // two\n", #"{"a":1,"b":2}"#),
        (#"a = "x # y // z""#, #"{"a":"x # y // z"}"#),
        ("\u{FEFF}a = 1\r\nb = 2\r\n", #"{"a":1,"b":2}"#),
        // Separators
        ("a = 1, b : 2\nc=3", #"{"a":1,"b":2,"c":3}"#),
        ("a = 1,\n\nb = 2,", #"{"a":1,"b":2}"#),
        ("a {\n}\nb{c=1}", #"{"a":{},"b":{"c":1}}"#),
        ("a = {b = 1}", #"{"a":{"b":1}}"#),
        ("a =\n  1", #"{"a":1}"#),
        ("a = [1,2,3,]\nb = [1\n2\n3]\nc = [\n1,\n2\n]", #"{"a":[1,2,3],"b":[1,2,3],"c":[1,2]}"#),
        // Keys
        ("a.b.c = 1", #"{"a":{"b":{"c":1}}}"#),
        (#"a."b.c" = 1"#, #"{"a":{"b.c":1}}"#),
        (#""" = 1"#, #"{"":1}"#),
        (#"a."" .b = 1"#.replacing(" .", with: "."), #"{"a":{"":{"b":1}}}"#),
        ("3.14 = 1\n10.0foo = 2", #"{"3":{"14":1},"10":{"0foo":2}}"#),
        ("true = 1\nnull = 2", #"{"true":1,"null":2}"#),
        (#"a"b" = 1"#, #"{"ab":1}"#),
        ("include = 1\nincluded = 2", #"{"include":1,"included":2}"#),
        ("ключ = значение", #"{"ключ":"значение"}"#),
        // Merging
        ("a { x = 1 }\na { y = 2 }", #"{"a":{"x":1,"y":2}}"#),
        ("a.x = 1\na.y = 2\na.x = 3", #"{"a":{"x":3,"y":2}}"#),
        ("a { x = 1 }\na = null\na { y = 2 }", #"{"a":{"y":2}}"#),
        ("a { x = 1 }\na = 5\na { y = 2 }", #"{"a":{"y":2}}"#),
        ("a { b { c = 1 } }\na.b.d = 2\na { b { c = 3 } }", #"{"a":{"b":{"c":3,"d":2}}}"#),
        ("a = [1]\na = [2]", #"{"a":[2]}"#),
        ("a = 1\na { b = 2 }", #"{"a":{"b":2}}"#),
        ("a { b = 2 }\na = 1", #"{"a":1}"#),
        // Scalars
        ("a = true, b = false, c = null", #"{"a":true,"b":false,"c":null}"#),
        ("a = 12, b = -1.5e+3, c = 0.5E-2", #"{"a":12,"b":-1.5e+3,"c":0.5E-2}"#),
        ("a = 1MB, b = 15s, c = 1h30m", #"{"a":"1MB","b":"15s","c":"1h30m"}"#),
        ("a = 127.0.0.1, b = truefoo, c = -x", #"{"a":"127.0.0.1","b":"truefoo","c":"-x"}"#),
        ("a = foo bar  baz , b = x", #"{"a":"foo bar  baz","b":"x"}"#),
        ("a = user@host/path-1.2_3", #"{"a":"user@host/path-1.2_3"}"#),
        // Strings
        (#"a = "tab\t quote\" slash\/ \\ \u00e9 \ud83d\ude97""#, #"{"a":"tab\t quote\" slash/ \\ é 🚗"}"#),
        (#"a = "x" y "z""#, #"{"a":"x y z"}"#),
        ("a = \"\"\"one\n \"two\" \\n\"\"\"", #"{"a":"one\n \"two\" \\n"}"#),
        ("a = \"\"\"quoted\"\"\"\"\"", #"{"a":"quoted\"\""}"#),
        ("a = \"\"\"\"\"\"", #"{"a":""}"#),
        ("a = \"\"\"~\n    one\n      two\n\n    three\n  \"\"\"", #"{"a":"one\n  two\n\nthree\n"}"#),
        ("a = \"\"\"~\n  one\n  \"two\"~\"\"\"", #"{"a":"one\n\"two\""}"#),
        // Lists
        ("a = []", #"{"a":[]}"#),
        ("a = [1, [2, {b = 3}], x y]", #"{"a":[1,[2,{"b":3}],"x y"]}"#),
        ("a = [1] [2, 3]", #"{"a":[1,2,3]}"#),
        ("a = {b = 1} {c = 2}", #"{"a":{"b":1,"c":2}}"#),
        ("a = [{b=1} {c=2}]", #"{"a":[{"b":1,"c":2}]}"#),
        ("a += 1\na += 2", #"{"a":[1,2]}"#),
        ("a = [1]\na += {b = 2}", #"{"a":[1,{"b":2}]}"#),
        ("a { b = [1] }\na.b += 2\na { b += 3 }", #"{"a":{"b":[1,2,3]}}"#),
    ]

    @Test(arguments: equivalents.map { ($0.0, $0.json) })
    func meansTheSameAs(text: String, json: String) throws {
        #expect(try Self.parse(text) == Self.parse(json))
    }

    /// Texts and what is said of them; `L:C` is line and column.
    static let mistakes: [(String, String)] = [
        ("a = 1\nb = ]", "2:5: expected a value, found ']'"),
        ("a = ", "1:5: expected a value, found the end"),
        ("a = \n}", "2:1: expected a value, found '}'"),
        ("a 1", "1:3: expected '=', ':', '+=' or '{' after the key a, found '1'"),
        ("a", "1:2: expected '=', ':', '+=' or '{' after the key a, found the end"),
        ("= 1", "1:1: expected a key, found '='"),
        ("a..b = 1", "1:3: a key has an empty part; write \"\" for a part that is really empty"),
        (".a = 1", "1:1: a key has an empty part; write \"\" for a part that is really empty"),
        ("a. = 1", "1:3: a key has an empty part; write \"\" for a part that is really empty"),
        ("a = 0.0.0.0:14567", "1:12: ':' may not stand in an unquoted value; put the value in double quotes"),
        ("é = *", "1:5: '*' may not stand in an unquoted value; put the value in double quotes"),
        ("a = \"b", "1:5: this string has no closing '\"'"),
        ("a = \"b\nc\"", "1:5: this string has no closing '\"' on its line; use \"\"\"…\"\"\" for several lines"),
        ("a = \"\"\"b\"\"", "1:5: this string has no closing '\"\"\"'"),
        ("a = \"\\x\"", "1:7: unknown escape; allowed: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"),
        (
            "a = \"\\ud83dx\"",
            "1:7: \\u needs four hexadecimal digits, and a character beyond U+FFFF a pair of surrogates"
        ),
        (
            "a = \"\u{1}\"",
            "1:6: a control character (code 1) in a string; write it as an escape such as \\t or \\u001f"
        ),
        ("a {\n b = 1", "1:3: this '{' has no closing '}'"),
        ("a = [1,\n2", "1:5: this '[' has no closing ']'"),
        ("a = 1\n}", "2:1: this '}' has no opening '{'"),
        ("{ a = 1 } b = 2", "1:11: unexpected 'b' after the closing '}'"),
        ("[1]", "1:1: the file is a list; a configuration is an object of keys and values"),
        ("a = 1,, b = 2", "1:7: two commas in a row in this object"),
        ("a = [1,,2]", "1:8: two commas in a row in this list"),
        (
            "a = {b = 1} = 2",
            "1:13: '=' may not stand in an unquoted value; put the value in double quotes"
        ),
        (
            "a = $b",
            "1:5: '$' begins a reference such as ${node.name}; put the value in double quotes if it is meant as a character"
        ),
        ("a = ${b", "1:8: expected '}' at the end of the reference, found the end"),
        ("a = ${b c}", "1:9: expected '}' at the end of the reference, found 'c'"),
        (
            "include url(\"x\")",
            "1:9: only files can be included; allowed: include \"NAME\", include file(\"NAME\"), include required(\"NAME\")"
        ),
    ]

    @Test(arguments: mistakes)
    func mistakesAreNamedWithTheirPlace(text: String, expected: String) {
        do {
            _ = try Self.parse(text)
            Issue.record("read without an error: \(text)")
        } catch {
            #expect(error.description == "test.conf:" + expected)
        }
    }

    @Test func textThatIsNotUTF8IsRefusedAtItsPlace() {
        let error = #expect(throws: HOCONError.self) {
            try HOCONDocument(parsing: Array("é=1\nab".utf8) + [0xC3, 0x28], named: "t")
        }
        #expect(error?.description == "t:2:3: the text is not UTF-8")
    }

    @Test func valuesRememberWhereTheirKeyStands() throws {
        let root = try Self.parse("# comment\na {\n  b = 1, c.d = [x]\n}\na.b = 2\n")
        #expect(root.value(at: ["a", "b"])?.origin == .file("test.conf", line: 5, column: 1))
        #expect(root.value(at: ["a", "c", "d"])?.origin == .file("test.conf", line: 3, column: 10))
    }

    @Test func quotedTextAndKeysAreReadBackAsTheyWere() throws {
        for text in ["", "plain", "with \"quotes\" and \\", "tab\tnewline\nbell\u{7}", "é🚗", "${x}", "a.b", "include"] {
            let root = try Self.parse("\(HOCONText.path([text, "k"])) = \(HOCONText.quoted(text))")
            #expect(root.value(at: [text, "k"])?.content == .string(text))
        }
    }
}
