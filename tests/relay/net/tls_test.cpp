// TLS: a generated certificate, requests over it, and its renewal while the server runs.
#include "relay/net/tls.hpp"

#include <doctest/doctest.h>
#include <openssl/err.h>

#include <fstream>

#include "tests/relay/net/certificate.hpp"
#include "tests/relay/net/loopback.hpp"

using namespace redoubt::net;
using namespace redoubt::net::test;
using redoubt::http::Router;

namespace {

/// A TLS client over a Client's socket.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, const char* alpn = "\x08http/1.1",
                     int version_max = TLS1_3_VERSION, SSL_SESSION* resume = nullptr)
      : socket_(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    SSL_CTX_set_max_proto_version(context_.get(), version_max);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_security_level(context_.get(), 0);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(alpn),
                        static_cast<unsigned>(std::string_view(alpn).size()));
    SSL_set_fd(ssl_.get(), socket_.descriptor());
    if (resume) SSL_set_session(ssl_.get(), resume);
    connected_ = SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
  }
  bool connected() const { return connected_; }
  bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
  SSL* ssl() { return ssl_.get(); }

  std::string ask(std::string_view request) {
    std::array<char, 65536> bytes;
    if (SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())) <= 0) return "";
    const int n = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    return n > 0 ? std::string(bytes.data(), static_cast<std::size_t>(n)) : "";
  }
  /// Reads until `total` bytes came or the end.
  std::size_t read(std::size_t total) {
    std::array<char, 65536> bytes;
    std::size_t got = 0;
    while (got < total) {
      const int n = SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    return got;
  }
  std::string common_name() const {
    const Certificate certificate(SSL_get1_peer_certificate(ssl_.get()), X509_free);
    std::array<char, 64> name{};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name.data(),
                              static_cast<int>(name.size()));
    return name.data();
  }

 private:
  Client socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, FreeSsl> ssl_;
  bool connected_ = false;
};

ServerOptions tls_options(const Folder& folder) {
  ServerOptions options;
  ListenerOptions listener;
  listener.name = "secure";
  listener.tls = folder.options();
  options.listeners = {listener};
  return options;
}

}  // namespace

TEST_CASE("requests travel over TLS 1.2 and 1.3, large answers too") {
  const Folder folder;
  write_certificate(folder.certificate(), folder.key(), "first");
  const Router router = make_router();
  Running running(router, tls_options(folder));
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(running.port(), "\x08http/1.1", version);
    REQUIRE(client.connected());
    for (int i = 0; i < 10; ++i)
      CHECK(client.ask(ping).ends_with("pong"));
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.ssl(), &protocol, &size);
    CHECK(std::string_view(reinterpret_cast<const char*>(protocol), size) == "http/1.1");
    const std::string big = "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    SSL_write(client.ssl(), big.data(), static_cast<int>(big.size()));
    CHECK(client.read(2 * big_bytes) > big_bytes);
  }
}

TEST_CASE("what is no fitting TLS is refused and harms nobody") {
  const Folder folder;
  write_certificate(folder.certificate(), folder.key(), "first");
  const Router router = make_router();
  Running running(router, tls_options(folder));
  CHECK_FALSE(TlsClient(running.port(), "\x08http/1.1", TLS1_1_VERSION).connected());
  CHECK_FALSE(TlsClient(running.port(), "\x02h2").connected());
  Client plain(running.port());
  plain.send(ping);
  CHECK(plain.answer().status == 0);
  CHECK(running.witness().wait_for(ConnectionEvent::tls_failed, 3));
  TlsClient sound(running.port());
  CHECK(sound.ask(ping).ends_with("pong"));
}

TEST_CASE("handshakes that are never finished, and records, make room for later connections") {
  const Folder folder;
  write_certificate(folder.certificate(), folder.key(), "first");
  const Router router = make_router();
  ServerOptions options = tls_options(folder);
  options.unfinished_bytes_max = 1024 * 1024;  // what arrives: 256 KiB, eight handshakes
  Running running(router, options);
  std::vector<std::unique_ptr<Client>> half_open;
  for (int i = 0; i < 20; ++i)
    half_open.push_back(std::make_unique<Client>(running.port()));
  CHECK(running.witness().wait_for(ConnectionEvent::evicted, 12));
  TlsClient sound(running.port());
  CHECK(sound.ask(ping).ends_with("pong"));
  CHECK(sound.ask(ping).ends_with("pong"));
}

TEST_CASE("a renewed certificate serves new connections, a broken one changes nothing") {
  const Folder folder;
  write_certificate(folder.certificate(), folder.key(), "first");
  const Router router = make_router();
  Running running(router, tls_options(folder));
  TlsClient old(running.port());
  CHECK(old.common_name() == "first");
  CHECK(old.ask(ping).ends_with("pong"));

  write_certificate(folder.certificate(), folder.key(), "second");
  REQUIRE(running.server().reload_certificates().ok());
  TlsClient renewed(running.port());
  CHECK(renewed.common_name() == "second");
  CHECK(old.ask(ping).ends_with("pong"));
  // A ticket from before the reload still resumes: the ticket keys were carried over.
  SSL_SESSION* session = SSL_get1_session(old.ssl());
  CHECK(TlsClient(running.port(), "\x08http/1.1", TLS1_3_VERSION, session).resumed());
  SSL_SESSION_free(session);

  SUBCASE("not PEM") {
    std::ofstream(folder.certificate()) << "no certificate";
  }
  SUBCASE("missing") {
    fs::remove(folder.certificate());
  }
  SUBCASE("a key of another certificate") {
    const Folder other;
    write_certificate(other.certificate(), other.key(), "other");
    fs::copy_file(other.key(), folder.key(), fs::copy_options::overwrite_existing);
  }
  const auto result = running.server().reload_certificates();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == "bad_certificate");
  CHECK_FALSE(result.error().path.empty());
  CHECK(TlsClient(running.port()).common_name() == "second");
}

TEST_CASE("a server without its certificate does not start") {
  const Folder folder;
  const Router router = make_router();
  ServerOptions options = tls_options(folder);
  options.listeners[0].router = &router;
  Witness witness;
  Server server(options, witness);
  const auto result = server.listen();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().path == folder.certificate().string());
}
