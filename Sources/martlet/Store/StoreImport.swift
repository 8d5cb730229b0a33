import Foundation
import MQTTBroker
import NIOCore

/// Makes the commits of a new store of the lines of an exported one.
struct StoreImport: ~Copyable {
    private var writer: StoreWriter
    private let decoder = JSONDecoder()
    private var line = 0
    private(set) var items = 0
    private var isEnded = false

    /// Octets of a commit, about.
    static let commitOctets = 524_288

    /// Which line cannot be read, and why.
    struct Failure: Error, Equatable, CustomStringConvertible { let description: String }

    init(now: Instant) { writer = StoreWriter(now: now) }

    /// Reads the next line, without its end.
    ///
    /// - Returns: a commit, now and then.
    /// - Throws: `Failure`.
    mutating func read(_ octets: Data) throws -> ByteBuffer? {
        line += 1
        do {
            try add(try decoder.decode(StoreLine.self, from: octets))
        } catch let error as DecodingError {
            throw Failure(description: "line \(line): \(Self.sentence(of: error))")
        } catch let error as StoreWriter.Refusal {
            throw Failure(description: "line \(line): \(error)")
        } catch let error as Refusal {
            throw Failure(description: "line \(line): \(error.description)")
        }
        return writer.octets >= Self.commitOctets ? writer.takeCommit() : nil
    }

    /// All lines are read.
    ///
    /// - Returns: the last commit.
    /// - Throws: `Failure` if lines are missing.
    mutating func finish() throws -> ByteBuffer? {
        guard isEnded else {
            throw Failure(
                description: "line \(line + 1): the file ends here, and its last line is missing: it is cut off"
            )
        }
        return writer.takeCommit()
    }

    /// Why a line is not taken.
    private struct Refusal: Error { let description: String }

    private mutating func add(_ read: StoreLine) throws {
        switch read {
        case .format(let version):
            guard line == 1 else { throw Refusal(description: "only the first line says the format") }
            guard version <= StoreLine.version else {
                throw Refusal(
                    description: "the file has version \(version), and this Martlet reads up to \(StoreLine.version)"
                )
            }
        case .item, .end:
            guard line > 1 else {
                throw Refusal(
                    description: "is not {\"format\":\"\(StoreLine.format)\",\"version\":\(StoreLine.version)}"
                )
            }
            guard !isEnded else { throw Refusal(description: "the line before was the last one") }
            if case .item(let item) = read {
                try writer.add(item)
                items += 1
            }
            if case .end(let count) = read {
                guard count == items else {
                    throw Refusal(description: "\(count) lines should come before, not \(items)")
                }
                isEnded = true
            }
        }
    }

    /// Says what is wrong with a line.
    private static func sentence(of error: DecodingError) -> String {
        func place(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
            (context.codingPath + [last].compactMap { $0 }).map { $0.intValue.map(String.init) ?? $0.stringValue }
                .joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(place(context, key)) is missing"
        case .valueNotFound(_, let context): return "\(place(context)) is null"
        case .typeMismatch(let type, let context):
            return context.codingPath.isEmpty ? "is no object of JSON" : "\(place(context)) is not of the type \(type)"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty
                ? "is not JSON" : "\(place(context)): \(context.debugDescription)"
        @unknown default: return "cannot be read: \(error)"
        }
    }
}
