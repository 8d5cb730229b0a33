import Foundation

extension UserRecord {
    /// Reads users from a JSON array of objects, whose keys are the names of columns.
    static func json(_ bytes: [UInt8], file: String, content: UserFile.Content) throws(UserFileError) -> [UserRecord] {
        let entries: [[String: Scalar]]
        do {
            entries = try JSONDecoder().decode([[String: Scalar]].self, from: Data(bytes))
        } catch DecodingError.dataCorrupted(let context) {
            let reason = (context.underlyingError as NSError?)?.userInfo[NSDebugDescriptionErrorKey] as? String
            throw UserFileError(file: file, place: nil, message: "is not JSON: \(reason ?? context.debugDescription)")
        } catch DecodingError.typeMismatch(_, let context) {
            throw UserFileError(
                file: file,
                place: (context.codingPath.first?.intValue).map { .entry($0 + 1) },
                message: "is not a list of objects with texts, true and false"
            )
        } catch {
            throw UserFileError(file: file, place: nil, message: "is not a list of objects with texts, true and false")
        }
        let known = columns(for: content)
        var records: [UserRecord] = []
        for (index, entry) in entries.enumerated() {
            let place = UserFileError.Place.entry(index + 1)
            if let unknown = entry.keys.sorted().first(where: { !known.contains($0) }) {
                throw UserFileError(
                    file: file,
                    place: place,
                    message: "the key \(unknown) is unknown; allowed: \(known.joined(separator: ", "))"
                )
            }
            records.append(UserRecord(place: place, values: entry.mapValues(\.text)))
        }
        return records
    }

    /// A value of an entry: a text, true, false or null.
    private struct Scalar: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                text = ""
            } else if let flag = try? container.decode(Bool.self) {
                text = flag ? "true" : "false"
            } else {
                text = try container.decode(String.self)
            }
        }
    }
}
