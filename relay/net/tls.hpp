// A listener's TLS: certificate, key and how they are renewed while connections live.
//
// 1. TLS 1.2 and 1.3, ALPN "http/1.1", session tickets, no renegotiation, no compression.
// 2. reload() reads the files again; on an error the old certificate stays. Tickets issued before
//    a reload stay valid, because the ticket keys are carried over.
// 3. current() and reload() may be called on any thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <mutex>

#include "engine/base/result.hpp"
#include "relay/net/server.hpp"

namespace redoubt::net {

/// Why OpenSSL could not do something: the system's word where it could not open a file. Empties
/// the thread's queue of errors.
std::string openssl_reason();

class Tls {
 public:
  using Context = std::shared_ptr<SSL_CTX>;

  explicit Tls(TlsOptions options) : options_(std::move(options)) {}

  /// Errors: code "bad_certificate", path the file, message OpenSSL's reason.
  Result<void> reload();
  /// What reload() would say, changing nothing.
  Result<void> check() const;
  Context current() const;

 private:
  Result<Context> load() const;

  TlsOptions options_;
  mutable std::mutex lock_;
  Context context_;
};

}  // namespace redoubt::net
