#define _GNU_SOURCE
#include "CDatagrams.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#ifndef SO_ATTACH_REUSEPORT_CBPF
#define SO_ATTACH_REUSEPORT_CBPF 51
#endif

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static socklen_t address_length(const datagram_address *address) {
  return address->any.sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static void set_int(int descriptor, int level, int name, int value) {
  (void)setsockopt(descriptor, level, name, &value, sizeof value);
}

// With CAP_NET_ADMIN the limit of net.core.rmem_max does not apply.
static void set_buffer(int descriptor, int forced, int plain, int size) {
  if (size > 0 && setsockopt(descriptor, SOL_SOCKET, forced, &size, sizeof size) != 0) {
    set_int(descriptor, SOL_SOCKET, plain, size);
  }
}

int datagram_socket_open(const datagram_address *address, const datagram_socket_wishes *wishes,
                         datagram_socket_facts *facts) {
  bool v6 = address->any.sa_family == AF_INET6;
  int descriptor = socket(address->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    return -errno;
  }
  if (wishes->shares_port) {
    set_int(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
  }
  if (v6) {
    set_int(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    set_int(descriptor, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    set_int(descriptor, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    if (wishes->wants_packet_info) {
      set_int(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    }
  }
  // These count for the IPv4 side of a dual-stack socket, too.
  set_int(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  set_int(descriptor, IPPROTO_IP, IP_RECVTOS, 1);
  if (wishes->wants_packet_info && !v6) {
    set_int(descriptor, IPPROTO_IP, IP_PKTINFO, 1);
  }
  set_buffer(descriptor, SO_RCVBUFFORCE, SO_RCVBUF, wishes->receive_buffer);
  set_buffer(descriptor, SO_SNDBUFFORCE, SO_SNDBUF, wishes->send_buffer);

  if (bind(descriptor, &address->any, address_length(address)) != 0) {
    int error = errno;
    close(descriptor);
    return -error;
  }
  memset(facts, 0, sizeof *facts);
  socklen_t length = sizeof facts->address;
  if (getsockname(descriptor, &facts->address.any, &length) != 0) {
    int error = errno;
    close(descriptor);
    return -error;
  }
  int granted = 0;
  length = sizeof granted;
  if (getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &granted, &length) == 0) {
    facts->receive_buffer = granted / 2;  // The kernel doubles what it is asked for.
  }
  return descriptor;
}

uint32_t datagram_socket_drops(int descriptor) {
  uint32_t facts[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof facts;
  return getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, facts, &length) == 0 ? facts[SK_MEMINFO_DROPS] : 0;
}

typedef union {
  struct cmsghdr alignment;
  uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
} control_space;

static void add_control(struct msghdr *header, size_t *used, int level, int type, const void *value, size_t size) {
  struct cmsghdr *control = (struct cmsghdr *)((uint8_t *)header->msg_control + *used);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(control), value, size);
  *used += CMSG_SPACE(size);
}

static void describe(struct msghdr *header, struct iovec *vector, control_space *space,
                     const datagram_message *message) {
  memset(header, 0, sizeof *header);
  vector->iov_base = (void *)message->bytes;
  vector->iov_len = message->count;
  header->msg_iov = vector;
  header->msg_iovlen = 1;
  header->msg_name = (void *)&message->destination;
  header->msg_namelen = address_length(&message->destination);
  header->msg_control = space->bytes;
  bool v6 = message->destination.any.sa_family == AF_INET6;
  size_t used = 0;
  memset(space, 0, sizeof *space);
  if (message->has_source) {
    if (v6) {
      struct in6_pktinfo info = {.ipi6_addr = message->source.v6.sin6_addr};
      if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
        info.ipi6_ifindex = message->destination.v6.sin6_scope_id;
      }
      add_control(header, &used, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    } else {
      struct in_pktinfo info = {.ipi_spec_dst = message->source.v4.sin_addr};
      add_control(header, &used, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
  }
  if (message->ecn != 0) {
    int ecn = message->ecn;
    if (v6 && !IN6_IS_ADDR_V4MAPPED(&message->destination.v6.sin6_addr)) {
      add_control(header, &used, IPPROTO_IPV6, IPV6_TCLASS, &ecn, sizeof ecn);
    } else {
      add_control(header, &used, IPPROTO_IP, IP_TOS, &ecn, sizeof ecn);
    }
  }
  if (message->segment < message->count) {
    uint16_t segment = message->segment;
    add_control(header, &used, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
  }
  header->msg_controllen = used;
  if (used == 0) {
    header->msg_control = NULL;
  }
}

int datagram_messages_send(int descriptor, const datagram_message *messages, uint32_t count) {
  struct mmsghdr headers[DATAGRAM_BATCH];
  struct iovec vectors[DATAGRAM_BATCH];
  control_space spaces[DATAGRAM_BATCH];
  if (count > DATAGRAM_BATCH) {
    count = DATAGRAM_BATCH;
  }
  for (uint32_t index = 0; index < count; index++) {
    describe(&headers[index].msg_hdr, &vectors[index], &spaces[index], &messages[index]);
    headers[index].msg_len = 0;
  }
  int sent;
  do {
    sent = sendmmsg(descriptor, headers, count, 0);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

// The filter sees the UDP payload. A verdict that is no socket's place leaves the choice to the kernel.
int datagram_socket_steer(int descriptor, const datagram_steering *steering) {
  enum { HEAD = 16, NO_SOCKET = 0xffff };
  if (steering->count > DATAGRAM_WORKERS) {
    return -EINVAL;
  }
  uint8_t end = (uint8_t)(HEAD + 2 * steering->count);
  struct sock_filter code[HEAD + 2 * DATAGRAM_WORKERS + 1] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, steering->least, 0, (uint8_t)(end - 2)),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80, (uint8_t)(end - 4), 0),
      // The mask: see IdentifierMask.
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, steering->masked_offset),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, steering->keys[0]),
      BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, steering->keys[1]),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 15),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
      BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, steering->keys[2]),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 27),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 1),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x1f),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
  };
  for (uint8_t worker = 0; worker < steering->count; worker++) {
    struct sock_filter *at = code + HEAD + 2 * worker;
    at[0] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, worker, 0, 1);
    at[1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, steering->places[worker]);
  }
  code[end] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, NO_SOCKET);
  struct sock_fprog program = {.len = (unsigned short)(end + 1), .filter = code};
  return setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0 ? 0 : -errno;
}
