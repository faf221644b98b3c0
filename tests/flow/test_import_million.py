"""A million customers: how long, how much memory. `pytest -m soak tests/flow/test_import_million.py -s`"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from router.store.channel import Channel
from router.store.embedded import EmbeddedServer

MANY = 1_000_000
SECONDS, BYTES_EACH, RSS_MB, LINE_US = 180, 700, 300, 120

# A process of its own, so that its memory and its time are the import's alone.
SERVICE = """
import asyncio, json, resource, sys, time
from router.directory.customers import Customers
from router.directory.importing import import_customers
from router.directory.scripts import Scripts
from router.store.channel import Channel

async def pieces(path):
    with open(path, "rb") as file:
        while piece := file.read(64 * 1024):
            yield piece

async def main(url, path):
    channel = await Channel.open(url)
    customers = Customers(Scripts(channel, "{million}"), "CN")
    worst = 0.0
    async def watch():
        nonlocal worst
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - before - 0.001)
    watching = asyncio.create_task(watch())
    cpu, start = time.process_time(), time.perf_counter()
    report = await import_customers(pieces(path), "csv" if path.endswith("csv") else "ndjson", customers)
    watching.cancel()
    print(json.dumps({
        "seconds": time.perf_counter() - start, "cpu_us_a_line": (time.process_time() - cpu) * 1e6 / report.done,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "longest_pause_ms": worst * 1000,
        **report.body()}))
    await channel.close()

asyncio.run(main(*sys.argv[1:]))
"""


def customer(place: int, rng: random.Random) -> dict[str, Any]:
    """300 bytes of JSON with 1.2 numbers, as kept."""
    phones = [f"+861380{rng.randrange(10**7):07}" for _ in range(1 + (rng.random() < 0.2))]
    record: dict[str, Any] = {
        "name": f"Sample Person {place}",
        "phones": phones,
        "annual_value": float(rng.randrange(40_000)),
        "owner": f"agent-{place % 400}",
        "language": "zh-CN",
        "skills": ["loans"],
        "birthday": "1984-05-03",
        "notes": "",
        "customer_id": f"c-{place:07}",
    }
    record["notes"] = "n" * (300 - len(json.dumps(record, separators=(",", ":"))))
    return record


def write_files(folder: Path) -> dict[str, Path]:
    rng = random.Random(7)
    paths = {"ndjson": folder / "customers.ndjson", "csv": folder / "customers.csv"}
    with paths["ndjson"].open("w") as as_json, paths["csv"].open("w") as as_csv:
        as_csv.write("customer_id,name,phones,annual_value,owner,language,skills,birthday,notes\n")
        for place in range(MANY):
            one = customer(place, rng)
            as_json.write(json.dumps(one, separators=(",", ":")) + "\n")
            cells = (one["customer_id"], one["name"], ";".join(one["phones"]), one["annual_value"], one["owner"])
            as_csv.write(",".join(map(str, cells)) + f",zh-CN,loans,1984-05-03,{one['notes']}\n")
    return paths


async def memory(url: str) -> int:
    channel = await Channel.open(url)
    info = await channel.call("INFO", "memory")
    await channel.close()
    return int(info.decode().split("used_memory:")[1].split()[0])


async def service(url: str, path: Path) -> Any:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVICE, url, str(path), stdout=PIPE, env={**os.environ, "PYTHONPATH": "."}
    )
    out, _ = await child.communicate()
    assert child.returncode == 0
    return json.loads(out)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_a_million_customers(tmp_path):
    paths = write_files(tmp_path)
    for name, path in paths.items():
        server = EmbeddedServer(tmp_path / name)
        server.start()
        try:
            before = await memory(server.url)
            first = await service(server.url, path)
            each = (await memory(server.url) - before) / MANY
            again = await service(server.url, path)
        finally:
            server.stop()
        print(f"""\n{name}: {first["seconds"]:.0f} s, the same file again {again["seconds"]:.0f} s
        {first["cpu_us_a_line"]:.0f} µs of CPU a line, {first["rss_mb"]:.0f} MB of the service,
        {each:.0f} bytes each in the server, longest pause of the service {first["longest_pause_ms"]:.0f} ms""")
        assert (first["created"], again["unchanged"]) == (MANY, MANY)
        assert first["seconds"] <= SECONDS
        assert first["cpu_us_a_line"] <= LINE_US
        assert first["rss_mb"] <= RSS_MB
        assert each <= BYTES_EACH
