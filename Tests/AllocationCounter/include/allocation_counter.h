#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stddef.h>
#include <stdint.h>

/// Blocks of memory that the calling thread has asked the C library for since it began, those that were resized among
/// them. Counted in every program that this target is linked into; 0 where it is built with a sanitizer, which has a heap
/// of its own.
uint64_t allocation_count(void);

/// Octets of an instance of a Swift class, its header among them. `metadata` is the class, as the runtime knows it.
size_t class_instance_size(const void *metadata);

#endif
