internal import Foundation

/// The pages of a database file and of its write-ahead log as they lie on disk, for databases that SQLite refuses.
///
/// The formats are those of "Database File Format" in SQLite's documentation, sections 1.3 (pages), 1.6 (b-tree pages), 2.1 (records)
/// and 4.1 (the log).
final class PageFile {
    private let file: FileHandle
    private let log: FileHandle?
    /// Where the newest committed content of a page lies in the log.
    private var frames: [Int: UInt64] = [:]
    /// Pages are numbered from 1.
    private(set) var pageCount: Int

    private static let octets = CommitLog.pageOctets
    private static let logHead = 32
    private static let frameHead = 24

    init(path: String) throws {
        do {
            file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } catch {
            throw StoreFailure(.other, "\(path): cannot be read: \(error.localizedDescription)")
        }
        log = FileHandle(forReadingAtPath: path + "-wal")
        pageCount = Int((try? file.seekToEnd()) ?? 0) / Self.octets
        readFrames()
    }

    /// The content of a page, or `nil` behind the end.
    func page(_ number: Int) -> Data? {
        guard number >= 1, number <= pageCount else { return nil }
        let page: Data?
        if let log, let offset = frames[number] {
            page = Self.read(log, at: offset, Self.octets)
        } else {
            page = Self.read(file, at: UInt64((number - 1) * Self.octets), Self.octets)
        }
        return page?.count == Self.octets ? page : nil
    }

    /// Finds the frames up to the last commit of the log's present round, which all have the salt of the log's header.
    private func readFrames() {
        guard let log, let head = Self.read(log, at: 0, Self.logHead), head.count == Self.logHead else { return }
        let salt = head[16..<24]
        var offset = UInt64(Self.logHead)
        var pending: [Int: UInt64] = [:]
        while let frame = Self.read(log, at: offset, Self.frameHead), frame.count == Self.frameHead,
            frame[8..<16] == salt
        {
            pending[Int(frame.big32(0))] = offset + UInt64(Self.frameHead)
            let committed = Int(frame.big32(4))
            if committed > 0 {
                frames.merge(pending) { $1 }
                pageCount = max(pageCount, committed)
                pending = [:]
            }
            offset += UInt64(Self.frameHead + Self.octets)
        }
    }

    private static func read(_ file: FileHandle, at offset: UInt64, _ count: Int) -> Data? {
        guard (try? file.seek(toOffset: offset)) != nil, let read = try? file.read(upToCount: count) else { return nil }
        return Data(read)
    }

    /// A row of either table.
    struct FoundRow {
        let table: Table
        let number: Int64
        let octets: Data

        /// The tables of a store.
        enum Table {
            case commits, segments
        }
    }

    /// The rows of the page, where it is a leaf of one of the tables. Whatever is not exactly such a row is left out.
    func rows(on number: Int) -> [FoundRow] {
        guard let page = page(number), page[0] == 0x0d else { return [] }
        return (0..<Int(page.big16(3))).compactMap { index in
            let pointer = 8 + 2 * index
            guard pointer + 2 <= Self.octets else { return nil }
            return row(of: page, at: Int(page.big16(pointer)))
        }
    }

    private func row(of page: Data, at start: Int) -> FoundRow? {
        var offset = start
        guard let size = page.varint(&offset), let number = page.varint(&offset), number > 0,
            size > 0, size < 1 << 30, let record = record(of: page, at: offset, Int(size))
        else { return nil }
        // A head of its own length and the types of the columns: nothing for the key, which is the row's number; of a segment an
        // integer; and octets.
        var head = 0
        guard let length = record.varint(&head), record.varint(&head) == 0, var type = record.varint(&head) else {
            return nil
        }
        var table = FoundRow.Table.commits
        var integer = 0
        if (1...9).contains(type), type != 7, let next = record.varint(&head) {
            table = .segments
            integer = [1, 2, 3, 4, 6, 8, 8, 0, 0][Int(type) - 1]
            type = next
        }
        guard head == length, type >= 12, type % 2 == 0, Int(length) + integer + Int(type - 12) / 2 == record.count
        else {
            return nil
        }
        return FoundRow(table: table, number: number, octets: record.subdata(in: (head + integer)..<record.count))
    }

    /// A record that begins on a page and may go on over others.
    private func record(of page: Data, at offset: Int, _ size: Int) -> Data? {
        let most = Self.octets - 35
        let least = (Self.octets - 12) * 32 / 255 - 23
        let fitting = least + (size - least) % (Self.octets - 4)
        let local = size <= most ? size : fitting <= most ? fitting : least
        guard offset + local + (local < size ? 4 : 0) <= Self.octets else { return nil }
        var record = page.subdata(in: offset..<(offset + local))
        guard local < size else { return record }
        var next = Int(page.big32(offset + local))
        while record.count < size {
            guard let page = self.page(next) else { return nil }
            record.append(page[4..<min(Self.octets, 4 + size - record.count)])
            next = Int(page.big32(0))
        }
        return next == 0 ? record : nil
    }
}

extension Data {
    fileprivate func big16(_ offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }

    fileprivate func big32(_ offset: Int) -> UInt32 { UInt32(big16(offset)) << 16 | UInt32(big16(offset + 2)) }

    /// A number of SQLite's: seven bits an octet, the highest first, and eight in the ninth.
    fileprivate func varint(_ offset: inout Int) -> Int64? {
        var value: UInt64 = 0
        for index in 0..<9 {
            guard offset < count else { return nil }
            let octet = self[offset]
            offset += 1
            if index == 8 { return Int64(bitPattern: value << 8 | UInt64(octet)) }
            value = value << 7 | UInt64(octet & 0x7f)
            if octet & 0x80 == 0 { return Int64(bitPattern: value) }
        }
        return nil
    }
}
