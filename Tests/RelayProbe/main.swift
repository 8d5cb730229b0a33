import Glibc

// Measures what the relay costs, on one machine: two nodes and a client in this process, and the kernel's own DNAT before the nodes.
// Needs root, nft, and a network namespace that nobody else uses:
//
//     unshare -n sh -c 'ip link set lo up && relay-probe [ROUNDS]'
do {
    let rounds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 10
    try await RelayMeasurement().run(rounds: rounds)
} catch {
    print("relay-probe: \(error)")
    exit(1)
}
