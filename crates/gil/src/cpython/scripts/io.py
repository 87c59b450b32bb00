"""One thread against two, both waiting in a blocking call, which lets the lock go. Prints the speed-up."""
import threading
import time


def seconds(threads, waits):
    def body():
        for _ in range(waits):
            time.sleep(0.01)

    start = time.perf_counter()
    all_threads = [threading.Thread(target=body) for _ in range(threads)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    return time.perf_counter() - start


print("speedup", seconds(1, 8) / seconds(2, 4))
