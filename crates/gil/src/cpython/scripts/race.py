"""What four threads lose when they add to one variable: the share lost by `x += 1` and by `x = x + f()`."""
import sys
import threading

# So many updates and so short an interval that every round sees hundreds of switches.
sys.setswitchinterval(50e-6)
x, n = 0, 200_000


def f():
    return 1


def plain():
    global x
    for _ in range(n):
        x += 1


def call():
    global x
    for _ in range(n):
        x = x + f()


def lost(body, threads=4):
    global x
    x = 0
    all_threads = [threading.Thread(target=body) for _ in range(threads)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    return 1 - x / (threads * n)


# The middle one of several rounds: a single one may lose nothing, or nearly all.
for name, body in (("plain", plain), ("call", call)):
    print(name, sorted(lost(body) for _ in range(5))[2])
