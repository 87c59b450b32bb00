"""One thread against two, both with a loop of pure Python. Prints the speed-up and its spread over the rounds."""
import statistics
import threading
import time


def loop(n=300_000):
    x = 0
    for i in range(n):
        x = (x + i) & 0xFFFF


def seconds(threads, rounds):
    """Each thread does `rounds` loops, all at once."""

    def body():
        for _ in range(rounds):
            loop()

    start = time.perf_counter()
    all_threads = [threading.Thread(target=body) for _ in range(threads)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    return time.perf_counter() - start


loop()
# The same work: two loops by one thread, then one loop by each of two.
ratios = sorted(seconds(1, 2) / seconds(2, 1) for _ in range(5))
print("speedup", statistics.median(ratios))
print("spread", ratios[-2] / ratios[1])
