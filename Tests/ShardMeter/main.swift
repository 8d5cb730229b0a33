import ShardLoads

// What the loads cost, for scripts/ceilings: a line for each count, with tabs between load, count and number.
//
//   ShardMeter           every load
//   ShardMeter LOAD      one, for callgrind, which counts the instructions of its `runCountedSteps`

let wanted = CommandLine.arguments.dropFirst().first
for (name, make) in ShardLoad.all where wanted == nil || wanted == name {
    var load = make()
    load.warmUp()
    let costs = load.costs()
    precondition(costs.isComplete, "the broker did not do what it was asked for: \(name)")
    print(name, "allocations", costs.allocations, separator: "\t")
    print(name, "hand-overs", costs.handOvers, separator: "\t")
}
