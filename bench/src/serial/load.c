// The load of the serial rows: both ends of pseudo-terminal pairs in one small program, so that what is
// measured is the relay between them and not whoever measures. Commands come in on standard input, one a
// line; each is answered by one line of JSON. Whatever is lost, altered or late by seconds ends the program.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000
#define MOMENT_MS 20
#define CHUNK 65536
#define LONGEST_COMMAND 120

struct end { int master, slave; char path[64]; };
struct pair { struct end near, far; };

static struct pair *pairs;
static int pair_count;

static void fail(const char *what) {
  fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
  exit(1);
}

static void lost(const char *what) {
  errno = 0;
  fail(what);
}

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void sleep_us(double us) {
  if (us <= 0) return;
  struct timespec t = {.tv_sec = us / 1e6, .tv_nsec = (long)(us * 1e3) % 1000000000};
  nanosleep(&t, NULL);
}

// The slave is kept open as well: whoever is measured may let go of it without a hang-up.
static struct end open_end(void) {
  struct end e;
  e.master = posix_openpt(O_RDWR | O_NOCTTY);
  if (e.master < 0 || grantpt(e.master) || unlockpt(e.master)) fail("no pseudo-terminal");
  if (ptsname_r(e.master, e.path, sizeof e.path)) fail("ptsname");
  e.slave = open(e.path, O_RDWR | O_NOCTTY);
  if (e.slave < 0) fail(e.path);
  struct termios raw;
  if (tcgetattr(e.slave, &raw)) fail("tcgetattr");
  cfmakeraw(&raw);
  if (tcsetattr(e.slave, TCSANOW, &raw)) fail("tcsetattr");
  return e;
}

static void wait_for(int fd, short events) {
  struct pollfd p = {.fd = fd, .events = events};
  int seen = poll(&p, 1, PATIENCE_MS);
  if (seen < 0) fail("poll");
  if (seen == 0) lost("nothing came within 20 seconds");
}

/** Whether bytes wait to be read, after a moment at most: who sends may have ended just now, with nothing more to come. */
static int something_waits(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  int seen = poll(&p, 1, MOMENT_MS);
  if (seen < 0) fail("poll");
  return seen;
}

static void write_all(int fd, const uint8_t *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t n = write(fd, bytes + done, length - done);
    if (n > 0) done += n;
    else if (n < 0 && errno == EAGAIN) wait_for(fd, POLLOUT);
    else if (errno != EINTR) fail("write");
  }
}

static void read_until(int fd, const char *text) {
  static char seen[CHUNK];
  size_t used = 0;
  struct pollfd p = {.fd = fd, .events = POLLIN};
  size_t length = strlen(text);
  for (;;) {
    if (poll(&p, 1, PATIENCE_MS) == 0) {
      fprintf(stderr, "load: never said \"%s\" but \"%.*s\"\n", text, (int)used, seen);
      exit(1);
    }
    if (used == sizeof seen) lost("too much was said");
    ssize_t n = read(fd, seen + used, sizeof seen - used);
    if (n <= 0) fail("read");
    used += n;
    if (memmem(seen, used, text, length)) return;
  }
}

static void set_blocking(int fd, int blocking) {
  int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/** Passes the gate: wakes it, types the line, waits until the session is open. */
static void log_in(struct pair *pair, const char *credential) {
  int fd = pair->near.master;
  write_all(fd, (const uint8_t *)"\r", 1);
  read_until(fd, "\n> ");
  write_all(fd, (const uint8_t *)credential, strlen(credential));
  double begun = now_us();
  write_all(fd, (const uint8_t *)"\r", 1);
  read_until(fd, "is being recorded.\r\n");
  printf("{\"ms\":%.3f}\n", (now_us() - begun) / 1e3);
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void pass_byte(int from, int to, uint8_t byte) {
  uint8_t got;
  if (write(from, &byte, 1) != 1) fail("write");
  if (read(to, &got, 1) != 1) fail("read");
  if (got != byte) lost("a byte was altered");
}

/** One byte there and back, again and again; between two trips `gap` microseconds of rest. */
static void trips(int there[2], int back[2], double ms, double gap) {
  static double taken[1 << 20];
  size_t count = 0;
  double until = now_us() + ms * 1e3;
  do {
    double begun = now_us();
    pass_byte(there[0], there[1], count);
    pass_byte(back[0], back[1], ~count);
    taken[count++] = now_us() - begun;
    sleep_us(gap);
  } while (now_us() < until && count < sizeof taken / sizeof *taken);
  qsort(taken, count, sizeof *taken, by_size);
  printf("{\"trips\":%zu,\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f}\n", count, taken[count / 2],
         taken[count * 99 / 100], taken[count * 999 / 1000]);
}

struct push { int fd; double until_us; uint64_t sent; int done; };

static uint8_t pattern_at(uint64_t at, int seed) { return (at * 131 + (at >> 8) + seed) & 0xff; }

static void *push_bytes(void *argument) {
  struct push *push = argument;
  static uint8_t bytes[CHUNK];
  do {
    for (int i = 0; i < 4096; i++) bytes[i] = pattern_at(push->sent + i, 0);
    write_all(push->fd, bytes, 4096);
    __atomic_add_fetch(&push->sent, 4096, __ATOMIC_SEQ_CST);
  } while (now_us() < push->until_us);
  __atomic_store_n(&push->done, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

/** As many bytes as go through one way, from the first written to the last arrived. */
static void bulk(int from, int to, double ms) {
  static uint8_t bytes[CHUNK];
  double begun = now_us();
  struct push push = {.fd = from, .until_us = begun + ms * 1e3};
  pthread_t writer;
  if (pthread_create(&writer, NULL, push_bytes, &push)) fail("pthread_create");
  uint64_t got = 0;
  double came = begun;
  while (!__atomic_load_n(&push.done, __ATOMIC_SEQ_CST) || got < push.sent) {
    if (!something_waits(to)) {
      if (now_us() - came > PATIENCE_MS * 1e3) lost("nothing came within 20 seconds");
      continue;
    }
    came = now_us();
    ssize_t n = read(to, bytes, sizeof bytes);
    if (n <= 0) fail("read");
    for (ssize_t i = 0; i < n; i++)
      if (bytes[i] != pattern_at(got + i, 0)) lost("a byte of many was altered");
    got += n;
  }
  double taken = now_us() - begun;
  pthread_join(writer, NULL);
  printf("{\"bytes\":%lu,\"mb_per_s\":%.3f}\n", (unsigned long)got, got / taken);
}

struct way { int from, to, seed; uint64_t sent, got; };

static void send_due(struct way *way, uint64_t due) {
  uint8_t bytes[CHUNK];
  while (way->sent < due) {
    size_t length = due - way->sent < sizeof bytes ? due - way->sent : sizeof bytes;
    for (size_t i = 0; i < length; i++) bytes[i] = pattern_at(way->sent + i, way->seed);
    ssize_t n = write(way->from, bytes, length);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) fail("write");
    way->sent += n;
  }
}

static void take_all(struct way *way) {
  uint8_t bytes[CHUNK];
  for (;;) {
    ssize_t n = read(way->to, bytes, sizeof bytes);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) fail("read");
    for (ssize_t i = 0; i < n; i++)
      if (bytes[i] != pattern_at(way->got + i, way->seed)) lost("a byte of a flow was altered");
    way->got += n;
  }
}

/** All pairs, both ways at once, at `rate` bytes per second each way, handed over every `tick` microseconds. */
static void flow(double rate, double tick, double ms) {
  int count = pair_count * 2;
  struct way ways[count];
  for (int i = 0; i < pair_count; i++) {
    ways[2 * i] = (struct way){.from = pairs[i].near.master, .to = pairs[i].far.master, .seed = i};
    ways[2 * i + 1] = (struct way){.from = pairs[i].far.master, .to = pairs[i].near.master, .seed = ~i};
    set_blocking(pairs[i].near.master, 0);
    set_blocking(pairs[i].far.master, 0);
  }
  double begun = now_us();
  double next = begun;
  uint64_t bytes = 0;
  while (now_us() < begun + ms * 1e3) {
    uint64_t due = (now_us() - begun) / 1e6 * rate;
    for (int i = 0; i < count; i++) send_due(&ways[i], due);
    for (int i = 0; i < count; i++) take_all(&ways[i]);
    next += tick;
    sleep_us(next - now_us());
  }
  double seconds = (now_us() - begun) / 1e6;
  for (int i = 0; i < count; i++) {
    while (ways[i].got < ways[i].sent) {
      wait_for(ways[i].to, POLLIN);
      take_all(&ways[i]);
    }
    bytes += ways[i].got;
  }
  for (int i = 0; i < pair_count; i++) {
    set_blocking(pairs[i].near.master, 1);
    set_blocking(pairs[i].far.master, 1);
  }
  printf("{\"bytes\":%lu,\"seconds\":%.3f}\n", (unsigned long)bytes, seconds);
}

static void obey(char *line) {
  char word[16], way[8];
  int at = 0, used = 0;
  double ms = 0, gap = 0, rate = 0;
  if (sscanf(line, "%15s %d%n", word, &at, &used) < 2 || at < 0 || at >= pair_count) lost("no such command");
  struct pair *pair = &pairs[at];
  int near = pair->near.master, far = pair->far.master;
  if (!strcmp(word, "login")) return log_in(pair, line + used + 1);
  if (!strcmp(word, "trips") && sscanf(line + used, "%lf %lf", &ms, &gap) == 2)
    return trips((int[]){near, far}, (int[]){far, near}, ms, gap);
  if (!strcmp(word, "bare") && sscanf(line + used, "%lf %lf", &ms, &gap) == 2)
    return trips((int[]){near, pair->near.slave}, (int[]){pair->near.slave, near}, ms, gap);
  if (!strcmp(word, "bulk") && sscanf(line + used, "%7s %lf", way, &ms) == 2)
    return !strcmp(way, "bare")  ? bulk(near, pair->near.slave, ms)
           : !strcmp(way, "in") ? bulk(near, far, ms)
                                : bulk(far, near, ms);
  if (!strcmp(word, "flow") && sscanf(line + used, "%lf %lf %lf", &rate, &gap, &ms) == 3)
    return flow(rate, gap, ms);
  lost("no such command");
}

int main(int argc, char **argv) {
  pair_count = argc == 2 ? atoi(argv[1]) : 0;
  if (pair_count < 1) lost("usage: load PAIRS");
  pairs = calloc(pair_count, sizeof *pairs);
  printf("[");
  for (int i = 0; i < pair_count; i++) {
    pairs[i] = (struct pair){.near = open_end(), .far = open_end()};
    printf("%s[\"%s\",\"%s\"]", i ? "," : "", pairs[i].near.path, pairs[i].far.path);
  }
  printf("]\n");
  fflush(stdout);
  char line[1024];
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    errno = 0;
    // Who waits for a byte that never comes is ended by the alarm.
    alarm(LONGEST_COMMAND);
    obey(line);
    alarm(0);
    fflush(stdout);
  }
  return 0;
}
