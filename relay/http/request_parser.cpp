#include "relay/http/request_parser.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/ascii.hpp"
#include "relay/http/chunk_decoder.hpp"
#include "relay/http/head_grammar.hpp"

namespace redoubt::http {

namespace {

namespace beast = boost::beast;

constexpr std::size_t body_kept_bytes_max = 64 * 1024;  // more is given back between requests

/// Allowed inside a line of the head: visible ASCII, space, tab, and obs-text (0x80..0xff).
constexpr std::array<bool, 256> make_line_bytes() {
  std::array<bool, 256> allowed{};
  for (int c = 0x20; c < 0x100; ++c)
    allowed[static_cast<std::size_t>(c)] = c != 0x7f;
  allowed['\t'] = true;
  return allowed;
}
constexpr std::array<bool, 256> line_bytes = make_line_bytes();

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// host[:port] as RFC 3986 has it, without user information; an IPv6 address in brackets.
bool valid_authority(std::string_view text) {
  if (text.empty() || text.size() > 300) return false;
  std::string_view host = text;
  std::string_view port;
  if (text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    host = text.substr(0, colon);
    port = text.substr(colon);
    const bool sound = std::all_of(host.begin(), host.end(), [](char c) {
      return is_ascii_alnum(c) ||
             std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
    });
    if (host.empty() || !sound) return false;
  }
  if (port.empty()) return true;
  port.remove_prefix(1);
  return text.at(text.size() - port.size() - 1) == ':' && port.size() <= 5 &&
         (port.empty() || all_digits(port));
}

/// What comes out of the head that the session needs beside the Request.
struct Framing {
  bool chunked = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool websocket = false;
  std::size_t content_length = 0;
};

std::optional<Refusal> bad(std::string message) {
  return Refusal{400, "bad_request", std::move(message)};
}

std::optional<Refusal> check_target(Request& request) {
  std::string_view target = request.target;
  for (char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '#') {
      return bad("The request target holds a character that must be percent-encoded.");
    }
  }
  if (target == "*" && request.method == Method::options) {
    request.path = target;
    return std::nullopt;
  }
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!equal_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    if (!equal_ignoring_case(rest.substr(0, end), request.header_or("host", ""))) {
      return bad("The request target names another host than the Host header.");
    }
    target = end == rest.size() ? std::string_view("/") : rest.substr(end);
    break;
  }
  if (target.empty() || target.front() != '/') {
    return bad("The request target must start with '/'.");
  }
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  if (request.path.find('%') == std::string_view::npos) return std::nullopt;
  const auto decoded = percent_decode(request.path);
  if (!decoded || decoded->find('\0') != std::string::npos) {
    return bad("The path of the request target holds a malformed percent escape.");
  }
  return std::nullopt;
}

std::optional<Refusal> check_host(const Request& request) {
  const std::size_t hosts = request.header_count("host");
  if (hosts > 1) return bad("There is more than one Host header.");
  if (hosts == 0) {
    if (request.version_minor == 0) return std::nullopt;
    return bad("The Host header is missing.");
  }
  if (!valid_authority(*request.header("host"))) {
    return bad("The Host header is not of the form host[:port].");
  }
  return std::nullopt;
}

std::optional<Refusal> check_length(const Request& request, Framing& framing) {
  const std::size_t lengths = request.header_count("content-length");
  const std::size_t encodings = request.header_count("transfer-encoding");
  if (encodings > 0) {
    if (lengths > 0) return bad("Transfer-Encoding and Content-Length exclude each other.");
    if (request.version_minor == 0) return bad("HTTP/1.0 has no Transfer-Encoding.");
    if (encodings > 1 || !equal_ignoring_case(*request.header("transfer-encoding"), "chunked")) {
      return bad("Transfer-Encoding must be exactly \"chunked\".");
    }
    framing.chunked = true;
    return std::nullopt;
  }
  if (lengths == 0) return std::nullopt;
  if (lengths > 1) return bad("There is more than one Content-Length header.");
  const std::string_view text = *request.header("content-length");
  if (!all_digits(text)) return bad("Content-Length must be a decimal number.");
  if (text.size() > content_length_digits_max) {
    return Refusal{413, "body_too_large", "Content-Length is beyond any limit."};
  }
  for (char c : text) {
    framing.content_length = framing.content_length * 10 + static_cast<std::size_t>(c - '0');
  }
  return std::nullopt;
}

std::optional<Refusal> check_expect(const Request& request, Framing& framing) {
  const auto expect = request.header("expect");
  if (!expect) return std::nullopt;
  if (request.header_count("expect") > 1 || !equal_ignoring_case(*expect, "100-continue")) {
    return Refusal{417, "expectation_failed", "The only expectation known is 100-continue."};
  }
  const bool body = framing.chunked || framing.content_length > 0;
  framing.expects_continue = body && request.version_minor == 1;
  return std::nullopt;
}

bool any_lists(const Request& request, std::string_view name, std::string_view token) {
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const HeaderView& h) {
    return equal_ignoring_case(h.name, name) && list_contains(h.value, token);
  });
}

std::optional<Refusal> check_head(Request& request, Framing& framing) {
  if (auto refusal = check_host(request)) return refusal;
  if (auto refusal = check_target(request)) return refusal;
  if (auto refusal = check_length(request, framing)) return refusal;
  if (auto refusal = check_expect(request, framing)) return refusal;
  framing.keep_alive = request.version_minor == 1 ? !any_lists(request, "connection", "close")
                                                  : any_lists(request, "connection", "keep-alive");
  framing.websocket =
      any_lists(request, "upgrade", "websocket") && any_lists(request, "connection", "upgrade");
  return std::nullopt;
}

class Grammar final : public HeadGrammar<true, Request> {
 public:
  Grammar(Request& request, const ParserLimits& limits)
      : HeadGrammar(request, limits.head_bytes_max, limits.headers_max) {}

 private:
  void on_request_impl(beast::http::verb, text method, text target, int version,
                       error_code&) override {
    head_.method_text = view(method);
    head_.method = method_of(head_.method_text);
    head_.target = view(target);
    head_.version_minor = version - 10;
  }
};

}  // namespace

bool list_contains(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    if (equal_ignoring_case(trim(item), token)) return true;
    list.remove_prefix(std::min(list.size(), item.size() + 1));
  }
  return false;
}

struct RequestParser::Impl {
  enum class State : std::uint8_t { head, head_done, body, complete, refused };

  explicit Impl(const ParserLimits& l) : limits(l) {}

  Step refuse(Refusal why) {
    refusal = std::move(why);
    state = State::refused;
    return Step::refused;
  }
  Step refuse_head_size();
  Step read_head(std::string_view& input);
  Step parse_head();
  Step refuse_grammar(const Grammar& grammar, const boost::system::error_code& ec);
  Step refuse_body_size();
  Step start_body();
  Step read_plain_body(std::string_view& input);
  Step read_chunked_body(std::string_view& input);
  Step finish();
  void keep(std::string_view bytes, std::size_t whole_bytes);

  ParserLimits limits;
  State state = State::head;
  std::string head;            // the request's views point into it
  std::size_t line_start = 0;  // of the line being read, in `head`
  bool empty_line_seen = false;
  std::size_t body_bytes_max = 0;
  std::size_t chunk_bytes = 0;  // consumed by a chunked body, framing included
  std::size_t body_bytes = 0;   // of the body, kept or not
  bool skipping = false;        // the body is not kept
  std::vector<char> body;       // a string would take more than it is asked to reserve
  Request request;
  Framing framing;
  std::optional<ChunkDecoder> chunks;
  Refusal refusal;
};

RequestParser::Step RequestParser::Impl::refuse_head_size() {
  if (head.find('\n') == std::string::npos) {
    return refuse({414, "uri_too_long",
                   "The request line is over the limit of " +
                       std::to_string(limits.head_bytes_max) + " bytes."});
  }
  return refuse({431, "header_too_large",
                 "The request's head is over the limit of " +
                     std::to_string(limits.head_bytes_max) + " bytes."});
}

// Copies input to the head up to its end, refusing what is never part of a sound head at the first
// byte that shows it. One pass over the bytes.
RequestParser::Step RequestParser::Impl::read_head(std::string_view& input) {
  while (!input.empty()) {
    const std::size_t room = limits.head_bytes_max - head.size();
    const std::size_t newline = input.substr(0, room).find('\n');
    const bool whole = newline != std::string_view::npos;
    const std::size_t taken = whole ? newline + 1 : std::min(room, input.size());
    head.append(input.substr(0, taken));
    input.remove_prefix(taken);
    if (!whole) {
      if (head.size() == limits.head_bytes_max) return refuse_head_size();
      return Step::need_more;
    }
    const std::string_view line(head.data() + line_start, head.size() - line_start);
    if (line.size() < 2 || line[line.size() - 2] != '\r') {
      return refuse(*bad("A line of the head does not end in CRLF."));
    }
    const std::string_view text = line.substr(0, line.size() - 2);
    if (text.empty() && line_start > 0) return parse_head();
    if (text.empty()) {
      // One empty line before the request line is forgiven (RFC 9112, 2.2).
      if (empty_line_seen) return refuse(*bad("The request line is empty."));
      empty_line_seen = true;
      head.clear();
      continue;
    }
    if (text.front() == ' ' || text.front() == '\t') {
      return refuse(*bad("A header line is folded or starts with a space."));
    }
    for (char c : text) {
      if (!line_bytes[static_cast<unsigned char>(c)]) {
        return refuse(*bad("The head holds a control character."));
      }
    }
    line_start = head.size();
  }
  return Step::need_more;
}

RequestParser::Step RequestParser::Impl::parse_head() {
  Grammar grammar(request, limits);
  boost::system::error_code ec;
  grammar.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  if (ec) return refuse_grammar(grammar, ec);
  if (auto why = check_head(request, framing)) return refuse(std::move(*why));
  body_bytes_max = limits.body_bytes_max;
  state = State::head_done;
  return Step::head_ready;
}

RequestParser::Step RequestParser::Impl::refuse_grammar(const Grammar& grammar,
                                                        const boost::system::error_code& ec) {
  if (grammar.too_many_headers()) {
    return refuse({431, "header_too_large",
                   "There are more than " + std::to_string(limits.headers_max) + " headers."});
  }
  if (ec == beast::http::error::bad_version) {
    // A sound request line has two spaces; behind the second stands the version.
    const std::string_view line = std::string_view(head).substr(0, head.find('\r'));
    const std::size_t space = line.find(' ', line.find(' ') + 1);
    const std::string_view version = line.substr(std::min(space, line.size() - 1) + 1);
    if (version.starts_with("HTTP/") && version.find(' ') == std::string_view::npos) {
      return refuse({505, "version_not_supported", "Only HTTP/1.0 and HTTP/1.1 are spoken here."});
    }
  }
  return refuse(*bad("The request is not HTTP/1.1: " + ec.message() + "."));
}

RequestParser::Step RequestParser::Impl::refuse_body_size() {
  return refuse({413, "body_too_large",
                 "The body is over the limit of " + std::to_string(body_bytes_max) + " bytes."});
}

RequestParser::Step RequestParser::Impl::start_body() {
  if (framing.chunked) {
    chunks.emplace(ChunkLimits{.body_bytes_max = body_bytes_max,
                               .line_bytes_max = limits.chunk_line_bytes_max,
                               .trailer_bytes_max = limits.trailer_bytes_max});
  } else if (framing.content_length > body_bytes_max) {
    return refuse_body_size();
  } else if (framing.content_length == 0) {
    return finish();
  }
  state = State::body;
  return Step::need_more;
}

// Memory grows with what has come, not with what was announced, and never beyond `whole_bytes`.
void RequestParser::Impl::keep(std::string_view bytes, std::size_t whole_bytes) {
  body_bytes += bytes.size();
  if (skipping) return;
  if (body_bytes > body.capacity()) {
    body.reserve(std::min(whole_bytes, std::max(body_bytes, 2 * body.capacity())));
  }
  body.insert(body.end(), bytes.begin(), bytes.end());
}

RequestParser::Step RequestParser::Impl::read_plain_body(std::string_view& input) {
  const std::size_t taken = std::min(input.size(), framing.content_length - body_bytes);
  keep(input.substr(0, taken), framing.content_length);
  input.remove_prefix(taken);
  return body_bytes == framing.content_length ? finish() : Step::need_more;
}

RequestParser::Step RequestParser::Impl::read_chunked_body(std::string_view& input) {
  const std::size_t before = input.size();
  std::string_view data;
  ChunkDecoder::Step step = ChunkDecoder::Step::data;
  while (step == ChunkDecoder::Step::data) {
    step = chunks->feed(input, data);
    if (step == ChunkDecoder::Step::data) keep(data, body_bytes_max);
  }
  chunk_bytes += before - input.size();
  switch (step) {
    case ChunkDecoder::Step::complete:
      return finish();
    case ChunkDecoder::Step::too_large:
      return refuse_body_size();
    case ChunkDecoder::Step::refused:
      return refuse(*bad(std::string(chunks->problem())));
    default:
      return Step::need_more;
  }
}

RequestParser::Step RequestParser::Impl::finish() {
  request.body = std::string_view(body.data(), body.size());
  state = State::complete;
  return Step::complete;
}

RequestParser::RequestParser(const ParserLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;

RequestParser::Step RequestParser::feed(std::string_view& input) {
  Impl& self = *impl_;
  if (self.state == Impl::State::head) return self.read_head(input);
  if (self.state == Impl::State::head_done) {
    const Step step = self.start_body();
    if (step != Step::need_more || input.empty()) return step;
  }
  if (self.state != Impl::State::body) {
    return self.state == Impl::State::complete ? Step::complete : Step::refused;
  }
  if (input.empty()) return Step::need_more;
  return self.framing.chunked ? self.read_chunked_body(input) : self.read_plain_body(input);
}

void RequestParser::set_body_limit(std::size_t bytes_max) {
  impl_->body_bytes_max = bytes_max;
}

bool RequestParser::skip_body(std::size_t bytes_max) {
  Impl& self = *impl_;
  if (!self.framing.chunked && self.framing.content_length > bytes_max) return false;
  self.skipping = true;
  self.body_bytes_max = bytes_max;
  return true;
}

void RequestParser::drop_body() {
  impl_->request.body = {};
  impl_->body = std::vector<char>();  // = {} would keep its memory
}

void RequestParser::reset() {
  Impl& self = *impl_;
  self.state = Impl::State::head;
  self.head.clear();
  self.line_start = 0;
  self.empty_line_seen = false;
  self.chunk_bytes = 0;
  self.body_bytes = 0;
  self.skipping = false;
  self.body.clear();
  if (self.body.capacity() > body_kept_bytes_max) self.body = std::vector<char>();
  self.request.headers.clear();
  self.request.parameters.clear();
  self.request.attachment.reset();
  self.request.client_gone = nullptr;
  std::vector<HeaderView> headers = std::move(self.request.headers);
  std::vector<PathParameter> parameters = std::move(self.request.parameters);
  self.request = Request{};
  self.request.headers = std::move(headers);
  self.request.parameters = std::move(parameters);
  self.framing = {};
  self.chunks.reset();
}

bool RequestParser::started() const {
  return impl_->state != Impl::State::head || !impl_->head.empty();
}
bool RequestParser::in_body() const {
  return impl_->state == Impl::State::body;
}
Request& RequestParser::request() {
  return impl_->request;
}
const Refusal& RequestParser::refusal() const {
  return impl_->refusal;
}
bool RequestParser::keep_alive() const {
  return impl_->framing.keep_alive;
}
bool RequestParser::expects_continue() const {
  return impl_->framing.expects_continue;
}
bool RequestParser::has_body() const {
  return impl_->framing.chunked || impl_->framing.content_length > 0;
}
bool RequestParser::wants_websocket() const {
  return impl_->framing.websocket;
}
std::size_t RequestParser::bytes() const {
  return impl_->head.size() + (impl_->framing.chunked ? impl_->chunk_bytes : impl_->body_bytes);
}
std::size_t RequestParser::held_bytes() const {
  return sizeof(Impl) + impl_->head.capacity() + impl_->body.capacity() +
         impl_->request.headers.capacity() * sizeof(HeaderView);
}

}  // namespace redoubt::http
