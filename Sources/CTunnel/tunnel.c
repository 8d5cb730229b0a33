#define _GNU_SOURCE
#include "CTunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static int open_here(const char *device) {
  int tunnel = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tunnel < 0) return -errno;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  if (ioctl(tunnel, TUNSETIFF, &request) < 0) {
    int error = errno;
    close(tunnel);
    return -error;
  }
  return tunnel;
}

int tunnel_open(const char *network_namespace, const char *device) {
  if (!network_namespace) return open_here(device);
  int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (own < 0) return -errno;
  int other = open(network_namespace, O_RDONLY | O_CLOEXEC);
  int tunnel = other < 0 ? -errno : 0;
  if (!tunnel && setns(other, CLONE_NEWNET) < 0) tunnel = -errno;
  if (!tunnel) {
    tunnel = open_here(device);
    if (setns(own, CLONE_NEWNET) < 0 && tunnel >= 0) {
      int error = errno;
      close(tunnel);
      tunnel = -error;
    }
  }
  if (other >= 0) close(other);
  close(own);
  return tunnel;
}

uint32_t tunnel_wait(const int *descriptors, int count, int64_t timeout) {
  struct pollfd polled[32];
  if (count > 32) count = 32;
  for (int i = 0; i < count; i++) polled[i] = (struct pollfd){.fd = descriptors[i], .events = POLLIN};
  struct timespec time = {.tv_sec = timeout / 1000000000, .tv_nsec = timeout % 1000000000};
  if (ppoll(polled, (nfds_t)count, timeout < 0 ? NULL : &time, NULL) <= 0) return 0;
  uint32_t ready = 0;
  for (int i = 0; i < count; i++)
    if (polled[i].revents) ready |= UINT32_C(1) << i;
  return ready;
}
