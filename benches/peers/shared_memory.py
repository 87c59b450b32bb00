"""CPython between two processes: 64 bytes there and back through SharedMemory, spinning; 64 bytes and 64 KiB one way through a Queue.

Prints nanoseconds a round trip, then megabytes a second for either size. Words: trips, the most seconds it may take, two cores.
"""

import multiprocessing as mp
import os
import signal
import sys
import time
from multiprocessing import shared_memory


def settle(core, seconds):
    """Keeps this process on one core, and ends it if it takes too long: whoever spins does so for ever if the other is gone."""
    os.sched_setaffinity(0, {core})
    signal.alarm(seconds)


def echo(name, trips, core, seconds):
    settle(core, seconds)
    memory = shared_memory.SharedMemory(name)
    buffer = memory.buf
    for trip in range(trips):
        turn = trip % 255 + 1
        while buffer[0] != turn:
            pass
        buffer[129:193] = bytes(buffer[1:65])
        buffer[128] = turn
    del buffer
    memory.close()


def round_trip(trips, core, seconds):
    memory = shared_memory.SharedMemory(create=True, size=4096)
    other = mp.Process(target=echo, args=(memory.name, trips, core, seconds))
    other.start()
    buffer, message = memory.buf, bytes(64)
    start = 0.0
    for trip in range(trips):
        turn = trip % 255 + 1
        buffer[1:65] = message
        buffer[0] = turn
        while buffer[128] != turn:
            pass
        bytes(buffer[129:193])
        if trip == trips // 10:
            start = time.perf_counter()
    took = time.perf_counter() - start
    other.join()
    del buffer
    memory.close()
    memory.unlink()
    return took / (trips - trips // 10 - 1) * 1e9


def send(queue, size, messages, core, seconds):
    settle(core, seconds)
    message = bytes(size)
    for _ in range(messages):
        queue.put(message)


def one_way(size, messages, core, seconds):
    queue = mp.Queue()
    other = mp.Process(target=send, args=(queue, size, messages, core, seconds))
    other.start()
    queue.get()
    start = time.perf_counter()
    for _ in range(messages - 1):
        queue.get()
    took = time.perf_counter() - start
    other.join()
    return size * (messages - 1) / took / 1e6


if __name__ == "__main__":
    trips, seconds, ours, theirs = map(int, sys.argv[1:])
    mp.set_start_method("fork")
    settle(ours, seconds)
    print(round_trip(trips, theirs, seconds))
    print(one_way(64, trips // 4, theirs, seconds))
    print(one_way(65536, trips // 40, theirs, seconds))
