"""CPython between two processes: WAY (pipe, queue) MODE (trip, way) SIZE BURST CORE.

For each number on standard input it does so many round trips, or bursts one way, and prints seconds.
"""

import ctypes
import multiprocessing as mp
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1


def pipes():
    """Two ends, each as (send, receive)."""
    here, there = mp.Pipe()
    return (here.send_bytes, here.recv_bytes), (there.send_bytes, there.recv_bytes)


def queues():
    there, back = mp.Queue(), mp.Queue()
    return (there.put, back.get), (back.put, there.get)


def answer(end, core, burst, message, parent):
    # A fork has both ends of everything, so it would never see an end: it goes with its parent.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    os.sched_setaffinity(0, {core})
    send, receive = end
    while True:
        for _ in range(burst):
            receive()
        send(message)


def main():
    way, mode = sys.argv[1:3]
    size, burst, core = map(int, sys.argv[3:])
    message = bytes([7]) * size
    here, there = pipes() if way == "pipe" else queues()
    back = message if mode == "trip" else b"1"
    other = mp.Process(target=answer, args=(there, core, burst, back, os.getpid()), daemon=True)
    other.start()
    send, receive = here
    for line in sys.stdin:
        times = int(line)
        start = time.perf_counter()
        for _ in range(times):
            for _ in range(burst):
                send(message)
            receive()
        print(time.perf_counter() - start, flush=True)
    other.terminate()


if __name__ == "__main__":
    mp.set_start_method("fork")
    main()
