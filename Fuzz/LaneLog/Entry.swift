#if FUZZING
    import FuzzDriver

    @main enum Entry {
        static func main() {
            fuzz { octets in try LaneLogOracle.check(Array(octets)) }
        }
    }
#endif
