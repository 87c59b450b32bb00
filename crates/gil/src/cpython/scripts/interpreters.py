"""Two interpreters in one process, a lock each: the speed-up, and what it takes to start one. Nothing before 3.12."""
import statistics
import sys
import threading
import time

LOOP = """
x = 0
for i in range(150_000):
    x = (x + i) & 0xFFFF
"""

if sys.version_info >= (3, 14):
    from concurrent import interpreters

    create, execute, destroy = interpreters.create, lambda one, code: one.exec(code), lambda one: one.close()
elif sys.version_info >= (3, 13):
    import _interpreters

    create, execute, destroy = _interpreters.create, _interpreters.exec, _interpreters.destroy
elif sys.version_info >= (3, 12):
    import _xxsubinterpreters

    create, execute, destroy = _xxsubinterpreters.create, _xxsubinterpreters.run_string, _xxsubinterpreters.destroy
else:
    sys.exit(0)


def seconds(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def together():
    threads = [threading.Thread(target=execute, args=(one, LOOP)) for one in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def alone():
    for one in pair:
        execute(one, LOOP)


starts, pair = [], []
for _ in range(2):
    starts.append(seconds(lambda: pair.append(create())))
alone()
print("speedup", statistics.median(seconds(alone) / seconds(together) for _ in range(5)))
print("start", 1e3 * min(starts))
for one in pair:
    destroy(one)
