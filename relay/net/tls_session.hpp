// Where a client keeps the TLS session of a destination, to resume it with the next connection.
//
// The slot must outlive every SSL that it was attached to, which points to it.
#pragma once

#include <openssl/ssl.h>

#include <memory>

namespace redoubt::net {

class TlsSessionSlot {
 public:
  TlsSessionSlot() = default;
  TlsSessionSlot(const TlsSessionSlot&) = delete;
  TlsSessionSlot& operator=(const TlsSessionSlot&) = delete;

  /// Lets `ssl` resume the kept session, and keeps the one that its server issues. REQUIRES: the
  /// SSL's context was prepared by keep_sessions.
  void attach(SSL* ssl) {
    SSL_set_app_data(ssl, this);
    if (session_) SSL_set_session(ssl, session_.get());
  }
  void forget() { session_.reset(); }

  static void keep_sessions(SSL_CTX* context) { SSL_CTX_sess_set_new_cb(context, issued); }

 private:
  struct Free {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  static int issued(SSL* ssl, SSL_SESSION* session) {
    auto* slot = static_cast<TlsSessionSlot*>(SSL_get_app_data(ssl));
    if (!slot) return 0;
    slot->session_.reset(session);
    return 1;  // the reference is ours now
  }

  std::unique_ptr<SSL_SESSION, Free> session_;
};

}  // namespace redoubt::net
