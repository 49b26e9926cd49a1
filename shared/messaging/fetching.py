"""What aiokafka does with a record it cannot read, mended: one such record costs neither itself nor its neighbours.

aiokafka decodes the names of headers as UTF-8 and gives up on a fetch where one is not; whatever it had taken out of other
partitions by then is thrown away with the positions moved, so that the next commit would lose it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, SupportsIndex

import aiokafka.consumer.fetcher
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy
from aiokafka.structs import OffsetAndMetadata

WAIT_MS = 250
"""How long one that asks waits for something to come: FastStream sleeps after each empty answer, and a record waits with it."""


class CarefulConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """After a failed fetch, every partition goes on where the last fetch that succeeded ended.

    `rewound` counts how often it went back, `rewound_before` how often it had before the newest records were handed out.
    """

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  as aiokafka's
        super().__init__(*args, **options)
        self._given: dict[TopicPartition, int] = {}
        self._of: object = None
        self._failed = False
        self.rewound = self.rewound_before = 0

    async def getmany(
        self,
        *partitions: TopicPartition,
        timeout_ms: int = 0,
        **options: Any,  # noqa: ANN401  as aiokafka's
    ) -> dict[TopicPartition, list[Any]]:
        """As aiokafka's, but more patient. Raises what it raises; the next one begins where the last that succeeded ended."""
        self._begin_anew_where_given_anew()
        if self._failed:
            await self._put_back()
            self._failed = False
        try:
            records: dict[TopicPartition, list[Any]] = await super().getmany(
                *partitions, timeout_ms=max(timeout_ms, WAIT_MS), **options
            )
        except Exception:
            self._failed = True
            self._begin_anew_where_given_anew()
            raise
        self._given.update({partition: some[-1].offset + 1 for partition, some in records.items()})
        self.rewound_before = self.rewound
        return records

    @property
    def under(self) -> object:
        """The assignment that partitions are read under now: the one of before until the group has given them anew."""
        subscription = self._subscription.subscription
        assignment: object = None if subscription is None else subscription.assignment
        return assignment

    def given(self) -> object:
        """The partitions as the group gave them last; None while it is giving them anew."""
        return None if self._subscription.reassignment_in_progress else self.under

    async def commit_under(self, given: object, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit places in partitions that are still `given`, in a single try. Raises aiokafka's errors.

        aiokafka's own `commit` tries again as whoever it is by then. A broker that came back without its memory would take that
        from a member that has just joined, or that it does not know: places of before, in topics that begin anew.
        """
        coordinator = self._coordinator
        await coordinator.ensure_coordinator_known()
        if given is not self.given() or coordinator.generation < 0:
            raise CommitFailedError("the group has given the partitions anew, or knows this member no more")
        await coordinator._do_commit_offsets(  # noqa: SLF001  the one step that never tries again
            given, {partition: OffsetAndMetadata(offset, "") for partition, offset in offsets.items()}
        )

    def _begin_anew_where_given_anew(self) -> None:
        """The group gives partitions from what was committed: places of before may not even exist any more."""
        if self.under is not self._of:
            self._of, self._given = self.under, {}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """As aiokafka's; from here on this is where the partition goes on."""
        super().seek(partition, offset)
        self._given[partition] = offset

    def go_back(self, under: object, places: Mapping[TopicPartition, int]) -> frozenset[TopicPartition]:
        """Have partitions come again from these places, which were read `under` an assignment; returns those that will.

        What is another member's by now, or was given anew, comes from the committed offset: the place may not even exist there.
        """
        self.rewound += 1
        back: set[TopicPartition] = set()
        for partition, offset in places.items() if under is self.under else ():
            with contextlib.suppress(IllegalStateError, AssertionError):  # aiokafka's words for one that is not ours now
                self.seek(partition, offset)
                back.add(partition)
        return frozenset(back)

    async def _put_back(self) -> None:
        """Each partition to what was handed out last; else to what the group committed; else to the beginning.

        To ask may outlast the assignment: what the group gives anew begins by itself where it should.
        """
        for partition in self.assignment():
            offset = self._given.get(partition)
            if offset is None:
                offset = await self.committed(partition)
            if self.under is not self._of:
                return
            if offset is None:
                await self.seek_to_beginning(partition)
            else:
                self.seek(partition, offset)


class _Bytes(bytes):
    """Bytes whose text is what can be read of it."""

    def __getitem__(self, at: SupportsIndex | slice) -> Any:  # noqa: ANN401  a number, or a part that is such bytes again
        part = super().__getitem__(at)
        return _Bytes(part) if isinstance(part, bytes) else part

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        """As far as can be; what is no text is written as escapes."""
        return super().decode(encoding, errors)


class _Batch:
    """aiokafka's own batch, and where that cannot be read, the same one read by its slower, patient parser."""

    def __init__(self, batch: Any, again: Callable[[], _DefaultRecordBatchPy]) -> None:  # noqa: ANN401  one of several classes
        self._batch, self._again = batch, again

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever the batch has
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            patient: Any = iter(self._again())
            patient._buffer = _Bytes(patient._buffer)  # noqa: SLF001  its reader takes no other decoder
            records: Iterator[Any] = patient
            return records

    def __next__(self) -> Any:  # noqa: ANN401  a record
        return next(self._batch)


class _Records:
    """The batches of one fetch from one partition."""

    def __init__(self, data: bytes) -> None:
        self._data, self._read = data, 0
        self._fast = MemoryRecords(data)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever aiokafka's has
        return getattr(self._fast, name)

    def next_batch(self) -> _Batch | None:
        batch = self._fast.next_batch()
        number, self._read = self._read, self._read + 1
        return None if batch is None else _Batch(batch, partial(self._patient, number))

    def _patient(self, number: int) -> _DefaultRecordBatchPy:
        records = _MemoryRecordsPy(self._data)
        for _ in range(number):
            records.next_batch()
        data = records._next_slice  # noqa: SLF001  its batches come with the parser that just failed
        assert data is not None
        return _DefaultRecordBatchPy(data)


def read_every_record() -> None:
    """Have every consumer of this process read records whatever their headers are called. Once, before the first one."""
    aiokafka.consumer.fetcher.MemoryRecords = _Records
