"""Quix Streams: the window in its state store (RocksDB with a changelog topic), at least once as it is by default."""

import os

from quixstreams import Application

from feature_job import Window, features_after

app = Application(
    broker_address=os.environ["KAFKA_BROKERS"],
    consumer_group=os.environ["PEER_GROUP"],
    auto_offset_reset="earliest",
    processing_guarantee="at-least-once",
    state_dir=os.environ["PEER_STATE_DIR"],
    loglevel="ERROR",
    producer_extra_config={"acks": "all"},
)
source = app.topic(os.environ["PEER_SOURCE"], value_deserializer="json", key_deserializer="bytes")
target = app.topic(os.environ["PEER_TARGET"], value_serializer="json", key_serializer="bytes")


def step(observation, state):
    data = state.get_bytes("window")
    window = Window() if data is None else Window.from_bytes(data)
    values = features_after(window, observation)
    state.set_bytes("window", window.to_bytes())
    return {
        "stationId": observation["stationId"],
        "validAt": window.newest_hour * 3_600_000,
        "values": [value if value == value else None for value in values.tolist()],
    }


app.dataframe(source).apply(step, stateful=True).to_topic(target)
app.run()
