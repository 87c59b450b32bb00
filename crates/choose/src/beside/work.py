"""The four workloads in Python, each through every way that the standard library has; one JSON object a line.

`CONFIG` (a JSON text) is set by who runs this: sizes, a file of words, a server, a number of workers.
"""
import asyncio
import concurrent.futures as futures
import json
import multiprocessing
import queue
import re
import threading
import time
import urllib.request
from collections import Counter
from urllib.parse import urlsplit

config = json.loads(CONFIG)
WORKERS = config["workers"]
MASK = (1 << 64) - 1
# Forked: what these processes run was never in a file that they could import.
forked = multiprocessing.get_context("fork")


# mandelbrot: a piece is a row, its part the counts of its pixels.
def row(y):
    width, height, iterations = (config["mandelbrot"][key] for key in ("width", "height", "iterations"))
    # The same operations in the same order as in Rust: the same bits.
    im = -0.4 + y * (1.95 / height)
    counts = []
    for column in range(width):
        re = -2.0 + column * (2.6 / width)
        x = y = 0.0
        for count in range(iterations):
            xx, yy = x * x, y * y
            if xx + yy > 4.0:
                break
            y = 2.0 * x * y + im
            x = xx - yy + re
        else:
            count = iterations
        counts.append(count)
    return counts


def image(rows):
    checksum = 0xCBF29CE484222325
    for counts in rows:
        for count in counts:
            for byte in count.to_bytes(2, "little"):
                checksum = ((checksum ^ byte) * 0x100000001B3) & MASK
    return {"checksum": checksum}


# primes: a piece is a range of numbers.
def primes(piece):
    start, end = piece
    count = checksum = 0
    for number in range(max(start, 2), end):
        divisor = 2
        while divisor * divisor <= number:
            if number % divisor == 0:
                break
            divisor += 1
        else:
            count, checksum = count + 1, checksum + number
    return count, checksum


def tally(parts):
    return {
        "below": config["primes"]["below"],
        "count": sum(part[0] for part in parts),
        "checksum": sum(part[1] for part in parts),
    }


# words: a piece is a stretch of a text, its borders between words.
def words(piece):
    start, end = piece
    return Counter(word.lower().decode() for word in re.findall(rb"[A-Za-z]+", TEXT[start:end]))


def merged(parts):
    whole = sum(parts, Counter())
    top = sorted(whole.items(), key=lambda item: (-item[1], item[0]))[:20]
    return {"total": whole.total() if hasattr(whole, "total") else sum(whole.values()), "distinct": len(whole),
            "top": [list(item) for item in top]}


# fetch: a piece is the number of a document.
def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def document(number, body):
    checksum = mix(number ^ mix(len(body)))
    body += bytes(8 - len(body) % 8)
    for place in range(0, len(body), 8):
        checksum = mix(checksum ^ int.from_bytes(body[place:place + 8], "little"))
    return len(body), checksum


def fetch(number):
    # No proxy: what it would answer is not what is asked for.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{config['fetch']['url']}/doc/{number}", timeout=30) as answer:
        body = answer.read()
    return len(body), document(number, body)[1]


async def fetch_async(number):
    url = urlsplit(config["fetch"]["url"])
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(f"GET /doc/{number} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode())
    head, body = (await reader.read()).split(b"\r\n\r\n", 1)
    writer.close()
    assert b" 200 " in head.split(b"\r\n")[0], head
    return len(body), document(number, body)[1]


def fetched(parts):
    return {
        "documents": len(parts),
        "bytes": sum(part[0] for part in parts),
        "checksum": sum(part[1] for part in parts) & MASK,
    }


# The ways.
def sequential(work, pieces, workers):
    return [work(piece) for piece in pieces]


def on_threads(work, pieces, workers):
    parts, left = [None] * len(pieces), queue.SimpleQueue()
    for index in range(len(pieces)):
        left.put(index)

    def body():
        while True:
            try:
                index = left.get_nowait()
            except queue.Empty:
                return
            parts[index] = work(pieces[index])

    threads = [threading.Thread(target=body) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return parts


def in_processes(work, pieces, workers):
    with forked.Pool(workers) as pool:
        return pool.map(work, pieces, chunksize=1)


def in_thread_pool(work, pieces, workers):
    with futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, pieces))


def in_process_pool(work, pieces, workers):
    with futures.ProcessPoolExecutor(workers, mp_context=forked) as pool:
        return list(pool.map(work, pieces))


def in_coroutines(work, pieces, workers):
    async def all_of_them():
        turn = asyncio.Semaphore(workers)

        async def one(piece):
            async with turn:
                return await fetch_async(piece) if work is fetch else work(piece)

        return await asyncio.gather(*(one(piece) for piece in pieces))

    return asyncio.run(all_of_them())


WAYS = [
    ("sequential", sequential),
    ("threading", on_threads),
    ("multiprocessing.Pool", in_processes),
    ("ThreadPoolExecutor", in_thread_pool),
    ("ProcessPoolExecutor", in_process_pool),
    ("asyncio", in_coroutines),
]

with open(config["words"]["file"], "rb") as file:
    TEXT = file.read()


def stretches(text, count):
    borders = [0]
    for index in range(1, count):
        border = max(borders[-1], len(text) * index // count)
        while border < len(text) and text[border:border + 1].isalpha():
            border += 1
        borders.append(border)
    return list(zip(borders, borders[1:] + [len(text)]))


below = config["primes"]["below"]
WORK = [
    ("mandelbrot", row, list(range(config["mandelbrot"]["height"])), image, WORKERS),
    ("primes", primes, [(below * i // 64, below * (i + 1) // 64) for i in range(64)], tally, WORKERS),
    ("words", words, stretches(TEXT, 64), merged, WORKERS),
    ("fetch", fetch, list(range(config["fetch"]["documents"])), fetched, config["fetch"]["workers"]),
]

for name, work, pieces, combine, workers in WORK:
    for way, run in WAYS:
        start = time.perf_counter()
        parts = run(work, pieces, workers)
        seconds = time.perf_counter() - start
        used = 1 if way == "sequential" else workers
        print(json.dumps({"workload": name, "way": way, "workers": used, "seconds": seconds,
                          "answer": combine(parts)}), flush=True)
