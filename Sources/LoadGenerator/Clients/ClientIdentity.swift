#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The client identifier and user name of one client of a load.
struct ClientIdentity: Sendable {
    /// The value of `%i`; the first client's is one more than `--startnumber`.
    let number: Int
    let clientIdentifier: String
    let userName: String?

    /// - Parameter index: from 0.
    init(index: Int, options: BenchOptions) {
        number = options.startNumber + index + 1
        clientIdentifier =
            switch (options.prefix, options.usesShortIdentifiers) {
            case (let prefix?, true): "\(prefix)\(number)"
            case (nil, true): "\(number)"
            case (let prefix?, false): "\(prefix)_bench_\(options.command.rawValue)_\(number)"
            case (nil, false):
                "\(Self.host(options, index))_bench_\(options.command.rawValue)_\(UInt32.random(in: 1...(.max)))_\(number)"
            }
        userName = options.userName.map { [number] name in
            if name == "%i" { return "\(number)" }
            return TopicTemplate.randomBound(name).map { "\(Int.random(in: 1...$0))" } ?? name
        }
    }

    private static func host(_ options: BenchOptions, _ index: Int) -> String {
        options.localAddresses.isEmpty ? hostName : options.localAddresses[index % options.localAddresses.count]
    }

    private static let hostName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()
}
