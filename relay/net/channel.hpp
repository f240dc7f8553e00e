// Bytes over one socket, plain or TLS, without ever waiting.
//
// 1. The file descriptor belongs to the caller and outlives the Channel.
// 2. TLS works on the descriptor itself (SSL_set_fd): an idle connection then costs 15 KB, against
//    72 KB through memory buffers.
// 3. would_read and would_write say what to wait for before the same call is made again.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace redoubt::net {

class Channel {
 public:
  enum class Status : std::uint8_t { ok, would_read, would_write, end, failed };
  struct Outcome {
    Status status;
    std::size_t bytes = 0;  // of ok
  };

  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  using SslPtr = std::unique_ptr<SSL, FreeSsl>;

  /// A server's side. `tls` null: a plain connection. With TLS the descriptor must be
  /// non-blocking. Throws std::bad_alloc where OpenSSL has no memory.
  Channel(int descriptor, SSL_CTX* tls);
  /// Either side: `ssl` knows its role and its peer; null: a plain connection. Throws as above.
  Channel(int descriptor, SslPtr ssl);

  bool secure() const { return ssl_ != nullptr; }
  SSL* ssl() const { return ssl_.get(); }
  /// TLS: the start of a record came and its end did not; OpenSSL holds a buffer for it.
  bool in_record() const { return ssl_ && SSL_has_pending(ssl_.get()) == 1; }
  /// OpenSSL's words for the TLS step that failed last; empty where it has none (a connection that
  /// just ended).
  std::string_view tls_fault() const { return tls_fault_; }
  /// Goes on with the TLS handshake; ok when it is done.
  Status handshake();
  Outcome read(std::span<char> into);
  /// Writes some of the pieces, in order. REQUIRES: at least one byte.
  Outcome write(std::span<const std::string_view> pieces);
  /// Says that nothing more will be written (close_notify and FIN).
  void shutdown_write();
  /// Ends both directions at once; a waiting operation wakes up.
  void shutdown_both();
  /// Reads and forgets raw bytes, after shutdown_write.
  Outcome discard(std::span<char> into);

 private:
  Outcome tls_outcome(int result);

  int descriptor_;
  SslPtr ssl_;
  std::string_view tls_fault_;  // of OpenSSL's static texts
};

}  // namespace redoubt::net
