#include "relay/net/channel.hpp"

#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

namespace redoubt::net {

namespace {

constexpr std::size_t pieces_max = 32;                // in one system call
constexpr std::size_t tls_write_bytes_max = 1 << 20;  // in one SSL_write

Channel::Outcome plain_outcome(ssize_t result, Channel::Status blocked) {
  if (result > 0) return {Channel::Status::ok, static_cast<std::size_t>(result)};
  if (result == 0) return {Channel::Status::end};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {blocked};
  return {Channel::Status::failed};
}

}  // namespace

Channel::Channel(int descriptor, SSL_CTX* tls) : descriptor_(descriptor) {
  if (!tls) return;
  ssl_.reset(SSL_new(tls));
  // Without it the connection would be served in the clear.
  if (!ssl_ || SSL_set_fd(ssl_.get(), descriptor) != 1) throw std::bad_alloc();
  SSL_set_accept_state(ssl_.get());
}

Channel::Channel(int descriptor, SslPtr ssl) : descriptor_(descriptor), ssl_(std::move(ssl)) {
  if (ssl_ && SSL_set_fd(ssl_.get(), descriptor) != 1) throw std::bad_alloc();
}

Channel::Outcome Channel::tls_outcome(int result) {
  if (result > 0) return {Status::ok, static_cast<std::size_t>(result)};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {Status::would_read};
    case SSL_ERROR_WANT_WRITE:
      return {Status::would_write};
    case SSL_ERROR_ZERO_RETURN:
      return {Status::end};
    default:
      break;
  }
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  tls_fault_ = reason == nullptr ? std::string_view() : reason;
  ERR_clear_error();
  return {Status::failed};
}

Channel::Status Channel::handshake() {
  ERR_clear_error();
  return tls_outcome(SSL_do_handshake(ssl_.get())).status;
}

Channel::Outcome Channel::read(std::span<char> into) {
  if (!ssl_) {
    return plain_outcome(::recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT),
                         Status::would_read);
  }
  ERR_clear_error();
  return tls_outcome(SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size())));
}

Channel::Outcome Channel::write(std::span<const std::string_view> pieces) {
  if (ssl_) {
    const auto first = std::find_if(pieces.begin(), pieces.end(),
                                    [](std::string_view piece) { return !piece.empty(); });
    const std::size_t size = std::min(first->size(), tls_write_bytes_max);
    ERR_clear_error();
    return tls_outcome(SSL_write(ssl_.get(), first->data(), static_cast<int>(size)));
  }
  if (pieces.size() == 1) {
    return plain_outcome(
        ::send(descriptor_, pieces[0].data(), pieces[0].size(), MSG_DONTWAIT | MSG_NOSIGNAL),
        Status::would_write);
  }
  std::array<iovec, pieces_max> parts;
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = std::min(pieces.size(), pieces_max);
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
    parts[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
  }
  return plain_outcome(::sendmsg(descriptor_, &message, MSG_DONTWAIT | MSG_NOSIGNAL),
                       Status::would_write);
}

void Channel::shutdown_write() {
  if (ssl_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // best effort: a full socket buffer loses the close_notify
    ERR_clear_error();
  }
  ::shutdown(descriptor_, SHUT_WR);
}

void Channel::shutdown_both() {
  ::shutdown(descriptor_, SHUT_RDWR);
}

Channel::Outcome Channel::discard(std::span<char> into) {
  return plain_outcome(::recv(descriptor_, into.data(), into.size(), MSG_DONTWAIT),
                       Status::would_read);
}

}  // namespace redoubt::net
