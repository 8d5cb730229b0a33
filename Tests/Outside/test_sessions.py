"""Sessions, wills, take-over and keep alive."""

import time

import pytest

import packets
from clients import KINDS, NEVER, AioQUIC, Gmqtt, Kind, Mosquitto, Paho, WireOverTCP
from packets import Message, Will
from servers import in_time, pings_in_time
from transports import Closed

TCP4, TCP5, QUIC4, QUIC5 = Kind(WireOverTCP, 4), Kind(WireOverTCP, 5), Kind(AioQUIC, 4), Kind(AioQUIC, 5)
SPEAKING = [kind for kind in KINDS if kind.make is not Mosquitto]  # the tools do not tell whether a session was there


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("qos, retain", [(0, False), (1, False), (2, True)])
def test_will_is_published_when_the_connection_breaks(connect, topic, kind, qos, retain):
    """[MQTT-3.1.2-8] [MQTT-3.1.2-15]"""
    watcher = connect(TCP5)
    watcher.subscribe(topic, 2)
    mortal = connect(kind, will=Will(topic, b"gone", qos, retain))
    mortal.subscribe(f"{topic}/other", 0)  # mosquitto_sub connects with its subscription
    mortal.drop()
    assert watcher.next() == Message(topic, b"gone", qos)
    late = connect(TCP5)
    late.subscribe(topic, 2)
    if retain:
        assert late.next() == Message(topic, b"gone", qos, retain=True)
    else:
        late.nothing()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != Kind(Mosquitto, 5)], ids=str)  # which asks for its will
def test_no_will_after_disconnect(connect, topic, kind):
    """[MQTT-3.1.2-10]"""
    watcher = connect(TCP5)
    watcher.subscribe(topic, 1)
    leaver = connect(kind, will=Will(topic, b"gone", 1))
    leaver.subscribe(f"{topic}/other", 0)
    leaver.disconnect()
    watcher.nothing()


@pytest.mark.parametrize("kind", [TCP5, QUIC5], ids=str)
def test_disconnect_with_will_publishes_it(connect, topic, kind):
    """Reason code 0x04, MQTT 5.0 §3.14.2.1"""
    watcher = connect(TCP5)
    watcher.subscribe(topic, 1)
    leaver = connect(kind, will=Will(topic, b"gone", 1))
    leaver.send(packets.disconnect(5, 0x04))
    assert watcher.next().payload == b"gone"


@pytest.mark.parametrize("kind", [TCP5, Kind(Paho, 5), QUIC5], ids=str)
def test_delayed_will_is_cancelled_by_coming_back(connect, topic, kind):
    """[MQTT-3.1.3-9]"""
    watcher = connect(TCP5)
    delay = 2

    def come_back(number: int) -> str:
        name = f"{topic}/back/{number}"
        watcher.subscribe(name, 1)
        connect(kind, name, expires=60, will=Will(name, b"gone", 1, delay=delay)).drop()
        connect(kind, name, clean=False, expires=60)
        return name

    name = in_time(delay * 0.9, come_back)
    time.sleep(delay)
    watcher.subscribe(f"{topic}/gone", 1)
    connect(kind, f"{topic}-gone", expires=60, will=Will(f"{topic}/gone", b"gone", 1, delay=1)).drop()
    while (message := watcher.next()).topic != f"{topic}/gone":
        assert message.topic != name, "the will of a client that came back in time"


@pytest.mark.parametrize("second", [TCP5, TCP4, QUIC5], ids=str)
@pytest.mark.parametrize("first", SPEAKING + [TCP4, TCP5], ids=str)
def test_take_over_ends_the_older_connection(connect, own, topic, first, second):
    """[MQTT-3.1.4-3]"""
    older = connect(first, f"{topic}-taken")
    newer = connect(second, f"{topic}-taken")
    reason = older.wait_closed()
    if own and first.version == 5:
        assert reason == 0x8E
    newer.subscribe(topic, 1)
    newer.publish(Message(topic, b"alive", 1))
    assert newer.next().payload == b"alive"


def test_take_over_publishes_the_will_of_a_session_that_ends(connect, topic):
    """[MQTT-3.1.4-3]: the older network connection closes without DISCONNECT of its client."""
    watcher = connect(TCP5)
    watcher.subscribe(topic, 1)
    connect(TCP5, f"{topic}-taken", will=Will(topic, b"gone", 1))
    connect(TCP5, f"{topic}-taken")
    assert watcher.next().payload == b"gone"


@pytest.mark.parametrize("back", SPEAKING, ids=str)
@pytest.mark.parametrize("kind", SPEAKING, ids=str)
def test_session_keeps_what_came_while_its_client_was_away(connect, topic, kind, back):
    """[MQTT-3.1.2-5] [MQTT-3.1.2-6] [MQTT-4.5.0-1] [MQTT-4.6.0-5]; a client may come back by another transport and version."""
    if kind is not back and kind.make is back.make:
        pytest.skip("one pair of a kind is enough")
    identifier = f"{topic}-away"
    sleeper = connect(kind, identifier, clean=False, expires=NEVER)
    assert not sleeper.session_present
    sleeper.subscribe(topic, 2)
    sleeper.disconnect()
    publisher = connect(TCP5)
    sent = [Message(topic, b"%d" % number, 1 + number % 2) for number in range(10)]
    for message in sent:
        publisher.publish(message)
    awake = connect(back, identifier, clean=False, expires=NEVER)
    assert awake.session_present or back.version == 3  # which cannot say it
    received = [awake.next() for _ in sent]
    for qos in (1, 2):  # each in its order; a client may hold one of QoS 2 until PUBREL
        assert [message for message in received if message.qos == qos] == [message for message in sent if message.qos == qos]
    awake.nothing()
    awake.disconnect()
    assert not connect(TCP5, identifier).session_present


def test_mosquitto_session_is_resumed(connect, topic):
    sleeper = connect(Kind(Mosquitto, 5), f"{topic}-away", clean=False)
    sleeper.subscribe(topic, 1)
    sleeper.disconnect()
    connect(TCP5).publish(Message(topic, b"kept", 1))
    awake = connect(Kind(Mosquitto, 5), f"{topic}-away", clean=False)
    awake.subscribe(topic, 1)
    assert awake.next().payload == b"kept"


@pytest.mark.parametrize("kind", [TCP5, QUIC5], ids=str)
def test_session_ends_with_its_expiry(connect, topic, kind):
    """[MQTT-4.1.0-1], MQTT 5.0 §3.1.2.11.2"""
    connect(kind, f"{topic}-brief", clean=False, expires=1).disconnect()
    for _ in range(10):
        # Where the broker was too busy to hear DISCONNECT at once, the session ends later.
        client = connect(kind, f"{topic}-brief", clean=False, expires=1)
        if not client.session_present:
            return
        client.disconnect()
        time.sleep(2.5)
    pytest.fail("the session does not end")


@pytest.mark.parametrize("kind", [TCP4, TCP5, QUIC4, QUIC5], ids=str)
@pytest.mark.parametrize("qos", [1, 2])
def test_unacknowledged_message_comes_again(connect, topic, kind, qos):
    """[MQTT-4.4.0-1]"""
    reader = connect(kind, f"{topic}-forgetful", clean=False, expires=60)
    reader.subscribe(topic, qos)
    connect(TCP5).publish(Message(topic, b"again", qos))
    first = reader.receive()
    assert (first.kind, first.flags & 8) == (packets.PUBLISH, 0)
    reader.drop()
    back = connect(kind, f"{topic}-forgetful", clean=False, expires=60)
    second = back.receive()
    assert second.kind == packets.PUBLISH and second.message == first.message
    assert second.flags & 8, "DUP is not set [MQTT-3.3.1-1]"
    assert second.identifier == first.identifier
    back.handle(second)


@pytest.mark.parametrize("kind", [TCP5, QUIC5], ids=str)
def test_qos_2_message_sent_twice_is_delivered_once(connect, topic, kind):
    """[MQTT-4.3.3-10]"""
    subscriber, publisher = connect(TCP5), connect(kind, f"{topic}-twice", clean=False, expires=60)
    subscriber.subscribe(topic, 2)
    message = Message(topic, b"once", 2)
    publisher.send(packets.publish(message, identifier=7))
    publisher.expect(packets.PUBREC)
    publisher.drop()
    back = connect(kind, f"{topic}-twice", clean=False, expires=60)
    back.send(packets.publish(message, identifier=7, duplicate=True))
    back.expect(packets.PUBREC)
    back.send(packets.acknowledgement(packets.PUBREL, 7))
    back.expect(packets.PUBCOMP)
    assert subscriber.next() == message
    subscriber.nothing()


@pytest.mark.parametrize("kind", [TCP4, TCP5, QUIC5], ids=str)
def test_silent_client_is_closed_and_its_will_published(connect, own, topic, kind):
    """[MQTT-3.1.2-22]; 1.5 times the keep alive"""
    watcher = connect(TCP5)
    watcher.subscribe(topic, 1)
    silent = connect(kind, keep_alive=1, will=Will(topic, b"silent", 1))
    reason = silent.wait_closed()
    if own and kind.version == 5:
        assert reason == 0x8D
    assert watcher.next().payload == b"silent"


@pytest.mark.parametrize("kind", [TCP4, TCP5, QUIC5], ids=str)
def test_pinging_client_stays(connect, kind):
    for _ in range(10):
        client = connect(kind, keep_alive=1)

        def ping() -> None:
            client.send(packets.packet(packets.PINGREQ))
            client.expect(packets.PINGRESP)

        if pings_in_time(ping, count=6, every=0.5, allowed=1.4):
            return
    pytest.skip("the machine is too busy for a keep alive of a second")


def test_assigned_identifier(connect):
    """[MQTT-3.1.3-6] [MQTT-3.1.3-7]"""
    client = connect(TCP5, "assigned")
    client.disconnect()
    client = WireOverTCP(client.address, 5, client.options)
    client.send(packets.connect(""))
    answer = client.expect(packets.CONNACK)
    assert answer.reason == 0 and answer.properties[packets.ASSIGNED_IDENTIFIER][0]
    client.disconnect()


def test_receive_maximum_of_the_client_bounds_what_is_in_flight(connect, topic):
    """[MQTT-3.3.4-9]"""
    client = connect(TCP5, f"{topic}-slow")
    client.disconnect()
    slow = WireOverTCP(client.address, 5, client.options)
    slow.send(packets.connect(f"{topic}-slow", receive_maximum=2))
    slow.expect(packets.CONNACK)
    slow.subscribe(topic, 1)
    publisher = connect(TCP5)
    for number in range(5):
        publisher.publish(Message(topic, b"%d" % number, 1))
    waiting = [slow.receive(), slow.receive()]
    assert slow.receive(0.3) is None, "a third message is in flight"
    for number, found in enumerate(waiting):
        assert found.payload == b"%d" % number
        slow.handle(found)
    assert [slow.next().payload for _ in range(5)] == [b"%d" % number for number in range(5)]
    slow.disconnect()


def test_closed_connection_is_seen_as_closed(connect):
    """A check of the test client itself: a client that was taken over cannot send."""
    older = connect(TCP5, "eyes")
    connect(TCP5, "eyes")
    older.wait_closed()
    with pytest.raises(Closed):
        for _ in range(100):
            older.send(packets.packet(packets.PINGREQ))
            older.receive(0.05)
