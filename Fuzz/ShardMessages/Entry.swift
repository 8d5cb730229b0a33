#if FUZZING
    import FuzzDriver
    import NIOCore

    @main enum Entry {
        static func main() {
            fuzz { octets in try ShardMessagesOracle.check(ByteBuffer(bytes: octets)) }
        }
    }
#endif
