# SPDX-License-Identifier: Apache-2.0
"""How long it takes from a provider's call to the event: by the simulator's log of calls and the events' own times."""

import datetime
import statistics


def committed_us(event):
    """When Koppel committed it, in microseconds since the epoch."""
    at = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
    return round(at.timestamp() * 1_000_000)


def hint_to_event_us(attempts, events):
    """For every record that was hinted at and published: from the first call that named it and was taken to the first
    event of it that was committed after that. `attempts` of one rig's simulator, `events` of its host."""
    first = {}
    for call in attempts:
        if call["cause"] == "change" and 200 <= call["status"] < 300:
            for record in call["ids"]:
                first[record] = min(call["sent_us"], first.get(record, call["sent_us"]))
    found = {}
    for event in events:
        record = event["data"].get("id")
        if record not in first:
            continue
        # Events have milliseconds, so one may seem to be up to one older than it is.
        took = committed_us(event) - first[record]
        if took > -1000 and took < found.get(record, float("inf")):
            found[record] = max(took, 0)
    return found


def spread(values):
    """Count, mean and percentiles; None for each where there is no value."""
    ordered = sorted(values)
    if not ordered:
        return {"count": 0, "mean": None, "p50": None, "p95": None, "p99": None, "most": None}
    at = {f"p{p}": ordered[min(len(ordered) - 1, len(ordered) * p // 100)] for p in (50, 95, 99)}
    return {"count": len(ordered), "mean": statistics.mean(ordered), **at, "most": ordered[-1]}
