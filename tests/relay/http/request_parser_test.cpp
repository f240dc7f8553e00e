// The strict check as a table, and the law that how the bytes are cut changes nothing.
#include "relay/http/request_parser.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace redoubt::http;
using Step = RequestParser::Step;

namespace {

struct Outcome {
  int status = 0;  // 0: need more, 200: complete, else the refusal's
  std::string body;
  std::string target;
  std::string path;
  std::string query;
  std::string left;  // unconsumed input
  std::size_t headers = 0;
  bool keep_alive = false;
};

/// Feeds `bytes` cut into pieces of `piece` bytes, the first of `first` bytes.
Outcome parse(std::string_view bytes, std::size_t first, std::size_t piece,
              const ParserLimits& limits = {}) {
  RequestParser parser(limits);
  Outcome outcome;
  std::string_view rest = bytes;
  std::size_t size = first;
  while (outcome.status == 0 && !rest.empty()) {
    std::string_view input = rest.substr(0, size);
    rest.remove_prefix(input.size());
    size = piece;
    Step step = parser.feed(input);
    if (step == Step::head_ready) step = parser.feed(input);
    if (step == Step::need_more) {
      CHECK(input.empty());
    } else if (step == Step::refused) {
      outcome.status = parser.refusal().status;
      CHECK_FALSE(parser.refusal().message.empty());
    } else {
      outcome.status = 200;
      Request& request = parser.request();
      outcome.body = request.body;
      outcome.target = request.target;
      outcome.path = request.path;
      outcome.query = request.query;
      outcome.headers = request.headers.size();
      outcome.keep_alive = parser.keep_alive();
      outcome.left = std::string(input) + std::string(rest);
    }
  }
  return outcome;
}

Outcome parse(std::string_view bytes, const ParserLimits& limits = {}) {
  return parse(bytes, bytes.size(), bytes.size(), limits);
}

struct Case {
  std::string name;
  std::string bytes;
  int status;
};

std::string get(const std::string& lines, const std::string& target = "/") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}
std::string post(const std::string& lines, const std::string& body = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n" + body;
}
std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

const std::string nul(1, '\0');

/// Every way we know of to make two servers disagree about a request, and the plain malformed.
const std::vector<Case>& corpus() {
  static const std::vector<Case> cases = {
      // Sound requests, so that the table cannot be passed by refusing everything.
      {"plain", get(""), 200},
      {"leading empty line", "\r\n" + get(""), 200},
      {"header without value", get("X:\r\n"), 200},
      {"header with tabs around", get("X:\t a \t\r\n"), 200},
      {"obs-text in a value", get("X: caf\xc3\xa9\r\n"), 200},
      {"host with port", "GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", 200},
      {"host IPv6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200},
      {"content length", post("Content-Length: 2\r\n", "ab"), 200},
      {"content length zero", post("Content-Length: 0\r\n"), 200},
      {"content length with leading zeros", post("Content-Length: 0002\r\n", "ab"), 200},
      {"chunked", chunked("2\r\nab\r\n0\r\n\r\n"), 200},
      {"chunked upper case", post("Transfer-Encoding: Chunked\r\n", "0\r\n\r\n"), 200},
      {"chunk sizes in hexadecimal", chunked("A\r\n0123456789\r\n0a\r\n0123456789\r\n0\r\n\r\n"),
       200},
      {"chunk extension", chunked("2;a=b;c=\"d\"\r\nab\r\n0;e\r\n\r\n"), 200},
      {"trailers", chunked("0\r\nA: b\r\nC: d\r\n\r\n"), 200},
      {"absolute form", "GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", 200},
      {"options star", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200},
      {"http/1.0 without host", "GET / HTTP/1.0\r\n\r\n", 200},
      {"unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 200},
      {"expect continue", post("Content-Length: 1\r\nExpect: 100-continue\r\n", "a"), 200},
      {"percent escapes", get("", "/a%20b/%C3%A9?x=%"), 200},

      // Transfer-Encoding.
      {"TE and CL", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"CL and TE", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"TE on HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"TE gzip", post("Transfer-Encoding: gzip\r\n"), 400},
      {"TE gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n"), 400},
      {"TE chunked, gzip", post("Transfer-Encoding: chunked, gzip\r\n"), 400},
      {"TE chunked, chunked", post("Transfer-Encoding: chunked, chunked\r\n"), 400},
      {"TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"TE identity then chunked",
       post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"TE xchunked", post("Transfer-Encoding: xchunked\r\n"), 400},
      {"TE chunkedx", post("Transfer-Encoding: chunkedx\r\n"), 400},
      {"TE quoted", post("Transfer-Encoding: \"chunked\"\r\n"), 400},
      {"TE with parameter", post("Transfer-Encoding: chunked;q=1\r\n"), 400},
      {"TE empty", post("Transfer-Encoding:\r\n"), 400},
      {"TE with comma", post("Transfer-Encoding: chunked,\r\n"), 400},
      {"TE with vertical tab", post("Transfer-Encoding: \vchunked\r\n"), 400},
      {"TE with NUL", post("Transfer-Encoding: chunked" + nul + "\r\n"), 400},
      {"TE folded", post("Transfer-Encoding:\r\n chunked\r\n"), 400},
      {"TE name with space", post("Transfer-Encoding : chunked\r\n"), 400},
      {"TE name with tab before", post("\tTransfer-Encoding: chunked\r\n"), 400},

      // Content-Length.
      {"CL twice, equal", post("Content-Length: 2\r\nContent-Length: 2\r\n", "ab"), 400},
      {"CL twice, different", post("Content-Length: 2\r\nContent-Length: 3\r\n", "abc"), 400},
      {"CL list", post("Content-Length: 2, 2\r\n", "ab"), 400},
      {"CL plus", post("Content-Length: +2\r\n", "ab"), 400},
      {"CL minus", post("Content-Length: -2\r\n", "ab"), 400},
      {"CL hexadecimal", post("Content-Length: 0x2\r\n", "ab"), 400},
      {"CL empty", post("Content-Length:\r\n", "ab"), 400},
      {"CL fraction", post("Content-Length: 2.0\r\n", "ab"), 400},
      {"CL inner space", post("Content-Length: 1 2\r\n", "ab"), 400},
      {"CL underscore", post("Content-Length: 1_0\r\n", "ab"), 400},
      {"CL 2^64", post("Content-Length: 18446744073709551616\r\n"), 400},
      {"CL 19 digits", post("Content-Length: 1000000000000000000\r\n"), 413},
      {"CL over the limit", post("Content-Length: 1048577\r\n"), 413},

      // Host.
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", get("Host: b\r\n"), 400},
      {"two equal hosts", get("Host: a\r\n"), 400},
      {"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"host with user", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
      {"host list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"host with bad port", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400},
      {"host IPv6 open", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
      {"host IPv6 with more", "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", 400},

      // Target and request line.
      {"absolute form, other host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"absolute form, user", "GET http://a@b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"authority form", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 400},
      {"star for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"relative target", get("", "a"), 400},
      {"other scheme", get("", "file:///etc/passwd"), 400},
      {"fragment", get("", "/a#b"), 400},
      {"space in target", get("", "/a b"), 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"tab in request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"non-ASCII target", get("", "/\xc3\xa9"), 400},
      {"escape cut", get("", "/%4"), 400},
      {"escape not hexadecimal", get("", "/%zz"), 400},
      {"escaped NUL", get("", "/a%00b"), 400},
      {"no version", "GET /\r\nHost: a\r\n\r\n", 400},
      {"version 2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"version 1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"version in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"version with space after", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
      {"empty method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"method not a token", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"two empty lines first", "\r\n\r\n" + get(""), 400},
      {"TLS hello", "\x16\x03\x01\x02" + nul + "\x01\n", 400},

      // Lines.
      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"bare LF in a header", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
      {"bare CR in a value", get("X: a\rb\r\n"), 400},
      {"CR CR LF", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400},
      {"obs-fold with space", get("X: a\r\n b\r\n"), 400},
      {"obs-fold with tab", get("X: a\r\n\tb\r\n"), 400},
      {"space before the first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"no colon", get("X\r\n"), 400},
      {"empty name", get(": a\r\n"), 400},
      {"space in a name", get("X Y: a\r\n"), 400},
      {"name not a token", get("X(Y): a\r\n"), 400},
      {"name with non-ASCII", get("X\xc3\xa9: a\r\n"), 400},
      {"NUL in a value", get("X: a" + nul + "b\r\n"), 400},
      {"NUL in a name", get("X" + nul + "Y: a\r\n"), 400},
      {"DEL in a value", get("X: a\x7f\r\n"), 400},
      {"escape character in a value", get("X: a\x1b\r\n"), 400},

      // Chunks.
      {"chunk size empty", chunked("\r\nab\r\n0\r\n\r\n"), 400},
      {"chunk size signed", chunked("+2\r\nab\r\n0\r\n\r\n"), 400},
      {"chunk size with 0x", chunked("0x2\r\nab\r\n0\r\n\r\n"), 400},
      {"chunk size not hexadecimal", chunked("g\r\nab\r\n0\r\n\r\n"), 400},
      {"chunk size with bare LF", chunked("2\nab\r\n0\r\n\r\n"), 400},
      {"chunk size over 64 bits", chunked("10000000000000002\r\nab\r\n0\r\n\r\n"), 400},
      {"chunk too short", chunked("3\r\nab\r\n0\r\n\r\n"), 400},
      {"chunk too long", chunked("1\r\nab\r\n0\r\n\r\n"), 400},
      {"chunk without CRLF after", chunked("2\r\nab0\r\n\r\n"), 400},
      {"chunk size over the limit", chunked("100001\r\n"), 413},
      {"chunk extension too long", chunked("2;a=" + std::string(2000, 'x') + "\r\nab\r\n0\r\n\r\n"),
       400},
      {"endless chunk extension", chunked("2;a=" + std::string(5000, 'x')), 400},
      {"trailers too long", chunked("0\r\nA: " + std::string(2000, 'x') + "\r\n\r\n"), 400},
      {"endless trailers", chunked("0\r\nA: " + std::string(5000, 'x')), 400},
      {"trailer 64 KB", chunked("0\r\nA: " + std::string(65536, 'x') + "\r\n\r\n"), 400},
      {"chunk size of 16 digits", chunked("0000000000000002\r\nab\r\n0\r\n\r\n"), 200},
      {"chunk size of 17 digits", chunked("00000000000000002\r\nab\r\n0\r\n\r\n"), 400},
      {"last chunk of 17 zeros", chunked(std::string(17, '0') + "\r\n\r\n"), 400},
      {"endless zeros", chunked(std::string(5000, '0')), 400},
      {"chunk size with a space behind", chunked("2 \r\nab\r\n0\r\n\r\n"), 400},
      {"chunk size with a tab before", chunked("\t2\r\nab\r\n0\r\n\r\n"), 400},
      {"NUL in a chunk's line", chunked("2;a" + nul + "b\r\nab\r\n0\r\n\r\n"), 400},
      {"escape in a chunk's line", chunked("2;a\x1b\r\nab\r\n0\r\n\r\n"), 400},
      {"DEL in a chunk's line", chunked("2;a\x7f\r\nab\r\n0\r\n\r\n"), 400},
      {"bare LF in a chunk's line", chunked("2;a\nb\r\nab\r\n0\r\n\r\n"), 400},
      {"bare CR in a chunk's line", chunked("2;a\rb\r\nab\r\n0\r\n\r\n"), 400},
      {"quoted LF in a chunk's line", chunked("2;a=\"\n\"\r\nab\r\n0\r\n\r\n"), 400},
      {"quoted CRLF in a chunk's line", chunked("2;a=\"\r\n\"\r\nab\r\n0\r\n\r\n"), 400},
      {"escaped CRLF in a chunk's line", chunked("2;a=\"\\\r\n\"\r\nab\r\n0\r\n\r\n"), 400},
      {"quoted control in a chunk's line", chunked("2;a=\"\x01\"\r\nab\r\n0\r\n\r\n"), 400},
      {"an escaped quote", chunked("2;a=\"\\\"\";b\r\nab\r\n0\r\n\r\n"), 200},
      {"an open quote in the last chunk's line", chunked("0;a=\"\r\n\r\n"), 400},
      {"a trailer without a colon", chunked("0\r\nab\r\n\r\n"), 400},
      {"a trailer without a name", chunked("0\r\n: b\r\n\r\n"), 400},
      {"a folded trailer", chunked("0\r\nA: b\r\n c\r\n\r\n"), 400},
      {"NUL in a trailer", chunked("0\r\nA: b" + nul + "\r\n\r\n"), 400},
      {"bare LF in a trailer", chunked("0\r\nA: b\nC: d\r\n\r\n"), 400},
      {"transfer encoding in trailers", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
      {"host in trailers", chunked("0\r\nhost: b\r\n\r\n"), 400},
      {"a body without its last CRLF", chunked("0\r\n\rX"), 400},
      {"content length in trailers", chunked("0\r\nContent-Length: 5\r\n\r\n"), 400},

      // Bounds and expectations.
      {"too many headers", get([] {
         std::string lines;
         for (int i = 0; i < 101; ++i)
           lines += "X: y\r\n";
         return lines;
       }()),
       431},
      {"head too long", get("X: " + std::string(16384, 'y') + "\r\n"), 431},
      {"request line too long", get("", "/" + std::string(16384, 'y')), 414},
      {"other expectation", get("Expect: the-unexpected\r\n"), 417},
      {"two expectations", get("Expect: 100-continue\r\nExpect: 100-continue\r\n"), 417},
  };
  return cases;
}

}  // namespace

TEST_CASE("the strict check") {
  for (const Case& c : corpus()) {
    CAPTURE(c.name);
    CHECK(parse(c.bytes).status == c.status);
  }
}

TEST_CASE("where the bytes are cut changes nothing") {
  for (const Case& c : corpus()) {
    CAPTURE(c.name);
    const Outcome whole = parse(c.bytes);
    // Every first cut of the short cases, and one byte at a time for all.
    const std::size_t cuts = c.bytes.size() < 400 ? c.bytes.size() : 1;
    for (std::size_t cut = 1; cut <= cuts; ++cut) {
      const Outcome cut_once = parse(c.bytes, cut, c.bytes.size());
      CAPTURE(cut);
      CHECK(cut_once.status == whole.status);
      CHECK(cut_once.body == whole.body);
      CHECK(cut_once.left == whole.left);
    }
    const Outcome bytewise = parse(c.bytes, 1, 1);
    CHECK(bytewise.status == whole.status);
    CHECK(bytewise.body == whole.body);
    CHECK(bytewise.path == whole.path);
  }
}

TEST_CASE("what follows a request is left for the next") {
  for (const std::string& first :
       {get(""), post("Content-Length: 3\r\n", "abc"), chunked("3\r\nabc\r\n0\r\nT: u\r\n\r\n")}) {
    const std::string second = get("X: y\r\n", "/second");
    const std::string both = first + second;
    for (std::size_t cut = 1; cut <= both.size(); ++cut) {
      const Outcome outcome = parse(both, cut, both.size());
      CAPTURE(cut);
      REQUIRE(outcome.status == 200);
      CHECK(outcome.left == second);
    }
  }
}

TEST_CASE("one parser reads one request after the other") {
  RequestParser parser(ParserLimits{});
  const std::string bytes = chunked("3\r\nabc\r\n0\r\n\r\n") + get("", "/2?q") +
                            post("Content-Length: 1\r\nConnection: close\r\n", "z");
  std::string_view input = bytes;
  CHECK(parser.feed(input) == Step::head_ready);
  CHECK(parser.feed(input) == Step::complete);
  CHECK(parser.request().body == "abc");
  CHECK(parser.keep_alive());
  parser.reset();
  CHECK_FALSE(parser.started());
  CHECK(parser.feed(input) == Step::head_ready);
  CHECK(parser.feed(input) == Step::complete);
  CHECK(parser.request().path == "/2");
  CHECK(parser.request().query == "q");
  CHECK(parser.request().body == "");
  parser.reset();
  CHECK(parser.feed(input) == Step::head_ready);
  CHECK(parser.feed(input) == Step::complete);
  CHECK(parser.request().body == "z");
  CHECK_FALSE(parser.keep_alive());
  CHECK(input.empty());
}

TEST_CASE("a route's own body limit replaces the default") {
  for (bool wider : {true, false}) {
    RequestParser parser(ParserLimits{.body_bytes_max = 10});
    const std::string body(20, 'x');
    const std::string bytes = post("Content-Length: 20\r\n", body);
    std::string_view input = bytes;
    REQUIRE(parser.feed(input) == Step::head_ready);
    if (wider) parser.set_body_limit(20);
    CHECK(parser.feed(input) == (wider ? Step::complete : Step::refused));
  }
}

TEST_CASE("an absolute target is reduced to its path") {
  const Outcome with = parse("GET HTTP://a/b/c?d=e HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(with.path == "/b/c");
  CHECK(with.query == "d=e");
  CHECK(parse("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").path == "/");
}

TEST_CASE("keep-alive follows version and Connection") {
  const auto keeps = [](const std::string& version, const std::string& line) {
    return parse("GET / HTTP/" + version + "\r\nHost: a\r\n" + line + "\r\n").keep_alive;
  };
  CHECK(keeps("1.1", ""));
  CHECK_FALSE(keeps("1.1", "Connection: Close\r\n"));
  CHECK_FALSE(keeps("1.1", "Connection: upgrade, close\r\n"));
  CHECK_FALSE(keeps("1.0", ""));
  CHECK(keeps("1.0", "Connection: keep-alive\r\n"));
}

TEST_CASE("memory grows with what came, never beyond the body, and is given back") {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
  const std::string body(1'000'000, 'x');
  RequestParser parser(ParserLimits{});
  const std::size_t empty = parser.held_bytes();
  const auto feed = [&](std::string_view bytes) {
    Step step = parser.feed(bytes);
    if (step == Step::head_ready) step = parser.feed(bytes);
    return step;
  };
  CHECK(feed(head) == Step::need_more);
  CHECK(parser.held_bytes() < empty + 10'000);
  CHECK(feed(std::string_view(body).substr(0, 300'000)) == Step::need_more);
  CHECK(parser.held_bytes() < empty + 610'000);
  CHECK(feed(std::string_view(body).substr(300'000)) == Step::complete);
  CHECK(parser.held_bytes() < empty + 1'010'000);
  SUBCASE("when it is dropped") {
    parser.drop_body();
  }
  SUBCASE("when the request is forgotten") {
    parser.reset();
  }
  CHECK(parser.held_bytes() < empty + 10'000);
}

TEST_CASE("a body that is skipped takes no memory") {
  for (const bool chunked : {false, true}) {
    RequestParser parser(ParserLimits{});
    const std::string length = chunked ? "Transfer-Encoding: chunked" : "Content-Length: 50000";
    const std::string data(50'000, 'x');
    const std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\n" + length + "\r\n\r\n" +
                              (chunked ? "c350\r\n" + data + "\r\n0\r\n\r\n" : data) + "next";
    std::string_view input = bytes;
    REQUIRE(parser.feed(input) == Step::head_ready);
    CHECK_FALSE((!chunked && parser.skip_body(49'999)));
    REQUIRE(parser.skip_body(50'000));
    CHECK(parser.feed(input) == Step::complete);
    CHECK(parser.request().body.empty());
    CHECK(parser.held_bytes() < 10'000);
    CHECK(input == "next");
  }
}
