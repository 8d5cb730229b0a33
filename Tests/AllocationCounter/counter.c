#include "allocation_counter.h"

#include <errno.h>

static __thread uint64_t count;

uint64_t allocation_count(void) { return count; }

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_OTHER_HEAP
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_OTHER_HEAP)
// A program's own malloc takes the place of glibc's in every library that it loads (glibc manual, "Replacing malloc").
// Memory is glibc's still, so its free takes it back.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t elements, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    count += 1;
    return __libc_malloc(size);
}

void *calloc(size_t elements, size_t size) {
    count += 1;
    return __libc_calloc(elements, size);
}

void *realloc(void *block, size_t size) {
    count += 1;
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count += 1;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    void *found;
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    count += 1;
    found = __libc_memalign(alignment, size);
    if (found == NULL) return ENOMEM;
    *block = found;
    return 0;
}
#endif

// The Swift runtime's, as its reflection of instances asks it (stdlib/public/runtime, _swift_getSwiftClassInstanceExtents).
struct extents {
    size_t negative;
    size_t positive;
};
extern struct extents _swift_getSwiftClassInstanceExtents(const void *metadata);

size_t class_instance_size(const void *metadata) { return _swift_getSwiftClassInstanceExtents(metadata).positive; }
