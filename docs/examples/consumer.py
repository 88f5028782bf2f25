#!/usr/bin/env python3
"""A consumer that counts each event once, however often it comes: tickets and money by performance.

    pip install confluent-kafka
    ./consumer.py 127.0.0.1:9092 [--until-end]

Without a broker it reads messages from its input, a line each, as `kcat -C` writes them:

    kcat -b 127.0.0.1:9092 -t ticket-bookings -C -e -q | ./consumer.py -

Messages come at least once. What was seen is known by its `event_id`. A program that keeps its sums
in a database writes the ids (or, since each performance comes in order, the last `seq` and `index` of
each) in the transaction that writes the sums; this one has both in memory and reads from the beginning
each time.
"""

import json
import sys

TOPIC = "ticket-bookings"
SIGN = {"tickets_sold": 1, "tickets_cancelled": -1}


class Sums:
    """Tickets and money by performance, each event counted once."""

    def __init__(self):
        self.seen = set()
        self.repeats = 0
        self.of = {}

    def take(self, payload):
        message = json.loads(payload)
        if message["event_id"] in self.seen:
            self.repeats += 1
            return
        self.seen.add(message["event_id"])
        # A kind that is not known yet, or one in which no money moves, counts for nothing.
        sign = SIGN.get(message["kind"], 0)
        if not sign:
            return
        tickets, money = self.of.get(message["performance"], (0, 0))
        for ticket in message["tickets"]:
            tickets += sign
            money += sign * ticket["paid_minor"]
        self.of[message["performance"]] = (tickets, money)

    def tell(self):
        for performance, (tickets, money) in sorted(self.of.items()):
            print(performance, tickets, money)
        print(f"{len(self.seen)} events, {self.repeats} repeats", file=sys.stderr)


def from_kafka(brokers, until_end):
    """The payloads of the topic from its beginning; to where it ends now, or for ever."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": "example", "enable.auto.commit": False}
    )
    partitions = consumer.list_topics(TOPIC, 30).topics[TOPIC].partitions
    ends = (consumer.get_watermark_offsets(TopicPartition(TOPIC, n), 30) for n in partitions)
    left = sum(high - low for low, high in ends)
    consumer.assign([TopicPartition(TOPIC, n, OFFSET_BEGINNING) for n in partitions])
    while not until_end or left > 0:
        message = consumer.poll(0.5)
        if message is None:
            continue
        if message.error():
            # A broker that is away comes back; the client connects again by itself.
            print(message.error(), file=sys.stderr)
            continue
        left -= 1
        yield message.value()
    consumer.close()


def main():
    if len(sys.argv) < 2:
        sys.exit("which Kafka? host:port, or - for the standard input")
    brokers, until_end = sys.argv[1], "--until-end" in sys.argv
    sums = Sums()
    for payload in sys.stdin.buffer if brokers == "-" else from_kafka(brokers, until_end):
        sums.take(payload)
    sums.tell()


if __name__ == "__main__":
    main()
