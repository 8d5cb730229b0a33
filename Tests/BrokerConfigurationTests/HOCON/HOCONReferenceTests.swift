import BrokerConfiguration
import Testing

@Suite struct HOCONReferenceTests {
    private static let environment = ["HOME": "/srv/x", "PORT": "99", "a.b": "from outside"]

    static let equivalents: [(String, json: String)] = [
        ("a = 1\nb = ${a}", #"{"a":1,"b":1}"#),
        ("b = ${a.c}\na { c = x }", #"{"a":{"c":"x"},"b":"x"}"#),
        ("a = 1\nb = ${a}\na = 2", #"{"a":2,"b":2}"#),
        ("b = ${ \"x.y\".z }\n\"x.y\".z = 1", #"{"x.y":{"z":1},"b":1}"#),
        // Optional references
        ("b = ${?none}", "{}"),
        ("b = 1\nb = ${?none}", #"{"b":1}"#),
        ("b = [1, ${?none}, 2]", #"{"b":[1,2]}"#),
        ("b = x${?none}y", #"{"b":"xy"}"#),
        // The environment answers what the text does not
        ("b = ${HOME}\"/data\"", #"{"b":"/srv/x/data"}"#),
        ("b = ${PORT}", #"{"b":99}"#),
        ("b = ${?NOT_SET}", "{}"),
        ("HOME = here\nb = ${HOME}", #"{"HOME":"here","b":"here"}"#),
        ("HOME = null\nb = ${HOME}", #"{"HOME":null,"b":null}"#),
        ("HOME = ${HOME}\"/y\"", #"{"HOME":"/srv/x/y"}"#),
        // Joins
        ("a = 1\nb = ${a}2, c = x ${a} y", #"{"a":1,"b":"12","c":"x 1 y"}"#),
        ("a = [1]\nb = ${a} [2]", #"{"a":[1],"b":[1,2]}"#),
        ("a { x = 1 }\nb = ${a} { y = 2 }", #"{"a":{"x":1},"b":{"x":1,"y":2}}"#),
        ("a { x = 1 }\nb = { x = 0, y = 2 } ${a}", #"{"a":{"x":1},"b":{"x":1,"y":2}}"#),
        ("a { x = 1 }\nc { y = 2 }\nb = ${a} ${c}", #"{"a":{"x":1},"c":{"y":2},"b":{"x":1,"y":2}}"#),
        // Inheritance
        ("base { x = 1, y = 1 }\na = ${base}\na.x = 2", #"{"base":{"x":1,"y":1},"a":{"x":2,"y":1}}"#),
        ("base { x = 1 }\na = ${base} { y = ${a.x} }", #"{"base":{"x":1},"a":{"x":1,"y":1}}"#),
        ("a { b = 1, c = ${a.b} }", #"{"a":{"b":1,"c":1}}"#),
        // A key that refers to itself means what it was before
        ("path = a\npath = ${path}\":b\"", #"{"path":"a:b"}"#),
        ("path = [a]\npath = ${path} [b]\npath = ${path} [c]", #"{"path":["a","b","c"]}"#),
        ("a { x = 1 }\na = ${a} { y = 2 }", #"{"a":{"x":1,"y":2}}"#),
        ("a = ${?a} [1]", #"{"a":[1]}"#),
        ("a { x = 1 }\na = ${a.x}", #"{"a":1}"#),
        ("a.b = [1]\na.b += 2\nc = ${a.b}", #"{"a":{"b":[1,2]},"c":[1,2]}"#),
        // So does a part of an object that was inherited
        ("a { l = [1] }\nb = ${a} { m = 1, l += 2 }", #"{"a":{"l":[1]},"b":{"l":[1,2],"m":1}}"#),
        ("a { l = [1] }\nb = ${a}\nb.l += 2\nc = ${b.l}", #"{"a":{"l":[1]},"b":{"l":[1,2]},"c":[1,2]}"#),
        ("a { l = [1] }\na = ${?none}\na.l += 2\na.l += 3", #"{"a":{"l":[1,2,3]}}"#),
        ("base { x = z }\nb = ${base}\nb.x = ${b.x}\"y\"", #"{"base":{"x":"z"},"b":{"x":"zy"}}"#),
        (
            "base.o { l = [1], n = 1 }\nb = ${base}\nb { o { l += 2 } }",
            #"{"base":{"o":{"l":[1],"n":1}},"b":{"o":{"l":[1,2],"n":1}}}"#
        ),
        ("b.l = [0]\na { m = 1 }\nb = ${a} { l += 2 }", #"{"a":{"m":1},"b":{"l":[0,2],"m":1}}"#),
        ("b.l = [0]\nb = { l += 1 } ${?none} { l += 2 }", #"{"b":{"l":[0,1,2]}}"#),
        ("a.o.x = 1\nb = ${a}\nb.o = null\nb.o.y = 2", #"{"a":{"o":{"x":1}},"b":{"o":{"y":2}}}"#),
        // Within lists
        ("x = 5\na = [{ b = ${x} }, ${x}]", #"{"x":5,"a":[{"b":5},5]}"#),
    ]

    @Test(arguments: equivalents.map { ($0.0, $0.json) })
    func meansTheSameAs(text: String, json: String) throws {
        let resolved = try HOCONParserTests.parse(text, environment: Self.environment)
        #expect(resolved == (try HOCONParserTests.parse(json)))
    }

    static let mistakes: [(String, String)] = [
        ("x = 1\na = ${b.c}", "2:1: ${b.c} has no value: there is no key b.c with a value at this point"),
        ("a = ${a}", "1:1: ${a} has no value"),
        ("a = ${b}\nb = ${a}", "2:1: ${a} has no value"),
        ("a { b = ${a} }", "1:5: ${a} is a part of the value that it refers to"),
        ("a = [1]\nb = ${a}x", "2:1: an object or a list beside a value of another kind"),
        ("a = {x = 1} [2]", "1:1: an object or a list beside a value of another kind"),
    ]

    @Test(arguments: mistakes)
    func mistakesAreNamedWithTheirPlace(text: String, expected: String) {
        do {
            _ = try HOCONParserTests.parse(text)
            Issue.record("read without an error: \(text)")
        } catch {
            #expect(error.description.hasPrefix("test.conf:" + expected))
        }
    }
}
