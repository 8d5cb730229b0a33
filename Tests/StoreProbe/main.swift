import Glibc

// A process with a store, for tests that kill it or take its disk away, and for measurements.
//
//   StoreProbe append FOLDER [KEY=NUMBER …]     writes until it is ended, and says what is on disk, a line each
//   StoreProbe measure FOLDER [KEY=NUMBER …]    prints what commits cost
//
// The keys are those of Options.swift.

let arguments = CommandLine.arguments
guard arguments.count >= 3, let options = Options(arguments.dropFirst(3)) else {
    print("usage: StoreProbe append|measure FOLDER [KEY=NUMBER …]")
    exit(64)
}
switch arguments[1] {
case "append": try Appender(folder: arguments[2], options).run()
case "measure": try Measurement(folder: arguments[2], options).run()
default: exit(64)
}
