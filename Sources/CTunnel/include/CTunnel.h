#ifndef CTUNNEL_H
#define CTUNNEL_H

#include <stdint.h>

/// Opens a TUN device, which must exist or is made, for reading and writing IP packets without blocking.
///
/// \param network_namespace its path such as /run/netns/NAME, or NULL for the caller's.
/// \returns a descriptor, or -errno. The calling thread is in its own namespace again.
int tunnel_open(const char *network_namespace, const char *device);

/// Waits until one of some descriptors can be read, or a time is over, with the kernel's finest timers.
///
/// \param timeout nanoseconds; negative waits for ever.
/// \returns a bit for each descriptor that can be read or has ended; negative ones are left out.
uint32_t tunnel_wait(const int *descriptors, int count, int64_t timeout);

#endif
