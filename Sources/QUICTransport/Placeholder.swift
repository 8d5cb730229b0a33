import CNgtcp2
import CDatagrams
import NIOPosix
import Logging
