/* Preloaded into a process, this stands between it and the calls that change files below a folder: it lets the n-th one fail,
   or writes all of them down, in order, with what they wrote. `faults.py` beside it drives it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, NAME = 4 };       /* kinds of calls that may fail */
enum { ONCE = 0, FROM_NOW_ON = 1, TORN = 2 }; /* how: the n-th alone; it and all later; it writes half, all later fail */

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int kinds, how, code;
static long nth, seen;
static int record = -1;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static void watch(const char *folder) {
    root_length = strlen(folder);
    memcpy(root, folder, root_length + 1);
}

/* From now on the n-th call of these kinds below `folder` fails with `error`; kinds = 0 heals. */
void fault_arm(const char *folder, int which, long n, int manner, int error) {
    pthread_mutex_lock(&guard);
    watch(folder);
    kinds = which, nth = n, how = manner, code = error, seen = 0;
    pthread_mutex_unlock(&guard);
}

/* How many such calls there were. */
long fault_seen(void) { return seen; }

/* From now on every change below `folder` is appended to the file `to`, which lies elsewhere. */
void fault_record(const char *folder, const char *to) {
    int opened = REAL(open)(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pthread_mutex_lock(&guard);
    watch(folder);
    record = opened;
    pthread_mutex_unlock(&guard);
}

static int below(const char *path) { return root_length && !strncmp(path, root, root_length); }

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return length > 0 && below(path);
}

static const char *absolute(int folder, const char *path, char *full) {
    if (path[0] == '/') return path;
    char base[PATH_MAX] = "";
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return path;
    } else {
        path_of(folder, base);
    }
    if ((size_t)snprintf(full, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return path;
    return full;
}

/* One record: the act, the lengths of two texts, a number, then the texts: a path, and a second path or the bytes. */
static void note(char act, const char *path, int64_t number, const void *more, uint32_t length) {
    if (record < 0) return;
    struct { char act, pad[3]; uint32_t path, more; int64_t number; } __attribute__((packed)) head = {act, {0}, strlen(path), length, number};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, head.path}, {(void *)more, length}};
    pthread_mutex_lock(&guard);
    if (writev(record, parts, 3) < 0) abort();
    pthread_mutex_unlock(&guard);
}

/* Something that is no change of a file, such as an answer that was given, in its place in the record. */
void fault_mark(const char *text) { note('!', text, 0, "", 0); }

/* 0: go on; 1: fail with errno; 2: write half. */
static int strikes(int kind) {
    int fate = 0;
    pthread_mutex_lock(&guard);
    if (kinds & kind) {
        seen++;
        if (seen == nth) fate = how == TORN ? 2 : 1;
        if (seen > nth && how != ONCE) fate = 1;
    }
    pthread_mutex_unlock(&guard);
    if (fate == 1) errno = code;
    return fate;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    char path[PATH_MAX];
    if (!root_length || !path_of(fd, path)) return REAL(write)(fd, bytes, count);
    int fate = strikes(WRITE);
    if (fate == 1) return -1;
    ssize_t written = REAL(write)(fd, bytes, fate == 2 ? (count + 1) / 2 : count);
    if (written > 0) note('w', path, lseek(fd, 0, SEEK_CUR) - written, bytes, written);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    char path[PATH_MAX];
    if (!root_length || !path_of(fd, path)) return REAL(pwrite64)(fd, bytes, count, offset);
    int fate = strikes(WRITE);
    if (fate == 1) return -1;
    ssize_t written = REAL(pwrite64)(fd, bytes, fate == 2 ? (count + 1) / 2 : count, offset);
    if (written > 0) note('w', path, offset, bytes, written);
    return written;
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return pwrite64(fd, bytes, count, offset); }

static int synced(int fd, const char *name) {
    char path[PATH_MAX];
    if (root_length && path_of(fd, path)) {
        if (strikes(SYNC)) {
            int error = errno;
            note('x', path, 0, "", 0);
            errno = error;
            return -1;
        }
        note('s', path, 0, "", 0);
    }
    return ((int (*)(int))real(name))(fd);
}
int fsync(int fd) { return synced(fd, "fsync"); }
int fdatasync(int fd) { return synced(fd, "fdatasync"); }

int ftruncate64(int fd, off64_t length) {
    char path[PATH_MAX];
    if (!root_length || !path_of(fd, path)) return REAL(ftruncate64)(fd, length);
    if (strikes(WRITE)) return -1;
    note('t', path, length, "", 0);
    return REAL(ftruncate64)(fd, length);
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int named(char act, int from_folder, const char *from, int to_folder, const char *to) {
    char full[PATH_MAX], other[PATH_MAX];
    from = absolute(from_folder, from, full), to = absolute(to_folder, to, other);
    int watched = below(to) || below(from);
    if (watched && strikes(NAME)) return -1;
    int done = act == 'r' ? REAL(renameat)(AT_FDCWD, from, AT_FDCWD, to) : REAL(linkat)(AT_FDCWD, from, AT_FDCWD, to, 0);
    if (watched && !done) note(act, from, 0, to, strlen(to));
    return done;
}
int rename(const char *from, const char *to) { return named('r', AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int a, const char *from, int b, const char *to) { return named('r', a, from, b, to); }
int link(const char *from, const char *to) { return named('l', AT_FDCWD, from, AT_FDCWD, to); }

int unlink(const char *path) {
    char full[PATH_MAX];
    const char *where = absolute(AT_FDCWD, path, full);
    int done = REAL(unlink)(path);
    if (!done && below(where)) note('u', where, 0, "", 0);
    return done;
}

int mkdir(const char *path, mode_t mode) {
    char full[PATH_MAX];
    const char *where = absolute(AT_FDCWD, path, full);
    int done = REAL(mkdir)(path, mode);
    if (!done && below(where)) note('d', where, 0, "", 0);
    return done;
}

static int opened(const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    const char *where = absolute(AT_FDCWD, path, full);
    int fresh = (flags & O_CREAT) && below(where) && REAL(access)(path, F_OK);
    int fd = REAL(open64)(path, flags, mode);
    if (fd >= 0 && fresh) note('c', where, 0, "", 0);
    if (fd >= 0 && !fresh && (flags & O_TRUNC) && below(where)) note('t', where, 0, "", 0);
    return fd;
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opened(path, flags, mode);
}
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
