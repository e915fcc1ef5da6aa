"""confluent-kafka without a framework: windows in memory, JSON in and out, acknowledged sends before offsets are committed."""

import os
import signal
import time

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

from feature_job import Window, features_after

COMMIT_SECONDS = 0.2
running = True


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
broker, source, target = os.environ["KAFKA_BROKERS"], os.environ["PEER_SOURCE"], os.environ["PEER_TARGET"]
consumer = Consumer(
    {
        "bootstrap.servers": broker,
        "group.id": os.environ["PEER_GROUP"],
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
)
producer = Producer({"bootstrap.servers": broker, "acks": "all", "enable.idempotence": True, "linger.ms": 5})
failed = []
windows = {}
done = {}


def on_delivery(error, _):
    if error is not None:
        failed.append(error)


consumer.subscribe([source])
committed_at = time.monotonic()
while running:
    for message in consumer.consume(num_messages=1000, timeout=0.25):
        if message.error() is not None:
            raise RuntimeError(message.error())
        observation = orjson.loads(message.value())
        station = observation["stationId"]
        window = windows.get(station)
        if window is None:
            window = windows[station] = Window()
        values = features_after(window, observation)
        body = {"stationId": station, "validAt": window.newest_hour * 3_600_000, "values": values}
        value = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
        while True:
            try:
                producer.produce(target, value=value, key=message.key(), on_delivery=on_delivery)
                break
            except BufferError:
                producer.poll(0.05)
        done[message.partition()] = message.offset() + 1
    producer.poll(0)
    if done and time.monotonic() - committed_at > COMMIT_SECONDS:
        producer.flush()
        if failed:
            raise RuntimeError(failed[0])
        consumer.commit(offsets=[TopicPartition(source, p, offset) for p, offset in done.items()], asynchronous=True)
        done.clear()
        committed_at = time.monotonic()
producer.flush()
consumer.close()
