#pragma once
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <malloc.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

// ngtcp2 declares much of its interface as function-like macros, which Swift does not see. Each has a function here.

static inline void shim_settings_default(ngtcp2_settings *settings) { ngtcp2_settings_default(settings); }

static inline void shim_transport_params_default(ngtcp2_transport_params *params) {
  ngtcp2_transport_params_default(params);
}

static inline int shim_conn_server_new(ngtcp2_conn **conn, const ngtcp2_cid *dcid, const ngtcp2_cid *scid,
                                       const ngtcp2_path *path, uint32_t version, const ngtcp2_callbacks *callbacks,
                                       const ngtcp2_settings *settings, const ngtcp2_transport_params *params,
                                       const ngtcp2_mem *mem, void *user_data) {
  return ngtcp2_conn_server_new(conn, dcid, scid, path, version, callbacks, settings, params, mem, user_data);
}

static inline int shim_conn_client_new(ngtcp2_conn **conn, const ngtcp2_cid *dcid, const ngtcp2_cid *scid,
                                       const ngtcp2_path *path, uint32_t version, const ngtcp2_callbacks *callbacks,
                                       const ngtcp2_settings *settings, const ngtcp2_transport_params *params,
                                       const ngtcp2_mem *mem, void *user_data) {
  return ngtcp2_conn_client_new(conn, dcid, scid, path, version, callbacks, settings, params, mem, user_data);
}

static inline int shim_conn_read_pkt(ngtcp2_conn *conn, const ngtcp2_path *path, uint8_t ecn, const uint8_t *bytes,
                                     size_t count, ngtcp2_tstamp now) {
  ngtcp2_pkt_info info = {.ecn = ecn};
  return ngtcp2_conn_read_pkt(conn, path, &info, bytes, count, now);
}

static inline ngtcp2_ssize shim_conn_writev_stream(ngtcp2_conn *conn, ngtcp2_path *path, ngtcp2_pkt_info *info,
                                                   uint8_t *dest, size_t room, ngtcp2_ssize *accepted, uint32_t flags,
                                                   int64_t stream_id, const ngtcp2_vec *data, size_t data_count,
                                                   ngtcp2_tstamp now) {
  return ngtcp2_conn_writev_stream(conn, path, info, dest, room, accepted, flags, stream_id, data, data_count, now);
}

static inline ngtcp2_ssize shim_conn_write_connection_close(ngtcp2_conn *conn, ngtcp2_path *path,
                                                            ngtcp2_pkt_info *info, uint8_t *dest, size_t room,
                                                            const ngtcp2_ccerr *error, ngtcp2_tstamp now) {
  return ngtcp2_conn_write_connection_close(conn, path, info, dest, room, error, now);
}

static inline void shim_conn_get_info(ngtcp2_conn *conn, ngtcp2_conn_info *info) {
  ngtcp2_conn_get_conn_info(conn, info);
}

// A variable that holds a function, in GnuTLS.
static inline void shim_gnutls_free(void *memory) { gnutls_free(memory); }

typedef int (*shim_recv_stop_sending)(ngtcp2_conn *conn, int64_t stream_id, uint64_t code, void *user_data,
                                      void *stream_user_data);

// ngtcp2 reports STOP_SENDING by a callback since 1.24. Earlier versions have to be asked.
static inline void shim_callbacks_set_recv_stop_sending(ngtcp2_callbacks *callbacks, shim_recv_stop_sending told) {
#if NGTCP2_VERSION_NUM >= 0x011800
  callbacks->recv_stop_sending = told;
#else
  (void)callbacks;
  (void)told;
#endif
}

// True if the stream takes no more octets. The write that asks has no effect: at the latest its impossible length is refused.
static inline int shim_conn_is_stream_write_shut(ngtcp2_conn *conn, int64_t stream_id) {
  ngtcp2_vec impossible = {.base = NULL, .len = SIZE_MAX};
  uint8_t dest[NGTCP2_MAX_UDP_PAYLOAD_SIZE];
  return ngtcp2_conn_writev_stream(conn, NULL, NULL, dest, sizeof dest, NULL, NGTCP2_WRITE_STREAM_FLAG_NONE, stream_id,
                                   &impossible, 1, 0) == NGTCP2_ERR_STREAM_SHUT_WR;
}

static inline ngtcp2_ssize shim_transport_params_encode(uint8_t *dest, size_t room,
                                                        const ngtcp2_transport_params *params) {
  return ngtcp2_transport_params_encode(dest, room, params);
}

// Sums of sizes, in ngtcp2.
static inline size_t shim_max_retry_token_count(void) { return NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2; }
static inline size_t shim_max_regular_token_count(void) { return NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN; }
