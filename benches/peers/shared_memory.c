/* Two processes and shared memory, with nothing in between: what a ring cannot be faster than.

   futex CORE TRIPS LIMIT   64 bytes there and back, both processes on one core, asleep on a futex; with LIMIT each wait ends
                            after so many milliseconds, as it must where a death is to be noticed (0: it does not)
   stream CORE CORE COUNT   COUNT times 1 MiB, copied in by the process on one core, copied out by that on the other

   Prints seconds. */

#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __x86_64__
#define RELAX() __builtin_ia32_pause()
#else
#define RELAX() ((void)0)
#endif

enum { MIB = 1 << 20, SLOTS = 4 };

/* Lines of their own. */
struct word { _Alignas(128) _Atomic unsigned value; char bytes[64]; };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void pin(int core) {
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(core, &own);
    sched_setaffinity(0, sizeof own, &own);
}

static void *shared(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memset(memory, 0, bytes); /* touched */
}

/* 0 in the child, which does not outlive its parent. */
static pid_t split(void) {
    pid_t parent = getpid(), child = fork();
    if (child < 0) {
        perror("fork");
        exit(1);
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(1);
    }
    return child;
}

static void say(struct word *word, unsigned value) {
    atomic_store_explicit(&word->value, value, memory_order_release);
    syscall(SYS_futex, &word->value, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void hear(struct word *word, unsigned last, const struct timespec *limit) {
    while (atomic_load_explicit(&word->value, memory_order_acquire) == last)
        syscall(SYS_futex, &word->value, FUTEX_WAIT, last, limit, NULL, 0);
}

static double round_trips(int core, unsigned trips, long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000}, *limit = milliseconds ? &time : NULL;
    struct word *there = shared(2 * sizeof *there), *back = there + 1;
    pin(core);
    unsigned all = trips + trips / 10;
    pid_t child = split();
    if (child == 0) {
        for (unsigned trip = 0; trip < all; trip++) {
            hear(there, trip, limit);
            memcpy(back->bytes, there->bytes, sizeof back->bytes);
            say(back, trip + 1);
        }
        _exit(0);
    }
    double start = 0;
    for (unsigned trip = 0; trip < all; trip++) {
        if (trip == trips / 10) start = now();
        memset(there->bytes, trip, sizeof there->bytes);
        say(there, trip + 1);
        hear(back, trip, limit);
    }
    double took = now() - start;
    waitpid(child, NULL, 0);
    return took;
}

static void wait_while(struct word *word, unsigned value) {
    while (atomic_load_explicit(&word->value, memory_order_acquire) == value)
        RELAX();
}

static double stream(int from_core, int to_core, unsigned count) {
    struct word *full = shared(SLOTS * sizeof *full);
    char *slots = shared(SLOTS * MIB), *own = malloc(MIB);
    memset(own, 1, MIB);
    unsigned warm = SLOTS, all = count + warm;
    pid_t child = split();
    pin(child == 0 ? from_core : to_core);
    double start = 0;
    for (unsigned turn = 0; turn < all; turn++) {
        unsigned slot = turn % SLOTS;
        if (child != 0 && turn == warm) start = now();
        wait_while(&full[slot], child != 0 ? 0 : 1);
        if (child != 0) memcpy(own, slots + slot * MIB, MIB);
        else memcpy(slots + slot * MIB, own, MIB);
        atomic_store_explicit(&full[slot].value, child != 0 ? 0 : 1, memory_order_release);
    }
    if (child == 0) _exit(0);
    double took = now() - start;
    waitpid(child, NULL, 0);
    return took;
}

int main(int count, char **words) {
    if (count == 5 && strcmp(words[1], "futex") == 0)
        printf("%.9f\n", round_trips(atoi(words[2]), atoi(words[3]), atol(words[4])));
    else if (count == 5 && strcmp(words[1], "stream") == 0)
        printf("%.9f\n", stream(atoi(words[2]), atoi(words[3]), atoi(words[4])));
    else
        return 2;
    return 0;
}
