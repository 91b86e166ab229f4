"""What the service tells Prometheus: the figures of all workers together, whichever of them is asked."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from app.background import Background, Job
from app.readings import Question, Reading, Samples
from app.shared_figures import PERIOD, Figures, Place, merged

PATIENCE = 1.0
"""Seconds that a question may take; what is not answered is left out."""


class Metrics:
    """*readings* of this worker and, where several share a *folder*, those of the others; *questions* besides."""

    def __init__(
        self, readings: Iterable[Reading], questions: Iterable[Question] = (), *, folder: Path | None = None
    ) -> None:
        self._readings = {reading.name: reading for reading in readings}
        self._peaks = {name for name, reading in self._readings.items() if reading.kind == "peak"}
        self._questions = tuple(questions)
        self._place = None if folder is None else Place(folder)
        self._telling = Background(*([] if folder is None else [Job(name="metrics", run=self._tell, period=PERIOD)]))

    async def start(self) -> None:
        await self._telling.start()

    async def stop(self) -> None:
        """The last counts are told: they are of no less account than the first."""
        await self._telling.stop()
        await self._tell()

    async def text(self) -> bytes:
        """In the text format of Prometheus, version 0.0.4."""
        answers = await asyncio.gather(*(_answer(question) for question in self._questions))
        families = [*self._families(), *(family for family in answers if family is not None)]
        return await asyncio.to_thread(generate_latest, _Told(families))

    async def _tell(self) -> None:
        if self._place is not None:
            self._place.tell(*self._own())

    def _own(self) -> tuple[Figures, Figures]:
        """What was counted, and what is so now."""
        counted: Figures = {}
        states: Figures = {}
        for name, reading in self._readings.items():
            kept = counted if reading.kind in ("counter", "histogram") else states
            kept[name] = {labels: list(numbers) for labels, numbers in reading.read().items()}
        return counted, states

    def _families(self) -> Iterator[Metric]:
        counted, states = self._own()
        workers = 1
        if self._place is not None:
            counted, others = self._place.tell(counted, states).counted, self._place.others()
            workers += sum(bool(other.states) for other in others)
            for other in others:
                counted = merged(counted, other.counted)
                states = merged(states, other.states, peaks=self._peaks)
        for name, samples in {**counted, **states}.items():
            if (reading := self._readings.get(name)) is not None:
                yield _family(reading, samples)
        yield _gauge("hexkey_workers", "Processes that serve, and told of themselves lately.", (), {(): [workers]})


class _Told:
    """What `generate_latest` takes for a registry."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


async def _answer(question: Question) -> Metric | None:
    """What cannot be known now is no reason to tell nothing."""
    try:
        async with asyncio.timeout(PATIENCE):
            return _gauge(question.name, question.help, question.labels, await question.ask())
    except Exception:
        return None


def _family(reading: Reading, samples: Samples) -> Metric:
    if reading.kind == "histogram":
        return _histogram(reading, samples)
    if reading.kind != "counter":
        return _gauge(reading.name, reading.help, reading.labels, samples)
    counter = CounterMetricFamily(reading.name, reading.help, labels=reading.labels)
    for labels, (number,) in samples.items():
        counter.add_metric(labels, number)
    return counter


def _gauge(name: str, help: str, labels: Iterable[str], samples: Samples) -> Metric:
    gauge = GaugeMetricFamily(name, help, labels=list(labels))
    for values, (number,) in samples.items():
        gauge.add_metric(values, number)
    return gauge


def _histogram(reading: Reading, samples: Samples) -> Metric:
    histogram = HistogramMetricFamily(reading.name, reading.help, labels=reading.labels)
    ends = [*map(str, reading.bounds), "+Inf"]
    for labels, (*buckets, total) in samples.items():
        histogram.add_metric(labels, list(zip(ends, accumulate(buckets), strict=True)), total)
    return histogram
