"""Publish and subscribe as each outside client does it."""

import pytest

from clients import KINDS, AioQUIC, Kind, Mosquitto, Paho, WireOverTCP
from packets import Message

TCP5 = Kind(WireOverTCP, 5)
EACH = pytest.mark.parametrize("kind", KINDS, ids=str)
# Each client is read by itself and by the next one in the ring, which is another client or another version.
NEXT = dict(zip(KINDS, KINDS[1:] + KINDS[:1]))


@EACH
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_message_arrives_once_at_its_qos(connect, topic, kind, qos):
    """[MQTT-4.3.1-1] [MQTT-4.3.2-1] [MQTT-4.3.3-1]"""
    subscribers = [connect(kind), connect(NEXT[kind])]
    for subscriber in subscribers:
        assert subscriber.subscribe(topic, qos) == qos
    publisher = connect(kind)
    sent = [Message(topic, b"first", qos), Message(topic, b"second", qos)]
    for message in sent:
        publisher.publish(message)
    for subscriber in subscribers:
        if qos and not isinstance(publisher, Mosquitto):  # of which each publish is another client
            assert [subscriber.next(), subscriber.next()] == sent
        else:
            assert {subscriber.next(), subscriber.next()} == set(sent)
        subscriber.nothing()


@pytest.mark.parametrize("published", [0, 1, 2])
@pytest.mark.parametrize("granted", [0, 1, 2])
def test_qos_is_the_lower_of_both(connect, topic, published, granted):
    """[MQTT-3.8.4-8]"""
    subscriber, publisher = connect(Kind(Paho, 5)), connect(Kind(Paho, 4))
    subscriber.subscribe(topic, granted)
    publisher.publish(Message(topic, b"payload", published))
    assert subscriber.next().qos == min(published, granted)


@EACH
def test_retained_message_greets_a_subscriber(connect, topic, kind):
    """[MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-12]"""
    publisher = connect(kind)
    publisher.publish(Message(topic, b"old", 1, retain=True))
    publisher.publish(Message(topic, b"new", 1, retain=True))
    early = connect(kind)
    early.subscribe(topic, 1)
    assert early.next() == Message(topic, b"new", 1, retain=True)
    publisher.publish(Message(topic, b"newest", 1, retain=True))
    assert early.next() == Message(topic, b"newest", 1, retain=False)


@pytest.mark.parametrize("kind", [Kind(Paho, 4), Kind(Paho, 5), Kind(Mosquitto, 5), Kind(AioQUIC, 5)], ids=str)
def test_empty_retained_message_clears(connect, topic, kind):
    """[MQTT-3.3.1-6] [MQTT-3.3.1-7]"""
    publisher = connect(kind)
    publisher.publish(Message(topic, b"kept", 1, retain=True))
    publisher.publish(Message(topic, b"", 1, retain=True))
    subscriber = connect(kind)
    subscriber.subscribe(topic, 1)
    subscriber.nothing()


@pytest.mark.parametrize(
    "topic_filter, matching, others",
    [
        ("{}/+/end", ["{}/a/end", "{}//end"], ["{}/a/b/end", "{}/a/End", "{}/end"]),
        ("{}/a/#", ["{}/a", "{}/a/b", "{}/a/b/c", "{}/a/"], ["{}/ab", "{}/b"]),
        ("+/+/a", ["{}/a"], ["{}/a/b", "{}"]),
        ("{}/+", ["{}/a", "{}/"], ["{}", "{}/a/b"]),
        ("{}/é/+", ["{}/é/鳥"], ["{}/e/鳥"]),
    ],
)
@pytest.mark.parametrize("kind", [Kind(Paho, 5), Kind(AioQUIC, 4)], ids=str)
def test_wildcards(connect, topic, kind, topic_filter, matching, others):
    """MQTT 5.0 §4.7.1; [MQTT-4.7.3-4]"""
    subscriber, publisher = connect(kind), connect(kind)
    subscriber.subscribe(topic_filter.format(topic), 1)
    for name in [*others, *matching]:
        publisher.publish(Message(name.format(topic), name.encode(), 1))
    assert [subscriber.next().payload.decode() for _ in matching] == matching
    subscriber.nothing()


@pytest.mark.parametrize("topic_filter", ["#", "+/inside/#"])
def test_wildcard_at_the_start_leaves_dollar_topics_out(connect, topic_filter):
    """[MQTT-4.7.2-1]"""
    subscriber, publisher, insider = connect(TCP5), connect(TCP5), connect(TCP5)
    insider.subscribe("$mine/#", 1)
    subscriber.subscribe(topic_filter, 1)
    publisher.publish(Message("$mine/inside/a", b"hidden", 1))
    publisher.publish(Message("open/inside/a", b"seen", 1))
    assert insider.next().payload == b"hidden"
    while (seen := subscriber.next()).payload != b"seen":
        assert not seen.topic.startswith("$"), f"{topic_filter} matched {seen.topic}"


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_large_payload_passes_unchanged(connect, topic, kind):
    payload = bytes(range(256)) * 2048  # 512 KiB
    subscriber, publisher = connect(kind), connect(kind)
    subscriber.subscribe(topic, 1)
    publisher.publish(Message(topic, payload, 1))
    received = subscriber.next(30)
    assert (received.topic, len(received.payload)) == (topic, len(payload))
    assert received.payload == payload


@pytest.mark.parametrize("kind", [TCP5, Kind(WireOverTCP, 4), Kind(AioQUIC, 5)], ids=str)
def test_unsubscribe_ends_delivery(connect, topic, kind):
    """[MQTT-3.10.4-2]"""
    subscriber, publisher = connect(kind), connect(kind)
    subscriber.subscribe(topic, 1)
    subscriber.unsubscribe(topic)
    publisher.publish(Message(topic, b"late", 1))
    subscriber.nothing()


def test_overlapping_subscriptions_of_two_clients(connect, topic):
    """Each client has its own copy, and none has two for one filter."""
    kinds = [TCP5, Kind(Paho, 4)]
    subscribers = [connect(kind) for kind in kinds]
    for subscriber in subscribers:
        subscriber.subscribe(f"{topic}/+", 2)
    connect(TCP5).publish(Message(f"{topic}/a", b"both", 2))
    for subscriber in subscribers:
        assert subscriber.next().payload == b"both"
        subscriber.nothing()
