"""CPython between two processes: a round trip of 64 bytes through SharedMemory, spinning, and 64 KiB one way through a Queue.

Prints nanoseconds a round trip, then megabytes a second. Each process has a core of its own, as far as there are two.
"""

import multiprocessing as mp
import os
import sys
import time
from multiprocessing import shared_memory


def pin(number):
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[number % len(cores)]})


def echo(name, trips):
    memory = shared_memory.SharedMemory(name)
    pin(1)
    buffer = memory.buf
    for trip in range(trips):
        turn = trip % 255 + 1
        while buffer[0] != turn:
            pass
        buffer[129:193] = bytes(buffer[1:65])
        buffer[128] = turn
    del buffer
    memory.close()


def round_trip(trips):
    memory = shared_memory.SharedMemory(create=True, size=4096)
    other = mp.Process(target=echo, args=(memory.name, trips))
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


def send(queue, messages):
    pin(1)
    message = bytes(65536)
    for _ in range(messages):
        queue.put(message)


def one_way(messages):
    queue = mp.Queue()
    other = mp.Process(target=send, args=(queue, messages))
    other.start()
    queue.get()
    start = time.perf_counter()
    for _ in range(messages - 1):
        queue.get()
    took = time.perf_counter() - start
    other.join()
    return 65536 * (messages - 1) / took / 1e6


if __name__ == "__main__":
    mp.set_start_method("fork")
    pin(0)
    print(round_trip(int(sys.argv[1])))
    print(one_way(int(sys.argv[1]) // 40))
