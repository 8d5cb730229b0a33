import Testing

@testable import LinkEmulator

@Suite struct CommandParserTests {
    @Test(
        arguments: [
            ("set delay 25ms", .set(nil, [.delay(25_000_000)])),
            ("set to-server loss 1% jitter 100us", .set(.toServer, [.loss(Probability(0.01)), .jitter(100_000)])),
            (
                "set to-client rate 10mbit queue 64kB",
                .set(.toClient, [.rate(.bitsPerSecond(10_000_000)), .queueOctets(65_536)])
            ),
            ("set rate 29pps queue 25", .set(nil, [.rate(.packetsPerSecond(29)), .queuePackets(25)])),
            ("set rate none burst none", .set(nil, [.rate(nil), .bursts(nil)])),
            (
                "set burst 1% 25% 0.9 loss 0",
                .set(
                    nil,
                    [
                        .bursts(
                            .init(
                                becomesBad: Probability(0.01),
                                becomesGood: Probability(0.25),
                                lossWhenBad: Probability(0.9)
                            )
                        ),
                        .loss(.never),
                    ]
                )
            ),
            (
                "set reorder 5% 10ms duplicate 0.5",
                .set(
                    nil,
                    [
                        .reordering(.init(probability: Probability(0.05), hold: 10_000_000)),
                        .duplication(Probability(0.5)),
                    ]
                )
            ),
            ("cut", .cut(nil)),
            ("cut 3s  # for a while", .cut(3_000_000_000)),
            ("mend", .mend),
            ("rebind all port", .rebind(.all, .port)),
            ("rebind 10.71.0.2:4000 both", .rebind(.of(0x0A47_0002, port: 4000), .both)),
            ("expire 10.71.0.2", .expire(.of(0x0A47_0002, port: nil))),
            ("at 10s rebind all address", .after(10_000_000_000, .rebind(.all, .address))),
            ("every 5s at 1s report", .every(5_000_000_000, .after(1_000_000_000, .report))),
            ("quit", .quit),
        ] as [(String, Command)]
    )
    func right(line: String, command: Command) throws {
        #expect(try CommandParser.parse(line) == command)
    }

    @Test(arguments: ["", "   ", "# nothing"]) func nothing(line: String) throws {
        #expect(try CommandParser.parse(line) == nil)
    }

    @Test(arguments: [
        ("jump", "there is no command 'jump'"),
        ("set", "a key is missing"),
        ("set to-server", "a key is missing"),
        ("set speed 3", "there is no key 'speed'"),
        ("set delay 25", "'25' is no time such as 25ms or 5s"),
        ("set delay -1s", "'-1s' is no time such as 25ms or 5s"),
        ("set loss 101%", "'101%' is no probability such as 1% or 0.01"),
        ("set loss nan", "'nan' is no probability such as 1% or 0.01"),
        ("set rate 0mbit", "'0mbit' is no rate such as 10mbit or 29pps"),
        ("set rate fast", "'fast' is no rate such as 10mbit or 29pps"),
        ("set queue 0", "'0' is no length of a queue such as 50 packets or 64kB"),
        ("set burst 1%", "a probability is missing"),
        ("rebind all", "port, address, both or back is missing"),
        ("rebind all everything", "'everything' is not port, address, both or back"),
        ("rebind 10.1.2 port", "'10.1.2' is no flow such as 10.0.0.1 or 10.0.0.1:4000"),
        ("rebind 10.1.2.3:99999 port", "'99999' is no port"),
        ("every 0s report", "every 0s would never end"),
        ("at 5s", "a command is missing"),
        ("mend now", "'now' is left over"),
    ])
    func wrong(line: String, expected: String) {
        #expect(throws: CommandParser.Failure(description: expected)) { try CommandParser.parse(line) }
    }
}
