#if FUZZING
    import FuzzDriver

    @main enum Entry {
        static func main() {
            fuzz { octets in try QUICTransportOracle.shared.get().check(Array(octets)) }
        }
    }
#endif
