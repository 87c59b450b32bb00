"""Primes and words on two threads and on two processes: the answers, and the seconds.

`BELOW` and `TEXT` (a file) are set by who runs this.
"""
import multiprocessing
import os
import re
import threading
import time
from collections import Counter


def primes(numbers):
    """How many of `numbers` are prime, and their sum."""
    count = checksum = 0
    for number in numbers:
        if number < 2:
            continue
        divisor = 2
        while divisor * divisor <= number:
            if number % divisor == 0:
                break
            divisor += 1
        else:
            count, checksum = count + 1, checksum + number
    return count, checksum


def words(text):
    return Counter(word.lower() for word in re.findall(r"[A-Za-z]+", text))


def on_threads(work, pieces):
    parts = [None] * len(pieces)

    def body(index):
        parts[index] = work(pieces[index])

    threads = [threading.Thread(target=body, args=(index,)) for index in range(len(pieces))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return parts


def in_processes(work, pieces):
    # Forked, as before 3.14: these processes have no threads, and `-c` leaves no file to start from again.
    with multiprocessing.get_context("fork").Pool(len(pieces)) as pool:
        return pool.map(work, pieces, chunksize=1)


with open(TEXT, encoding="ascii") as file:
    text = file.read()
middle = text.index(" ", len(text) // 2)
# The larger half of the numbers has the longer way to its divisors: cut by odd and even shares of 64.
shares = [range(BELOW * i // 64, BELOW * (i + 1) // 64) for i in range(64)]
numbers = [[n for share in shares[first::2] for n in share] for first in (0, 1)]
for name, run in (("threads", on_threads), ("processes", in_processes)):
    start = time.perf_counter()
    found = run(primes, numbers)
    counted = run(words, [text[:middle], text[middle:]])
    seconds = time.perf_counter() - start
    both = counted[0] + counted[1]
    print(f"{name}_primes", sum(part[0] for part in found))
    print(f"{name}_checksum", sum(part[1] for part in found))
    print(f"{name}_words", sum(both.values()))
    print(f"{name}_distinct", len(both))
    print(f"{name}_seconds", seconds)
