// swift-tools-version: 6.3
import PackageDescription

// The rooms and the arrows between them are drawn in ARCHITECTURE.md; scripts/check holds the imports to it.
let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet", targets: ["martlet"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
    ],
    targets: [
        // C system libraries, each with a shim of static inlines.
        .systemLibrary(
            name: "CNgtcp2",
            pkgConfig: "libngtcp2_crypto_gnutls",
            providers: [.apt(["libngtcp2-dev", "libngtcp2-crypto-gnutls-dev", "libgnutls28-dev"])]
        ),

        // UDP sends in batches, in C.
        .target(name: "CDatagrams"),

        // Values that are never printed.
        .target(name: "Secrets"),

        // Core: no IO.
        .target(name: "MQTTCodec", dependencies: ["Secrets", .nioCore]),
        .target(name: "MQTTBroker", dependencies: ["MQTTCodec", .nioCore, .deque, .heap]),

        // Transport.
        .target(
            name: "QUICTransport",
            dependencies: ["CNgtcp2", "CDatagrams", "Secrets", .nioCore, .nioPosix, .nioSSL, .logging, .deque]
        ),

        // The outside.
        .target(
            name: "BrokerServer",
            dependencies: [
                "BrokerCluster", "MQTTBroker", "QUICTransport", "Secrets", .nioCore, .nioPosix, .nioSSL, .nioTLS,
                .nioConcurrencyHelpers, .logging, .metrics, .serviceLifecycle, .x509, .asn1, .crypto,
            ]
        ),
        .target(name: "BrokerAccess", dependencies: ["MQTTBroker", "Secrets", .crypto, .cryptoExtras]),
        .target(
            name: "BrokerStorage",
            dependencies: [.grdb, .nioCore, .nioConcurrencyHelpers, .deque, .logging, .metrics]
        ),
        .target(
            name: "NATSClient",
            dependencies: ["Secrets", .nioCore, .nioPosix, .nioSSL, .nioTLS, .heap, .crypto]
        ),
        .target(
            name: "BrokerCluster",
            dependencies: [
                "NATSClient", "Secrets", .nioCore, .nioPosix, .nioConcurrencyHelpers, .logging, .metrics, .deque,
                .crypto,
            ]
        ),
        .target(
            name: "BrokerAdmin",
            dependencies: [
                "BrokerCluster", "MQTTBroker", "Secrets", .crypto, .cryptoExtras, .deque, .hummingbird,
                .hummingbirdCore,
                .httpTypes, .logging, .nioCore, .nioHTTP1, .nioHTTPTypes, .nioPosix, .serviceLifecycle,
            ]
        ),
        .target(name: "BrokerConfiguration", dependencies: ["Secrets", .configuration]),
        .target(
            name: "MQTTClient",
            dependencies: ["MQTTCodec", "QUICTransport", .nioCore, .nioPosix, .nioSSL, .nioTLS, .logging, .deque]
        ),
        .target(
            name: "LoadGenerator",
            dependencies: [
                "MQTTClient", "MQTTCodec", "QUICTransport", "Secrets", .nioCore, .nioPosix, .heap, .histogram,
            ]
        ),
        .executableTarget(
            name: "martlet",
            dependencies: [
                "BrokerServer", "BrokerAccess", "BrokerAdmin", "BrokerCluster", "BrokerConfiguration", "BrokerStorage",
                "LoadGenerator", "MQTTBroker", "MQTTClient", "MQTTCodec", "NATSClient", "QUICTransport", "Secrets",
                .argumentParser, .logging, .metrics, .serviceLifecycle, .unixSignals, .nioCore, .nioPosix,
                .nioConcurrencyHelpers,
            ]
        ),

        // The emulated link of the tests and experiments, which is no part of the broker.
        .target(name: "LinkEmulator", dependencies: [.deque, .heap]),
        .target(name: "CTunnel"),
        .executableTarget(name: "martlet-link", dependencies: ["LinkEmulator", "CTunnel", .argumentParser]),

        .testTarget(name: "SecretsTests", dependencies: ["Secrets", "SecretFixture"]),
        .testTarget(
            name: "MQTTCodecTests",
            dependencies: ["MQTTCodec", "FuzzPacketDecoder", .nioCore],
            exclude: ["Corpus"]
        ),
        .testTarget(
            name: "MQTTBrokerTests",
            dependencies: [
                "MQTTBroker", "MQTTCodec", "FuzzLaneLog", "FuzzShardMessages", .nioCore, .nioConcurrencyHelpers,
            ],
            exclude: ["Corpus"]
        ),
        .testTarget(
            name: "QUICTransportTests",
            dependencies: [
                "QUICTransport", "FuzzQUICTransport", "FuzzRelayFrames", "CDatagrams", "BalancerFixture",
                "CertificateFixture",
                "SecretFixture", .nioCore,
                .nioEmbedded, .nioPosix, .logging, .x509, .crypto,
            ],
            exclude: ["Corpus"]
        ),
        .testTarget(
            name: "BrokerServerTests",
            dependencies: [
                "BalancerFixture", "BrokerCluster", "BrokerServer", "MQTTBroker", "MQTTClient", "MQTTCodec",
                "NATSClient",
                "QUICTransport", "SecretFixture", .nioCore, .nioPosix, .logging, .serviceLifecycle,
                .serviceLifecycleTestKit, .x509, .asn1, .crypto,
            ]
        ),
        .testTarget(name: "LinkEmulatorTests", dependencies: ["LinkEmulator"]),
        .testTarget(
            name: "BrokerAdminTests",
            dependencies: [
                "BrokerAdmin", "BrokerCluster", "MQTTBroker", "SecretFixture", .logging, .nioCore,
                .nioConcurrencyHelpers, .nioPosix,
                .serviceLifecycle, .serviceLifecycleTestKit,
            ]
        ),
        .testTarget(name: "BrokerAccessTests", dependencies: ["BrokerAccess", "SecretFixture"]),
        .testTarget(
            name: "BrokerStorageTests",
            dependencies: [
                "BrokerStorage", "StoreFixture", "StoreProbe", .grdb, .nioCore, .nioConcurrencyHelpers, .logging,
            ]
        ),
        .testTarget(
            name: "NATSClientTests",
            dependencies: [
                "NATSClient", "FuzzNATSVerbs", "NATSFixture", "CertificateFixture", "SecretFixture", .nioCore,
                .nioPosix, .crypto,
            ],
            exclude: ["Corpus"]
        ),
        .testTarget(
            name: "BrokerClusterTests",
            dependencies: [
                "BrokerCluster", "FuzzClusterFrames", "NATSClient", "NATSFixture", "SecretFixture", .nioCore,
                .nioEmbedded, .nioPosix,
                .nioConcurrencyHelpers, .logging,
            ],
            exclude: ["Corpus"]
        ),
        .testTarget(
            name: "BrokerConfigurationTests",
            dependencies: ["BrokerConfiguration", "FuzzHOCONParser", "SecretFixture", .configuration],
            exclude: ["Corpus"]
        ),
        .testTarget(
            name: "martletTests",
            dependencies: [
                "martlet", "BrokerAccess", "BrokerAdmin", "BrokerCluster", "BrokerConfiguration", "MQTTBroker",
                "MQTTCodec",
                "NATSClient", "QUICTransport", "SecretFixture", .logging, .nioCore,
            ]
        ),
        .testTarget(
            name: "MQTTClientTests",
            dependencies: ["MQTTClient", "MQTTCodec", "MosquittoFixture", .nioCore, .nioPosix]
        ),
        .testTarget(
            name: "LoadGeneratorTests",
            dependencies: [
                "LoadGenerator", "MQTTClient", "MQTTCodec", "QUICTransport", "CertificateFixture", "MosquittoFixture",
                .nioCore, .nioPosix, .logging,
            ]
        ),

        // What a shard costs, held to Tests/CeilingsTests/ceilings.json. The executable is scripts/ceilings' release build.
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        .target(
            name: "ShardLoads",
            dependencies: ["AllocationCounter", "MQTTBroker", "MQTTCodec", .nioCore],
            path: "Tests/ShardLoads"
        ),
        .executableTarget(name: "ShardMeter", dependencies: ["ShardLoads"], path: "Tests/ShardMeter"),
        .testTarget(
            name: "CeilingsTests",
            dependencies: [
                "AllocationCounter", "ShardLoads", "BrokerServer", "MQTTBroker", "MQTTClient", "MQTTCodec",
                "QUICTransport",
            ],
            exclude: ["ceilings.json"]
        ),

        // A store in a process of its own, for tests that end it and for measurements.
        .target(name: "StoreFixture", dependencies: [.nioCore], path: "Tests/StoreFixture"),
        .executableTarget(
            name: "StoreProbe",
            dependencies: ["BrokerStorage", "StoreFixture", .nioCore, .nioConcurrencyHelpers, .logging],
            path: "Tests/StoreProbe"
        ),

        // What the relay between nodes costs, as a release build shows.
        .executableTarget(
            name: "RelayProbe",
            dependencies: ["QUICTransport", "CertificateFixture", .nioCore, .nioPosix, .logging],
            path: "Tests/RelayProbe"
        ),

        // A client of ours that outside tests move about.
        .executableTarget(
            name: "MovingClient",
            dependencies: ["MQTTClient", "MQTTCodec", "QUICTransport", .nioCore, .nioPosix],
            path: "Tests/MovingClient"
        ),

        .target(
            name: "MosquittoFixture",
            dependencies: ["CertificateFixture", "QUICTransport", .nioCore, .nioPosix, .logging, .x509, .crypto],
            path: "Tests/MosquittoFixture"
        ),
        .target(
            name: "BalancerFixture",
            dependencies: [.nioCore, .nioPosix, .nioConcurrencyHelpers],
            path: "Tests/BalancerFixture"
        ),
        .target(name: "NATSFixture", path: "Tests/NATSFixture"),
        .target(name: "SecretFixture", path: "Tests/SecretFixture"),
        .target(
            name: "CertificateFixture",
            dependencies: [.x509, .asn1, .crypto],
            path: "Tests/CertificateFixture"
        ),
    ]
)

extension Target.Dependency {
    static let nioCore: Self = .product(name: "NIOCore", package: "swift-nio")
    static let nioEmbedded: Self = .product(name: "NIOEmbedded", package: "swift-nio")
    static let nioPosix: Self = .product(name: "NIOPosix", package: "swift-nio")
    static let nioSSL: Self = .product(name: "NIOSSL", package: "swift-nio-ssl")
    static let nioHTTP1: Self = .product(name: "NIOHTTP1", package: "swift-nio")
    static let nioTLS: Self = .product(name: "NIOTLS", package: "swift-nio")
    static let nioConcurrencyHelpers: Self = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
    static let deque: Self = .product(name: "DequeModule", package: "swift-collections")
    static let heap: Self = .product(name: "HeapModule", package: "swift-collections")
    static let logging: Self = .product(name: "Logging", package: "swift-log")
    static let metrics: Self = .product(name: "Metrics", package: "swift-metrics")
    static let argumentParser: Self = .product(name: "ArgumentParser", package: "swift-argument-parser")
    static let configuration: Self = .product(name: "Configuration", package: "swift-configuration")
    static let serviceLifecycle: Self = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let unixSignals: Self = .product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let serviceLifecycleTestKit: Self = .product(
        name: "ServiceLifecycleTestKit",
        package: "swift-service-lifecycle"
    )
    static let crypto: Self = .product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras: Self = .product(name: "CryptoExtras", package: "swift-crypto")
    static let x509: Self = .product(name: "X509", package: "swift-certificates")
    static let asn1: Self = .product(name: "SwiftASN1", package: "swift-asn1")
    static let grdb: Self = .product(name: "GRDB", package: "GRDB.swift")
    static let hummingbird: Self = .product(name: "Hummingbird", package: "hummingbird")
    static let hummingbirdCore: Self = .product(name: "HummingbirdCore", package: "hummingbird")
    static let httpTypes: Self = .product(name: "HTTPTypes", package: "swift-http-types")
    static let nioHTTPTypes: Self = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
    static let histogram: Self = .product(name: "Histogram", package: "hdrhistogram-swift")
}

// The same strict settings for every Swift target. In debug builds, which is what the tests run, a warning is an error;
// a deprecation is not, since it comes with a new release of a dependency and not with a change of ours.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error, .when(configuration: .debug)),
    .treatWarning("DeprecatedDeclaration", as: .warning, .when(configuration: .debug)),
]
for target in package.targets where target.type != .system {
    target.swiftSettings = strict + (target.name == "QUICTransport" ? [.strictMemorySafety()] : [])
}

// What `scripts/fuzz` drives: a folder of Fuzz each, with an Entry.swift that calls `fuzz` of Fuzz/Driver. Ordinarily it
// is a module through which tests replay the corpus; with MARTLET_FUZZ set it is an executable under libFuzzer, and
// everything of ours is instrumented.
let fuzzTargets: [(name: String, dependencies: [Target.Dependency])] = [
    ("PacketDecoder", ["MQTTCodec", .nioCore]),
    ("HOCONParser", ["BrokerConfiguration"]),
    ("QUICTransport", ["QUICTransport", .nioCore, .nioPosix]),
    ("RelayFrames", ["QUICTransport"]),
    ("LaneLog", ["MQTTBroker", "MQTTCodec", .nioCore]),
    ("NATSVerbs", ["NATSClient", .nioCore]),
    ("ClusterFrames", ["BrokerCluster", .nioCore]),
    ("ShardMessages", ["MQTTBroker", "MQTTCodec", .nioCore]),
]
if Context.environment["MARTLET_FUZZ"] == nil {
    for (name, dependencies) in fuzzTargets {
        package.targets.append(
            .target(name: "Fuzz\(name)", dependencies: dependencies, path: "Fuzz/\(name)", swiftSettings: strict)
        )
    }
} else {
    let sanitizers = ["-sanitize=fuzzer,address"]
    package.targets.removeAll { $0.type == .test }
    for target in package.targets where target.type != .system {
        target.swiftSettings?.append(.define("FUZZING"))
        target.swiftSettings?.append(.unsafeFlags(sanitizers))
    }
    package.targets.append(.target(name: "FuzzDriver", path: "Fuzz/Driver", swiftSettings: strict))
    for (name, dependencies) in fuzzTargets + [("Canary", [])] {
        package.targets.append(
            .executableTarget(
                name: "Fuzz\(name)",
                dependencies: dependencies + ["FuzzDriver"],
                path: "Fuzz/\(name)",
                swiftSettings: strict + [.define("FUZZING"), .unsafeFlags(sanitizers)],
                linkerSettings: [.unsafeFlags(sanitizers)]
            )
        )
    }
}

// What `make simulate` builds for release: the broker without IO and its tests, since tests of other rooms need a debug build.
if Context.environment["MARTLET_SIMULATE"] != nil {
    let simulated = ["Secrets", "MQTTCodec", "MQTTBroker", "FuzzLaneLog", "FuzzShardMessages", "MQTTBrokerTests"]
    package.products = []
    package.targets.removeAll { !simulated.contains($0.name) }
    for target in package.targets where target.name == "MQTTBrokerTests" { target.sources = ["Kit", "Simulation"] }
}
