import MQTTCodec
import DequeModule
