"""CPython's multiprocessing.Manager: how long N calls take, one client, after a start that is not counted.

Prints what the counter is in the end, then seconds for N reads of a dict, then seconds for N adds to a value.
"""

import multiprocessing as mp
import sys
import time


def timed(calls, call):
    for _ in range(100):
        call()
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return time.perf_counter() - start


def main():
    calls = int(sys.argv[1])
    with mp.Manager() as manager:
        values = manager.dict({"key": 7})
        number = manager.Value("q", 0)
        reads = timed(calls, lambda: values["key"])

        def add():
            # Two calls: Python has no call that adds. So each of them counts as half of it.
            number.value += 1

        adds = timed(calls // 2, add)
        print(number.value, reads, adds)


if __name__ == "__main__":
    main()
