"""An echo server beside k CPU-bound threads. Prints requests/s, median and 99th percentile (microseconds) for each k.

The client is a process of its own, so that it never waits for this interpreter's lock; when the server goes, its
connection ends and so does the client.
"""
import os
import socket
import sys
import threading
import time


def serve(connection):
    while data := connection.recv(64):
        connection.send(data)
    connection.close()


def client(connection, seconds, report):
    """Asks again and again; reports each round trip in nanoseconds."""
    trips, end = [], time.perf_counter_ns() + int(seconds * 1e9)
    while (start := time.perf_counter_ns()) < end:
        connection.send(b"x" * 64)
        if not connection.recv(64):
            break
        trips.append(time.perf_counter_ns() - start)
        # Longer than an interval: the server has its lock back by then, and waits in `recv` for what comes next.
        time.sleep(0.007)
    os.write(report, " ".join(map(str, trips)).encode())


def connect():
    """Two ends of a connection through the loopback, nothing held back for company."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        there = socket.create_connection(listening.getsockname())
        here, _ = listening.accept()
    for end in (here, there):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return here, there


def measure(threads, seconds):
    here, there = connect()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        here.close()
        client(there, seconds, write)
        os._exit(0)
    there.close()
    os.close(write)
    stop = False

    def loop():
        x = 0
        while not stop:
            for i in range(1000):
                x = (x + i) & 0xFFFF

    busy = [threading.Thread(target=loop) for _ in range(threads)]
    server = threading.Thread(target=serve, args=(here,))
    for thread in busy + [server]:
        thread.start()
    text = b""
    while piece := os.read(read, 65536):
        text += piece
    os.waitpid(child, 0)
    stop = True
    for thread in busy + [server]:
        thread.join()
    os.close(read)
    trips = sorted(map(int, text.split()))
    at = lambda share: trips[int(share * (len(trips) - 1))] / 1e3
    # Without the pauses: what a client that never rests would get.
    return 1e9 * len(trips) / sum(trips), at(0.5), at(0.99)


for threads, seconds in ((0, 0.1), (1, 0.3), (2, 0.35)):
    rate, median, p99 = measure(threads, seconds)
    print(f"rate_{threads}", rate)
    print(f"median_{threads}", median)
    print(f"p99_{threads}", p99)
sys.setswitchinterval(0.0005)
print("short_1", measure(1, 0.12)[1])
