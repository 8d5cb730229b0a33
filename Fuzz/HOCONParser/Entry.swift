#if FUZZING
    import FuzzDriver

    @main enum Entry {
        static func main() {
            fuzz { octets in try HOCONParserOracle.check(Array(octets)) }
        }
    }
#endif
