import Foundation
import NIOCore
import Testing

@testable import BrokerStorage

@Suite struct NewStoreTests {
    private func mode(of path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return try #require((attributes[.posixPermissions] as? NSNumber)?.intValue)
    }

    @Test("A store of commits is there once it is finished, and a broker goes on with it") func made() throws {
        let folder = try TestFolder()
        let path = folder.path + "/new"
        let file = path + "/" + CommitLog.fileName
        let store = try NewStore(folder: path)
        for number in 1...3 { try store.append(ByteBuffer(string: "commit \(number)")) }
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(throws: StoreFailure.self, "nobody else has it meanwhile") { try CommitLog.open(folder: path) }
        try store.finish()
        #expect(try mode(of: file) == 0o600)
        var read: [String] = []
        try CommitDatabase(folder: path).read { read.append(String(buffer: $0)) }
        #expect(read == ["commit 1", "commit 2", "commit 3"])
        let log = try CommitLog.open(folder: path)
        #expect(try log.numbers() == 1...3)
        try log.close()
    }

    @Test("A store that is not finished is not there") func dropped() throws {
        let folder = try TestFolder()
        do {
            let store = try NewStore(folder: folder.path)
            try store.append(ByteBuffer(string: "x"))
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names == [CommitLog.lockName])
        _ = try NewStore(folder: folder.path)
    }

    @Test("A store that is there is left alone") func refused() throws {
        let folder = try TestFolder()
        try CommitLog.open(folder: folder.path).close()
        let error = #expect(throws: StoreFailure.self) { try NewStore(folder: folder.path) }
        #expect(error?.description.contains("there is a store already") == true)
    }

    @Test("A copy of a store is for its owner only") func modes() throws {
        let folder = try TestFolder()
        try CommitLog.open(folder: folder.path).close()
        let file = folder.path + "/copy.db"
        try CommitDatabase(folder: folder.path).backup(to: file)
        #expect(try mode(of: file) == 0o600)
    }
}
