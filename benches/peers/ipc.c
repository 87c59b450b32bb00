// Messages between two processes, the barest loop there is: WAY MODE SIZE BURST CORE.
// For each number on standard input it does so many round trips (MODE trip) or bursts one way (way) and prints seconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int whole; // a read is a message
static char *room;
static size_t size;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void out(int fd, const char *message, size_t length) {
    while (length > 0) {
        ssize_t count = whole ? send(fd, message, length, MSG_NOSIGNAL) : write(fd, message, length);
        if (count < 0) die("write");
        message += count;
        length -= count;
    }
}

static void in(int fd, size_t length) {
    size_t done = 0;
    while (done < length) {
        ssize_t count = whole ? recv(fd, room, size, 0) : read(fd, room + done, length - done);
        if (count < 0) die("read");
        if (count == 0) exit(0);
        done += count;
    }
}

static void pair(const char *way, int here[2], int there[2]) {
    int ends[2];
    if (!strcmp(way, "pipe")) {
        int to[2], from[2];
        if (pipe(to) || pipe(from)) die("pipe");
        here[0] = from[0], here[1] = to[1], there[0] = to[0], there[1] = from[1];
        return;
    }
    if (!strcmp(way, "tcp")) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof address;
        int yes = 1, door = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(door, (void *)&address, length) || listen(door, 1) || getsockname(door, (void *)&address, &length))
            die("listen");
        ends[0] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(ends[0], (void *)&address, length)) die("connect");
        ends[1] = accept(door, NULL, NULL);
        for (int end = 0; end < 2; end++)
            if (setsockopt(ends[end], IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes)) die("TCP_NODELAY");
        close(door);
    } else {
        whole = !strcmp(way, "seqpacket");
        if (socketpair(AF_UNIX, whole ? SOCK_SEQPACKET : SOCK_STREAM, 0, ends)) die("socketpair");
    }
    here[0] = here[1] = ends[0], there[0] = there[1] = ends[1];
}

int main(int count, char **words) {
    if (count != 6) return 2;
    int trip = !strcmp(words[2], "trip");
    size = atol(words[3]);
    long burst = atol(words[4]);
    room = calloc(size, 1);
    char *message = calloc(size, 1);
    memset(room, 1, size);
    memset(message, 7, size);
    int here[2], there[2];
    pair(words[1], here, there);
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) die("fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) return 1;
        cpu_set_t core;
        CPU_ZERO(&core);
        CPU_SET(atoi(words[5]), &core);
        sched_setaffinity(0, sizeof core, &core);
        close(here[0]);
        if (here[1] != here[0]) close(here[1]);
        for (;;) {
            for (long each = 0; each < burst; each++) in(there[0], size);
            out(there[1], message, trip ? size : 1);
        }
    }
    close(there[0]);
    if (there[1] != there[0]) close(there[1]);
    long times;
    while (scanf("%ld", &times) == 1) {
        struct timespec began, ended;
        clock_gettime(CLOCK_MONOTONIC, &began);
        for (long time = 0; time < times; time++) {
            for (long each = 0; each < burst; each++) out(here[1], message, size);
            in(here[0], trip ? size : 1);
        }
        clock_gettime(CLOCK_MONOTONIC, &ended);
        printf("%.9f\n", (ended.tv_sec - began.tv_sec) + (ended.tv_nsec - began.tv_nsec) * 1e-9);
        fflush(stdout);
    }
    return 0;
}
