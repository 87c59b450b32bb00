# The ledger's experiments in CPython. Before it stand, in one line: URL, DOCUMENTS, WAITERS, CORES, ROUNDS, LOOP_S.
import json, mmap, multiprocessing, os, platform, queue, resource, statistics, subprocess, sys, threading, time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
fork = multiprocessing.get_context("fork")
found = {"version": f"{platform.python_implementation()} {platform.python_version()}", "cores": CORES, "waiters": WAITERS, "ceiling": 0.0}
found["gil"] = getattr(sys, "_is_gil_enabled", lambda: True)()


def timed(work):
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def in_turn(rounds, *variants):
    seconds = [[timed(variant) for variant in variants] for _ in range(rounds)]
    return list(zip(*seconds))


def gain(alone, other):
    return statistics.median(a / b for a, b in zip(alone, other))


def fetch(number):
    with urllib.request.urlopen(f"{URL}/doc/{number}") as reply:
        return len(reply.read())


def threads(workers, work, items):
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, items))


def processes(workers, work, items):
    with fork.Pool(workers) as pool:
        pool.map(work, items, chunksize=1)
        pool.close()
        pool.join()


def burn(steps):
    total = 0
    for i in range(steps):
        total += i * i
    return total


documents = range(DOCUMENTS)
alone, by_threads, by_processes = in_turn(
    min(ROUNDS, 3),
    lambda: [fetch(number) for number in documents],
    lambda: threads(WAITERS, fetch, documents),
    lambda: processes(WAITERS, fetch, documents),
)
found["waiting_threads"], found["waiting_processes"] = gain(alone, by_threads), gain(alone, by_processes)

steps = max(1000, int(100_000 * LOOP_S / timed(lambda: burn(100_000))))
items = [steps] * CORES


def busy(work):
    """How many cores it used at a time: processor seconds, its children's too, in a second."""
    before, began = os.times(), time.perf_counter()
    work()
    took, after = time.perf_counter() - began, os.times()
    return sum(after[:4]) / took - sum(before[:4]) / took


used = {"threads": [], "processes": []}
alone, by_threads, by_processes = in_turn(
    min(ROUNDS, 3),
    lambda: [burn(item) for item in items],
    lambda: used["threads"].append(busy(lambda: threads(CORES, burn, items))),
    lambda: used["processes"].append(busy(lambda: processes(CORES, burn, items))),
)
found["computing_threads"], found["computing_processes"] = gain(alone, by_threads), gain(alone, by_processes)
found["busy_threads"], found["busy_processes"] = (statistics.median(used[by]) for by in ("threads", "processes"))


def memory(pid):
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))


def stay(ready, go):
    ready.release()
    go.wait()


ready, go = threading.Semaphore(0), threading.Event()
four = [threading.Thread(target=stay, args=(ready, go)) for _ in range(4)]
[one.start() for one in four], [ready.acquire() for _ in four]
found["memory_threads"] = memory("self")
go.set(), [one.join() for one in four]
ready, go = fork.Semaphore(0), fork.Event()
four = [fork.Process(target=stay, args=(ready, go)) for _ in range(4)]
[one.start() for one in four], [ready.acquire() for _ in four]
found["memory_processes"] = memory("self") + sum(memory(one.pid) for one in four)
go.set(), [one.join() for one in four]


def echo(take, give):
    while (message := take()) is not None:
        give(message)


orders, answers = queue.SimpleQueue(), queue.SimpleQueue()
thread = threading.Thread(target=echo, args=(orders.get, answers.put))
thread.start()
ours, theirs = fork.Pipe()
process = fork.Process(target=echo, args=(theirs.recv, theirs.send))
process.start()


def by_thread(message):
    orders.put(message)
    return answers.get()


def by_process(message):
    ours.send(message)
    return ours.recv()


table = b"1" * (8 << 20)
word_t, word_p, table_t, table_p = in_turn(
    ROUNDS + 1,
    lambda: [by_thread(7) for _ in range(200)],
    lambda: [by_process(7) for _ in range(200)],
    lambda: by_thread(table),
    lambda: by_process(table),
)
orders.put(None), ours.send(None), thread.join(), process.join()
for name, samples, times in (("word_thread", word_t, 200), ("word_process", word_p, 200), ("table_thread", table_t, 1), ("table_process", table_p, 1)):
    found[name] = statistics.median(samples[1:]) / times

silent = []
for _ in range(ROUNDS):
    computing = threading.Thread(target=burn, args=(steps,))
    longest, last = 0.001, time.perf_counter()
    computing.start()
    while computing.is_alive():
        time.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    silent.append(longest)
found["silence_thread"] = statistics.median(silent)
found["silence_alone"] = statistics.median(timed(lambda: burn(steps)) for _ in range(ROUNDS))

EACH, number, lock, both = 100, 0, threading.Lock(), threading.Barrier(2)


def unlocked():
    global number
    for _ in range(EACH):
        read = number
        both.wait()
        number = read + 1
        both.wait()


def locked():
    global number
    for _ in range(EACH):
        with lock:
            number += 1


def together(*targets):
    running = [threading.Thread(target=target) for target in targets]
    [one.start() for one in running], [one.join() for one in running]


found["increments"] = 2 * EACH
together(unlocked, unlocked)
found["lost"], number = 2 * EACH - number, 0
together(locked, locked)
found["lost_locked"] = 2 * EACH - number

two, guard, inside, most = threading.Semaphore(2), threading.Lock(), 0, 0


def enter():
    global inside, most
    for _ in range(EACH):
        with two:
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0)
            with guard:
                inside -= 1


together(enter, enter, enter, enter)
found["inside"] = most

slot, changed, came = [], threading.Condition(), []


def put():
    for item in range(EACH):
        with changed:
            changed.wait_for(lambda: not slot)
            slot.append(item)
            changed.notify()


def take():
    for _ in range(EACH):
        with changed:
            changed.wait_for(lambda: slot)
            came.append(slot.pop())
            changed.notify()


together(put, take)
found["in_order"] = came == list(range(EACH))

locks, refused = [threading.Lock(), threading.Lock()], []


def ask(mine):
    with locks[mine]:
        both.wait()
        refused.append(not locks[1 - mine].acquire(blocking=False))
        both.wait()


together(lambda: ask(0), lambda: ask(1))
found["stuck"] = refused == [True, True]

crash = "import os, resource, threading; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
crash += "one = threading.Thread(target=os.abort); one.start(); one.join()"
found["survives_thread"] = subprocess.run([sys.executable, "-I", "-c", crash], stderr=subprocess.DEVNULL).returncode == 0
child = fork.Process(target=os.abort)
child.start(), child.join()
found["survives_process"] = child.exitcode == -6

seen, page = [0], mmap.mmap(-1, 1)


def write():
    seen[0], page[0] = 1, 1


child = fork.Process(target=write)
child.start(), child.join()
found["seen_process"], found["seen_shared"] = seen[0] == 1, page[0] == 1
together(write)
found["seen_thread"] = seen[0] == 1
print(json.dumps(found))
