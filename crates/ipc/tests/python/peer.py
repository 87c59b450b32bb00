"""CPython's end of the conversations in tests/python.rs: peer.py ROLE PLACE KEY ACT."""
import os
import pickle
import signal
import struct
import sys
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener


def echo(connection):
    while True:
        connection.send_bytes(connection.recv_bytes())


def objects(connection):
    """For each object: what it is here, and then the object itself in every protocol."""
    while True:
        value = connection.recv()
        connection.send(repr(value))
        for protocol in (2, 3, 4, 5):
            connection.send_bytes(pickle.dumps(value, protocol=protocol))


def shared(connection):
    """One list, several times, and one that holds itself."""
    inner = [1]
    outer = [inner, inner, (inner,)]
    inner.append(2)
    connection.send(outer)
    inner.append(outer)
    connection.send(outer)
    loop = ([],)
    loop[0].append(loop)
    connection.send(loop)
    connection.send("in step")


def small(connection):
    count = total = 0
    while True:
        message = connection.recv_bytes()
        if not message:
            break
        count += 1
        total += int(message)
    connection.send((count, total))
    for number in range(count):
        connection.send_bytes(b"%d" % number)


def long_form(connection):
    message = connection.recv_bytes()
    os.write(connection.fileno(), struct.pack("!iQ", -1, len(message)) + message)


def dies_sending(connection):
    os.write(connection.fileno(), struct.pack("!i", 1000) + b"0123456789")
    os.kill(os.getpid(), signal.SIGKILL)


def dies_receiving(connection):
    os.read(connection.fileno(), 100_000)
    os.kill(os.getpid(), signal.SIGKILL)


def cut(connection):
    try:
        connection.recv_bytes()
    except OSError as why:
        print(why, flush=True)


class Evil:
    def __reduce__(self):
        return (print, ("it was called",))


def evil(connection):
    for protocol in (2, 3, 4, 5):
        connection.send_bytes(pickle.dumps(Evil(), protocol=protocol))
    connection.send("in step")


role, place, key, act = sys.argv[1:]
place, key = eval(place), bytes.fromhex(key) or None
try:
    if role == "listener":
        with Listener(place, authkey=key) as listener:
            print(repr(listener.address), flush=True)
            connection = listener.accept()
    else:
        connection = Client(place, authkey=key)
    with connection:
        globals()[act](connection)
except EOFError:
    print("end", flush=True)
except AuthenticationError as why:
    print("refused", flush=True)
