import Foundation
import Testing

/// The file of ceilings, by section and name. scripts/ceilings writes it.
enum Ceilings {
    typealias Section = [String: Int]

    static let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "ceilings.json")

    static func section(_ name: String) throws -> Section {
        let sections = try JSONDecoder().decode([String: Section].self, from: Data(contentsOf: file))
        return try #require(sections[name], "\(file.lastPathComponent) has no section \(name)")
    }

    /// Every figure is at most its ceiling and a thousandth, and not so far below that the ceiling says nothing any more. With
    /// `MARTLET_CEILINGS` set to a folder the figures are written there instead, for scripts/ceilings.
    static func hold(_ measured: Section, to name: String) throws {
        if let folder = ProcessInfo.processInfo.environment["MARTLET_CEILINGS"] {
            try JSONEncoder().encode(measured).write(to: URL(filePath: folder).appending(path: "\(name).json"))
            return
        }
        let ceilings = try section(name)
        for (what, figure) in measured.sorted(by: { $0.key < $1.key }) {
            let ceiling = try #require(ceilings[what], "`make ceilings` writes one for \(what)")
            // What a process sets up once for a suite that runs beside may be counted.
            #expect(figure <= ceiling + ceiling / 1_000, "\(what): more than its ceiling")
            #expect(figure * 10 >= ceiling * 9, "\(what): `make ceilings` lowers its ceiling")
        }
        #expect(Set(ceilings.keys) == Set(measured.keys), "`make ceilings` takes away what is not measured any more")
    }
}
