"""What a sandbox was asked, call by call."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One HTTP exchange with the vendor's paths; control calls are not logged.

    `index` counts up from 0 and is never reused, not even after a clearing. `records` is what the
    handler said it read or wrote (`request.state.records = n`), None when it said nothing. `time`
    is the sandbox's epoch seconds at arrival, `seconds` the real duration. `status` is 0 when no
    reply was sent; `fault` names what the sandbox was told to do wrong, empty otherwise.
    """

    index: int
    method: str
    path: str
    query: str
    status: int
    records: int | None
    time: float
    seconds: float
    fault: str = ""

    def as_json(self) -> dict[str, object]:
        """The entry as the control surface shows it."""
        return asdict(self)


class RequestLog:
    """All calls since the start or the last clearing, oldest first."""

    def __init__(self) -> None:
        self._entries: list[LoggedRequest] = []
        self._first = 0

    def add(
        self,
        *,
        method: str,
        path: str,
        query: str,
        status: int,
        records: int | None,
        time: float,
        seconds: float,
        fault: str = "",
    ) -> None:
        """Append one exchange."""
        self._entries.append(
            LoggedRequest(
                index=self.next_index,
                method=method,
                path=path,
                query=query,
                status=status,
                records=records,
                time=time,
                seconds=seconds,
                fault=fault,
            )
        )

    @property
    def next_index(self) -> int:
        """The index that the next call will get."""
        return self._first + len(self._entries)

    def since(self, index: int = 0) -> list[LoggedRequest]:
        """The entries with this index or a higher one that have not been cleared."""
        return self._entries[max(0, index - self._first) :]

    def clear(self) -> None:
        """Forget all entries; indices go on counting."""
        self._first = self.next_index
        self._entries = []
