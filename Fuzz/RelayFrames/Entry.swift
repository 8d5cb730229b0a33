#if FUZZING
    import FuzzDriver

    @main enum Entry {
        static func main() {
            fuzz { octets in try RelayFramesOracle.check(Array(octets)) }
        }
    }
#endif
