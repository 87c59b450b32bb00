"""One thread against two inside native calls. Prints the speed-up of each, and how long a third thread was kept waiting.

`hashlib` lets the lock go for more than 2,047 bytes; arithmetic on large numbers keeps it.
"""
import hashlib
import statistics
import threading
import time

DATA = bytes(4_000_000)


def hash_data():
    hashlib.sha256(DATA).digest()


def power():
    pow(3, 1 << 1100, (1 << 1101) - 1)


def seconds(threads, body, times):
    def work():
        for _ in range(times):
            body()

    start = time.perf_counter()
    all_threads = [threading.Thread(target=work) for _ in range(threads)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    return time.perf_counter() - start


def longest_pause(body):
    """The longest time for which a thread that only wants to look at the clock did not get to."""
    gaps, stop = [], False

    def tick():
        last = time.perf_counter()
        while not stop:
            time.sleep(0.0005)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    ticking = threading.Thread(target=tick)
    ticking.start()
    time.sleep(0.005)
    start = time.perf_counter()
    body()
    took = time.perf_counter() - start
    time.sleep(0.005)
    stop = True
    ticking.join()
    return max(gaps) / took


for name, body in (("hash", hash_data), ("power", power)):
    body()
    print(name, statistics.median(seconds(1, body, 2) / seconds(2, body, 1) for _ in range(5)))


def long_power():
    """One call of some 100 ms."""
    pow(3, 1 << 4500, (1 << 4501) - 1)


print("pause_hash", longest_pause(lambda: [hash_data() for _ in range(5)]))
print("pause_power", longest_pause(long_power))
