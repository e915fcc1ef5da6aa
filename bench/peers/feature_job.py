"""The job of job.ts for the Python peers: the window of one station as a numpy array, 78 features of it."""

import math

import numpy as np

HOURS, COLUMNS, FEATURES = 48, 8, 78
LAG_ROWS = np.array([HOURS - 1 - lag for lag in (0, 1, 3, 6, 12, 24, 47)])
HOUR_MS = 3_600_000
WET_MM = 0.1
NAN = float("nan")


class Window:
    """The hours of one station, oldest first; NaN where not observed."""

    __slots__ = ("newest_hour", "values")

    def __init__(self):
        self.newest_hour = 0
        self.values = np.full((HOURS, COLUMNS), NAN, dtype=np.float32)

    @classmethod
    def from_bytes(cls, data):
        window = cls.__new__(cls)
        window.newest_hour = int.from_bytes(data[:8], "big")
        window.values = np.frombuffer(data, dtype=np.float32, offset=8).reshape(HOURS, COLUMNS).copy()
        return window

    def to_bytes(self):
        return self.newest_hour.to_bytes(8, "big") + self.values.tobytes()


def features_after(window, observation):
    """Takes an observation into its station's window and gives the features of that window's newest hour."""
    hour = int(observation["observedAt"] / HOUR_MS + 0.5)
    values = window.values
    if hour > window.newest_hour:
        shift = min(HOURS, hour - window.newest_hour)
        values[: HOURS - shift] = values[shift:]
        values[HOURS - shift :] = NAN
        window.newest_hour = hour
    at = HOURS - 1 - (window.newest_hour - hour)
    if at >= 0:
        values[at] = _row(observation)
    out = np.empty(FEATURES, dtype=np.float64)
    grid = out[:72].reshape(COLUMNS, 9)
    grid[:, :7] = values[LAG_ROWS].T
    newer = np.add.reduce(values[24:], axis=0)
    grid[:, 7] = newer / 24
    grid[:, 8] = (np.add.reduce(values[:24], axis=0) + newer) / 48
    temperature = values[:, 0]
    out[72] = np.maximum.reduce(temperature[24:]) - np.minimum.reduce(temperature[24:])
    out[73] = np.maximum.reduce(temperature) - np.minimum.reduce(temperature)
    wet = values[24:, 7] >= WET_MM
    out[74] = np.count_nonzero(wet[18:]) / 6
    out[75] = np.count_nonzero(wet) / 24
    angle = 2 * math.pi * (window.newest_hour % 24) / 24
    out[76] = math.sin(angle)
    out[77] = math.cos(angle)
    return out


def _row(observation):
    def number(name):
        value = observation[name]
        return NAN if value is None else value

    speed = number("windSpeedMps")
    angle = number("windDirectionDeg") * math.pi / 180
    return (
        number("temperatureC"),
        number("dewPointC"),
        number("relativeHumidityPct"),
        number("pressureHpa"),
        -speed * math.sin(angle),
        -speed * math.cos(angle),
        speed,
        number("precipitationMm"),
    )
