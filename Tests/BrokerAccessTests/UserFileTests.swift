import Foundation
import SecretFixture
import Testing

@testable import BrokerAccess

@Suite struct UserFileTests {
    private static let plain = PasswordHashing(.digest(.plain, .disable))
    private static let sha256 = PasswordHashing(.digest(.sha256, .prefix))

    private func read(
        _ text: String,
        _ format: UserFile.Format = .csv,
        _ content: UserFile.Content = .passwords,
        _ hashing: PasswordHashing = plain
    ) throws(UserFileError) -> UserFile {
        try UserFile(parsing: Array(text.utf8), format: format, named: "users", content: content, hashing: hashing)
    }

    private func message(
        _ text: String,
        _ format: UserFile.Format = .csv,
        _ content: UserFile.Content = .passwords,
        _ hashing: PasswordHashing = plain
    ) -> String {
        do {
            _ = try read(text, format, content, hashing)
            return "read without an error"
        } catch {
            return error.description
        }
    }

    @Test func descriptionsAndErrorsHideSecrets() throws {
        let files = [
            try read("user_id,password\nann,\(Marker.text)\n"),
            try read("user_id,password\nann,\(Marker.text)\n", .csv, .passwords, Self.sha256),
        ]
        for file in files {
            #expect(!Marker.isShown(by: file))
            #expect(!Marker.isShown(by: PasswordAuthentication(users: file, identifiedBy: .userName)))
            #expect(Marker.descriptions(of: file).contains { $0.contains("hashing") })
        }
        #expect(!Marker.isShown(by: UserRecord(place: .line(1), values: ["password": Marker.text])))
        let rows = try CSVRows(
            Array("user_id,password\nann,\(Marker.text)".utf8),
            file: "users",
            columns: ["user_id", "password"]
        )
        #expect(!Marker.isShown(by: rows))
        for text in [
            "\(Marker.text),ann,false\n", "user_id,\(Marker.text)\n", "user_id,password\nann,\(Marker.text),x\n",
            "user_id,password\nann,\"\(Marker.text)\n", "user_id,password\nann,\"\(Marker.text)\"x\n",
            "user_id,password,is_superuser\nann,\(Marker.text),perhaps\n",
        ] {
            #expect(!Marker.isIn(message(text)), "\(message(text))")
        }
        for text in [
            #"[{"user_id": "ann", "password": "\#(Marker.text)""#,
            #"[{"user_id": "ann", "password": ["\#(Marker.text)"]}]"#,
            #"[{"user_id": "ann", "password": "\#(Marker.text)", "is_superuser": "perhaps"}]"#, #"["\#(Marker.text)"]"#,
            #"\#(Marker.text)"#,
        ] {
            #expect(!Marker.isIn(message(text, .json)), "\(message(text, .json))")
        }
        #expect(!Marker.isIn(message("user_id,password_hash\nann,\(Marker.text)\n", .csv, .hashes, Self.sha256)))
    }

    @Test func quotedFieldsOrderOfColumnsAndEmptyLines() throws {
        let users = try read(
            "\u{FEFF}is_superuser,password,user_id\r\n\r\ntrue,\"a,\"\"b\"\"\nc\",ann\r\n,plain \" quote,bob\r\n\nfalse,x,eve"
        )
        #expect(users.count == 3)
        #expect(users["ann"]?.isSuperuser == true)
        #expect(users["ann"]?.digest == UserFile.digest(of: Array("a,\"b\"\nc".utf8)))
        #expect(users["bob"]?.digest == UserFile.digest(of: Array("plain \" quote".utf8)))
        #expect(users["eve"]?.isSuperuser == false)
    }

    @Test func headerAloneIsAnEmptyFile() throws {
        #expect(try read("user_id,password,is_superuser,namespace\n").count == 0)
    }

    @Test func jsonIsReadLikeCSV() throws {
        let users = try read(
            #"[{"user_id":"ann","password":"p","is_superuser":true},{"user_id":"bob","password":"q","namespace":null}]"#,
            .json
        )
        #expect(users.count == 2)
        #expect(users["ann"]?.isSuperuser == true)
        #expect(users["bob"]?.isSuperuser == false)
    }

    @Test(arguments: [
        ("", "users:1: is empty; the first line names the columns"),
        (
            "user,password\n",
            "users:1: column 1 has a name that is unknown or that another column has; allowed: user_id, password, is_superuser, namespace"
        ),
        ("user_id,user_id\n", "users:1: column 2 has a name that is unknown or that another column has"),
        ("user_id,password\nann\n", "users:2: has 1 fields, and the first line names 2"),
        ("user_id,password\n\nann,a\nann,b\n", "users:4: the same user_id stands in line 3 already"),
        ("user_id,password\n,a\n", "users:2: user_id is missing"),
        ("user_id,password\nann,\n", "users:2: password is missing; a file of hashes needs bootstrap_type = hash"),
        ("user_id,password,is_superuser\nann,a,yes\n", "users:2: is_superuser is neither true nor false"),
        ("user_id,password,namespace\nann,a,x\n", "users:2: namespace must be empty"),
        ("user_id,password\n\"ann,a\n", "users:2: a quoted field is not closed"),
        ("user_id,password\n\"ann\"x,a\n", "users:2: a quoted field is followed by other text"),
    ])
    func wrongLinesAreNamed(text: String, expected: String) {
        #expect(message(text).hasPrefix(expected))
    }

    @Test func textThatIsNotUTF8IsRefused() {
        #expect(throws: UserFileError(file: "users", place: .line(2), message: "is not UTF-8")) {
            try UserFile(
                parsing: Array("user_id,password\n".utf8) + [0xFF, 0x2C, 0x61],
                format: .csv,
                named: "users",
                content: .passwords,
                hashing: Self.plain
            )
        }
    }

    @Test(arguments: [
        ("{}", "users: is not a list of objects"),
        ("[{]", "users: is not JSON"),
        ("[{\"user_id\":\"a\",\"password\":\"b\"},{\"user_id\":[]}]", "users: entry 2: is not a list of objects"),
        ("[{\"user_id\":\"a\",\"pasword\":\"b\"}]", "users: entry 1: the key pasword is unknown; allowed: user_id"),
        (
            "[{\"user_id\":\"a\",\"password\":\"b\"},{\"user_id\":\"a\",\"password\":\"c\"}]",
            "users: entry 2: the same user_id stands in entry 1 already"
        ),
    ])
    func wrongEntriesAreNamed(text: String, expected: String) {
        #expect(message(text, .json).hasPrefix(expected))
    }

    @Test(arguments: ["abc", "zz", String(repeating: "a", count: 62), String(repeating: "a", count: 65)])
    func hashesMustFitTheAlgorithm(hash: String) {
        let text = message("user_id,password_hash,salt\nann,\(hash),s\n", .csv, .hashes, Self.sha256)
        #expect(text == "users:2: password_hash is not 64 hexadecimal digits, as the algorithm gives them")
    }

    @Test func errorsHoldNoSecret() {
        let text = message("user_id,password,is_superuser\nann,hunter2,hunter2\n")
        #expect(!text.contains("hunter2"))
    }

    @Test func fieldsAreBounded() {
        let long = String(repeating: "a", count: UserFile.maximumFieldBytes + 1)
        #expect(message("user_id,password\nann,\(long)\n") == "users:2: password is longer than 65535 bytes")
    }

    @Test func filesAreReadFromDisk() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("users-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("users.csv").path
        try Data("user_id,password\nann,a\n".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try UserFile(path: path, content: .passwords, hashing: Self.plain).count == 1)
        #expect(
            throws: UserFileError(
                file: path + ".txt",
                place: nil,
                message: "the name of a user file ends in .csv or .json"
            )
        ) {
            try UserFile(path: path + ".txt", content: .passwords, hashing: Self.plain)
        }
        let missing = folder.appendingPathComponent("missing.json").path
        #expect(throws: UserFileError(file: missing, place: nil, message: "cannot be read: No such file or directory"))
        {
            try UserFile(path: missing, content: .passwords, hashing: Self.plain)
        }
    }
}
