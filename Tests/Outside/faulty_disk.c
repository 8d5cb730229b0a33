// Stands before the C library where the files of a store are written and synced, and does as the file at FAULT says: `unsynced` (EIO),
// `slow` (200 ms a sync) or `readonly` (EROFS).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int fault(int fd, const char *name) {
    char link[64], path[4096], word[32] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count < 0) return 0;
    path[count] = 0;
    if (!strstr(path, "/commits.db")) return 0;
    FILE *file = fopen(getenv("FAULT"), "r");
    if (!file) return 0;
    if (!fgets(word, sizeof word, file)) word[0] = 0;
    fclose(file);
    return strcmp(word, name) == 0;
}
static int sync_with(int fd, const char *name) {
    if (fault(fd, "unsynced")) { errno = EIO; return -1; }
    if (fault(fd, "slow")) usleep(200000);
    int (*real)(int) = dlsym(RTLD_NEXT, name);
    return real(fd);
}
int fsync(int fd) { return sync_with(fd, "fsync"); }
int fdatasync(int fd) { return sync_with(fd, "fdatasync"); }
ssize_t pwrite64(int fd, const void *octets, size_t count, off64_t offset) {
    if (fault(fd, "readonly")) { errno = EROFS; return -1; }
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    return real(fd, octets, count, offset);
}
ssize_t pwrite(int fd, const void *octets, size_t count, off_t offset) { return pwrite64(fd, octets, count, offset); }
