// Responses in any pieces: lengths, chunks, interim heads, and what is refused.
#include "relay/http/response_reader.hpp"

#include <doctest/doctest.h>

#include <string>

using redoubt::http::BodySink;
using redoubt::http::ResponseLimits;
using redoubt::http::ResponseReader;
using Step = ResponseReader::Step;

namespace {

struct Collected final : BodySink {
  std::string body;
  void on_body(std::string_view bytes) override { body.append(bytes); }
};

struct Reading {
  int status = 0;
  std::string body;
  bool complete = false;
  bool keep_alive = false;
  std::string rest;
  std::string failure;
};

/// Feeds the text in pieces of `piece` bytes, then the end of the connection.
Reading read_in(std::string_view text, std::size_t piece, ResponseLimits limits = {},
                bool head_request = false) {
  ResponseReader reader(limits);
  reader.reset(head_request);
  Collected sink;
  Reading out;
  Step step = Step::need_more;
  while (!text.empty() && step != Step::complete && step != Step::failed) {
    std::string_view input = text.substr(0, piece);
    const std::size_t given = input.size();
    do {
      step = reader.feed(input, sink);
      if (step == Step::head_ready) out.status = reader.head().status;
    } while (step == Step::head_ready);
    text.remove_prefix(given - input.size());
  }
  out.rest = text;
  if (step == Step::need_more) step = reader.end_of_input();
  out.complete = step == Step::complete;
  out.keep_alive = out.complete && reader.keep_alive();
  out.body = sink.body;
  out.failure = reader.failure();
  return out;
}

constexpr std::string_view counted =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhellorest";
constexpr std::string_view chunked =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\nTrailer: t\r\n\r\nrest";
constexpr std::string_view to_the_end = "HTTP/1.1 500 Oops\r\n\r\nall of it";

}  // namespace

TEST_CASE("a response means the same at every split") {
  for (std::size_t piece = 1; piece <= counted.size(); ++piece) {
    CAPTURE(piece);
    const Reading a = read_in(counted, piece);
    CHECK(a.complete);
    CHECK(a.keep_alive);
    CHECK(a.status == 200);
    CHECK(a.body == "hello");
    CHECK(std::string("rest").ends_with(a.rest));
  }
  for (std::size_t piece = 1; piece <= chunked.size(); ++piece) {
    CAPTURE(piece);
    const Reading a = read_in(chunked, piece);
    CHECK(a.complete);
    CHECK(a.keep_alive);
    CHECK(a.body == "abc0123456789abcdef");
    const Reading b = read_in(to_the_end, piece);
    CHECK(b.complete);
    CHECK(!b.keep_alive);
    CHECK(b.status == 500);
    CHECK(b.body == "all of it");
  }
}

TEST_CASE("a response cut short is never whole") {
  for (std::string_view text : {counted.substr(0, counted.size() - 4), chunked.substr(25)}) {
    const std::size_t whole = text.size() - (text.ends_with("rest") ? 4 : 0);
    for (std::size_t length = 1; length < whole; ++length) {
      CAPTURE(length);
      const Reading a = read_in(text.substr(0, length), 7);
      CHECK(!a.complete);
      CHECK(!a.failure.empty());
    }
  }
}

TEST_CASE("responses without a body") {
  CHECK(read_in("HTTP/1.1 204 No Content\r\n\r\n", 99).complete);
  CHECK(read_in("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 99).complete);
  CHECK(read_in("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 99, {}, true).complete);
  CHECK(read_in("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 9).complete);
  CHECK(
      !read_in("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 9).keep_alive);
}

TEST_CASE("ambiguous, broken and oversized responses are refused") {
  const auto refused = [](std::string_view head, std::string_view says,
                          ResponseLimits limits = {}) {
    const Reading a = read_in("HTTP/1.1 200 OK\r\n" + std::string(head), 5, limits);
    CAPTURE(head);
    CAPTURE(a.failure);
    CHECK(!a.complete);
    CHECK(a.failure.find(says) != std::string::npos);
  };
  refused("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "not HTTP/1.1");
  refused("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "not HTTP/1.1");
  refused("Transfer-Encoding: gzip\r\n\r\nabc", "exactly");
  refused("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "not HTTP/1.1");
  refused("Content-Length: -3\r\n\r\nabc", "not HTTP/1.1");
  refused("Content-Length: 99999999999999999999\r\n\r\nabc", "not HTTP/1.1");
  refused("Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", "not HTTP/1.1");
  refused("Transfer-Encoding: chunked\r\n\r\n1;a=\"\r\n\"\r\nb\r\n0\r\n\r\n", "quoted");
  refused("Transfer-Encoding: chunked\r\n\r\n" + std::string(99, '0'), "digits");
  CHECK(read_in("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1  \r\nb\r\n0\r\n\r\n", 9)
            .complete);
  ResponseLimits small;
  small.body_bytes_max = 4;
  refused("Content-Length: 5\r\n\r\nabcde", "over 4", small);
  refused("Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", "over 4", small);
  refused("\r\nabcde", "over 4", small);
  small.headers_max = 1;
  refused("A: 1\r\nB: 2\r\n\r\n", "too many headers", small);
  small.head_bytes_max = 64;
  refused("A: " + std::string(99, 'a') + "\r\n\r\n", "over 64", small);
  CHECK(!read_in("HTTP/1.1 101 Switching\r\n\r\n", 9).complete);
  CHECK(!read_in("SSH-2.0-OpenSSH\r\n\r\n", 9).complete);
  std::string many;
  for (int i = 0; i < 20; ++i)
    many += "HTTP/1.1 102 Processing\r\n\r\n";
  CHECK(read_in(many, 9).failure == "too many interim responses");
}
