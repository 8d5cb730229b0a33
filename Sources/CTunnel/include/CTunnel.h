#ifndef CTUNNEL_H
#define CTUNNEL_H

#include <stdint.h>

/// Opens a TUN device, and creates it if there is none, to read and write IP packets without blocking.
///
/// \param network_namespace the path of the device's network namespace such as /run/netns/NAME, or NULL for the caller's.
/// \returns a descriptor, or -errno. The calling thread is back in its own namespace in either case.
int tunnel_open(const char *network_namespace, const char *device);

/// Waits until a descriptor can be read or a timeout is over (ppoll).
///
/// \param timeout nanoseconds; negative waits for ever.
/// \returns a set of bits: bit i if descriptors[i] can be read or has ended. Negative descriptors are ignored.
uint32_t tunnel_wait(const int *descriptors, int count, int64_t timeout);

#endif
