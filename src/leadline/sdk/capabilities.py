"""What a system can do, as data, so that the planner never asks which system it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Limits and abilities of one system.

    `*_batch` is the number of rows in one call (0: the system cannot do it); `page_size` the rows
    in one page of a full read. When more than `bulk_above` updates wait, up to `bulk_batch` of them are
    pushed at once, for a system that takes so many in one asynchronous job or in calls side by side (0:
    neither). `bulk_calls` is what that costs in API calls, polling and results included, for forecasts.
    """

    reads: tuple[str, ...]
    page_size: int
    update_batch: int
    task_batch: int
    enrol_batch: int
    partial_success: bool
    list_batch: int = 0
    bulk_batch: int = 0
    bulk_above: int = 0
    bulk_calls: int = 0
    brings_sandbox: bool = False
    notes: str = ""
