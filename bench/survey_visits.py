"""Visitors of a running server who come when they come: requests leave at their times, whatever became of those before.

usage: python -m bench.survey_visits < PLAN   (JSON: port, rate per second, and a list of [method, path, body, cookie])

A process of its own, so that asking takes no time from answering. Each request is a connection of its own, from one of
many addresses of the loopback network, as people are many. Printed: JSON lists of milliseconds, from when a request was
due to leave until its answer was there, and of statuses.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

Request = tuple[str, str, str, str]
"""Method, path, body of a form ("" for none), cookie ("" for none)."""


@dataclass(frozen=True, slots=True)
class Visits:
    """How long each answer took (ms, sorted), and how often each status came."""

    took: tuple[float, ...]
    statuses: Counter[int]

    def share(self, part: float) -> float:
        """The time within which this part of the answers came."""
        return self.took[min(int(part * len(self.took)), len(self.took) - 1)]


def visits(port: int, rate: float, requests: Sequence[Request]) -> Visits:
    """Let visitors come at ``rate`` per second in a process of their own."""
    plan = json.dumps({"port": port, "rate": rate, "requests": requests})
    done = subprocess.run(
        [sys.executable, "-m", "bench.survey_visits"], input=plan, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    return Visits(tuple(sorted(found["took"])), Counter(found["statuses"]))


async def _ask(port: int, number: int, due: float, request: Request) -> tuple[float, int]:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(max(0.0, due - loop.time()))
    method, path, body, cookie = request
    sender = (f"127.0.{1 + number // 200 % 200}.{1 + number % 200}", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=sender)
    content = body.encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    if cookie:
        lines.append(f"Cookie: {cookie}")
    if content:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(content)}"]
    writer.write("\r\n".join([*lines, "", ""]).encode() + content)
    answer = await reader.read()
    took = 1000 * (loop.time() - due)
    writer.close()
    return took, int(answer.split(b" ", 2)[1])


async def _all(plan: dict[str, object]) -> None:
    port, rate, requests = plan["port"], plan["rate"], plan["requests"]
    assert isinstance(port, int)
    assert isinstance(rate, float | int)
    assert isinstance(requests, list)
    start = asyncio.get_running_loop().time() + 0.2
    found = await asyncio.gather(*(_ask(port, n, start + n / rate, each) for n, each in enumerate(requests)))
    print(json.dumps({"took": [took for took, _ in found], "statuses": [status for _, status in found]}))


if __name__ == "__main__":
    asyncio.run(_all(json.load(sys.stdin)))
