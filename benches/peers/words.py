"""The same word count in Python: a Counter a file, in a pool of processes.

Run: words.py WORKERS FILE_WITH_PATHS, prints: TOTAL DISTINCT SECONDS
"""

import multiprocessing
import re
import sys
import time
from collections import Counter

WORD = re.compile(rb"[a-z]+")


def count(paths):
    table = Counter()
    for path in paths:
        try:
            with open(path, "rb") as file:
                table.update(WORD.findall(file.read().lower()))
        except OSError:
            pass
    return table


if __name__ == "__main__":
    workers = int(sys.argv[1])
    with open(sys.argv[2]) as listed:
        paths = listed.read().split("\n")[:-1]
    start = time.perf_counter()
    chunks = [paths[at : at + 64] for at in range(0, len(paths), 64)]
    whole = Counter()
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for table in pool.imap_unordered(count, chunks):
            whole.update(table)
    print(sum(whole.values()), len(whole), time.perf_counter() - start)
