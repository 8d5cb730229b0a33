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
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
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

        // Core: no IO.
        .target(name: "MQTTCodec", dependencies: [.nioCore]),
        .target(name: "MQTTBroker", dependencies: ["MQTTCodec", .nioCore, .deque]),

        // Transport.
        .target(name: "QUICTransport", dependencies: ["CNgtcp2", "CDatagrams", .nioCore, .nioPosix, .logging, .deque]),

        // The outside.
        .target(
            name: "BrokerServer",
            dependencies: [
                "MQTTBroker", "QUICTransport", .nioCore, .nioPosix, .logging, .metrics, .serviceLifecycle, .x509, .crypto,
            ]
        ),
        .target(name: "BrokerAccess", dependencies: ["MQTTBroker", .crypto, .cryptoExtras]),
        .target(name: "BrokerConfiguration", dependencies: [.configuration]),
        .target(name: "MQTTClient", dependencies: ["MQTTCodec", "QUICTransport", .nioCore, .nioPosix, .logging, .deque]),
        .target(name: "LoadGenerator", dependencies: ["MQTTClient", .nioCore, .nioPosix, .histogram]),
        .executableTarget(
            name: "martlet",
            dependencies: [
                "BrokerServer", "BrokerAccess", "BrokerConfiguration", "LoadGenerator", "MQTTClient", .argumentParser,
                .logging, .metrics, .serviceLifecycle, .nioCore, .nioPosix,
            ]
        ),

        .testTarget(name: "MQTTCodecTests", dependencies: ["MQTTCodec", .nioCore]),
        .testTarget(name: "MQTTBrokerTests", dependencies: ["MQTTBroker", "MQTTCodec", .nioCore]),
        .testTarget(
            name: "QUICTransportTests",
            dependencies: ["QUICTransport", "FuzzQUICTransport", "CDatagrams", .nioCore, .nioPosix, .logging, .x509, .crypto],
            exclude: ["Corpus"]
        ),
        .testTarget(
            name: "BrokerServerTests",
            dependencies: ["BrokerServer", "MQTTClient", .nioCore, .nioPosix, .serviceLifecycleTestKit]
        ),
        .testTarget(name: "BrokerAccessTests", dependencies: ["BrokerAccess"]),
        .testTarget(name: "BrokerConfigurationTests", dependencies: ["BrokerConfiguration", .configuration]),
        .testTarget(name: "MQTTClientTests", dependencies: ["MQTTClient", .nioCore, .nioPosix]),
        .testTarget(name: "LoadGeneratorTests", dependencies: ["LoadGenerator"]),
    ]
)

extension Target.Dependency {
    static let nioCore: Self = .product(name: "NIOCore", package: "swift-nio")
    static let nioPosix: Self = .product(name: "NIOPosix", package: "swift-nio")
    static let deque: Self = .product(name: "DequeModule", package: "swift-collections")
    static let logging: Self = .product(name: "Logging", package: "swift-log")
    static let metrics: Self = .product(name: "Metrics", package: "swift-metrics")
    static let argumentParser: Self = .product(name: "ArgumentParser", package: "swift-argument-parser")
    static let configuration: Self = .product(name: "Configuration", package: "swift-configuration")
    static let serviceLifecycle: Self = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let serviceLifecycleTestKit: Self = .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle")
    static let crypto: Self = .product(name: "Crypto", package: "swift-crypto")
    static let cryptoExtras: Self = .product(name: "CryptoExtras", package: "swift-crypto")
    static let x509: Self = .product(name: "X509", package: "swift-certificates")
    static let histogram: Self = .product(name: "Histogram", package: "hdrhistogram-swift")
}

// The same strict settings for every Swift target.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
for target in package.targets where target.type != .system {
    target.swiftSettings = strict + (target.name == "QUICTransport" ? [.strictMemorySafety()] : [])
}

package.targets.append(
    .target(
        name: "FuzzQUICTransport",
        dependencies: ["QUICTransport", .nioCore, .nioPosix],
        path: "Fuzz/QUICTransport",
        swiftSettings: strict
    )
)
