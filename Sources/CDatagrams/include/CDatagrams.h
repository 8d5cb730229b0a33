#ifndef CDATAGRAMS_H
#define CDATAGRAMS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

// UDP as QUIC wants it: sockets that SwiftNIO reads, and sends in batches with the source address, the ECN field and
// the segment size of each message. Nothing here keeps state.

/// An IP address with port. IPv4 peers of a dual-stack IPv6 socket appear as v4-mapped IPv6 addresses.
typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} datagram_address;

typedef struct {
  /// Sets SO_REUSEPORT before binding.
  bool shares_port;
  /// Asks for the destination address of each datagram (IP_PKTINFO).
  bool wants_packet_info;
  /// SO_RCVBUF and SO_SNDBUF asked for, bytes; 0 leaves the system's.
  int receive_buffer;
  int send_buffer;
} datagram_socket_wishes;

typedef struct {
  datagram_address address;
  /// Receive buffer granted, bytes, in the unit of the wish.
  int receive_buffer;
} datagram_socket_facts;

/// Opens a non-blocking UDP socket bound to an address. IPv6 wildcards are dual-stack. Fragmentation is forbidden and
/// the kernel's own path MTU is ignored, since QUIC probes by itself (RFC 9000 §14).
/// Returns the descriptor, or -errno.
int datagram_socket_open(const datagram_address *address, const datagram_socket_wishes *wishes,
                         datagram_socket_facts *facts);

/// Datagrams that the kernel has dropped on the socket since it was opened, mostly because its receive buffer was full;
/// 0 where the kernel does not tell.
uint32_t datagram_socket_drops(int descriptor);

/// One datagram, or a train of equally long ones of which the last may be shorter (UDP_SEGMENT).
typedef struct {
  const uint8_t *bytes;
  uint32_t count;
  /// Length of each datagram of a train; `count` if there is one.
  uint16_t segment;
  /// ECN codepoint, 0 ... 3.
  uint8_t ecn;
  /// Whether `source` is to be used; else the kernel chooses.
  bool has_source;
  datagram_address source;
  datagram_address destination;
} datagram_message;

/// Sends messages by sendmmsg, at most `DATAGRAM_BATCH` per call of the kernel.
/// Returns how many were taken by the kernel, or -errno if the first was refused.
int datagram_messages_send(int descriptor, const datagram_message *messages, uint32_t count);

#define DATAGRAM_BATCH 64

#define DATAGRAM_WORKERS 32

/// How the kernel finds the socket of a QUIC packet with a short header among those that share a port: five bits of the
/// identifier's first octet are the worker, hidden by a keyed hash of four other octets.
typedef struct {
  uint32_t keys[3];
  /// Place of the four octets in the datagram.
  uint8_t masked_offset;
  /// Length of a short header and its identifier; shorter datagrams are not steered.
  uint8_t least;
  /// Workers, and for each the place of its socket in the order in which the kernel keeps them.
  uint8_t count;
  uint8_t places[DATAGRAM_WORKERS];
} datagram_steering;

/// Makes the kernel choose sockets so, by SO_ATTACH_REUSEPORT_CBPF, for all sockets that share the port of this one.
/// Packets with a long header, and all that name no worker, are distributed by the hash of their addresses as before.
/// Returns 0, or -errno.
int datagram_socket_steer(int descriptor, const datagram_steering *steering);

#endif
