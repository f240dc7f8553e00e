#include "relay/net/tls.hpp"

#include <openssl/err.h>

#include <array>
#include <cstring>
#include <string>

namespace redoubt::net {

namespace {

constexpr std::size_t tickets = 1;  // for each full handshake: a browser reuses one

Error certificate_error(const std::string& what, const std::string& file) {
  return {.code = "bad_certificate",
          .message = what + " " + file + ": " + openssl_reason(),
          .path = file,
          .expected = "a readable PEM file without a passphrase"};
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours, sizeof ours, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/// A key with a passphrase fails instead of asking on the terminal.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

void configure(SSL_CTX* context) {
  static constexpr unsigned char name[] = "redoubt";
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Tickets keep the session at the client; a cache here would be memory without a bound of ours.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, name, sizeof name - 1);
  SSL_CTX_set_num_tickets(context, tickets);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
}

void carry_ticket_keys(SSL_CTX* from, SSL_CTX* to) {
  std::array<unsigned char, 80> keys{};  // name 16, HMAC 32, AES 32
  if (SSL_CTX_get_tlsext_ticket_keys(from, keys.data(), keys.size()) == 1) {
    SSL_CTX_set_tlsext_ticket_keys(to, keys.data(), keys.size());
  }
  OPENSSL_cleanse(keys.data(), keys.size());
}

}  // namespace

std::string openssl_reason() {
  const unsigned long first = ERR_peek_error();
  const char* said = ERR_reason_error_string(ERR_peek_last_error());
  std::string reason = said != nullptr ? said : "unreadable";
  if (ERR_SYSTEM_ERROR(first)) reason = std::strerror(ERR_GET_REASON(first));
  ERR_clear_error();
  return reason;
}

Result<Tls::Context> Tls::load() const {
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return certificate_error("no TLS context for", options_.certificate_file);
  configure(context.get());
  if (SSL_CTX_use_certificate_chain_file(context.get(), options_.certificate_file.c_str()) != 1) {
    return certificate_error("cannot use the certificate", options_.certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), options_.key_file.c_str(), SSL_FILETYPE_PEM) !=
      1) {
    return certificate_error("cannot use the key", options_.key_file);
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    return certificate_error("the key does not belong to the certificate", options_.key_file);
  }
  return context;
}

Result<void> Tls::reload() {
  auto fresh = load();
  if (!fresh) return fresh.error();
  const std::lock_guard guard(lock_);
  if (context_) carry_ticket_keys(context_.get(), fresh->get());
  context_ = std::move(*fresh);
  return {};
}

Result<void> Tls::check() const {
  auto fresh = load();
  if (!fresh) return fresh.error();
  return {};
}

Tls::Context Tls::current() const {
  const std::lock_guard guard(lock_);
  return context_;
}

}  // namespace redoubt::net
