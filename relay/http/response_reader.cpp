#include "relay/http/response_reader.hpp"

#include <algorithm>
#include <optional>

#include "relay/http/chunk_decoder.hpp"
#include "relay/http/head_grammar.hpp"
#include "relay/http/request_parser.hpp"

namespace redoubt::http {

namespace {

class Grammar final : public HeadGrammar<false, ResponseHead> {
 public:
  Grammar(ResponseHead& head, const ResponseLimits& limits)
      : HeadGrammar(head, limits.head_bytes_max, limits.headers_max) {}

 private:
  void on_response_impl(int status, text, int version, error_code&) override {
    head_.status = status;
    head_.version_minor = version - 10;
  }
};

}  // namespace

std::optional<std::string_view> ResponseHead::header(std::string_view name) const {
  for (const HeaderView& h : headers) {
    if (equal_ignoring_case(h.name, name)) return h.value;
  }
  return std::nullopt;
}

struct ResponseReader::Impl {
  enum class State : std::uint8_t {
    head,
    head_done,
    counted,
    chunked,
    to_the_end,
    complete,
    failed
  };

  explicit Impl(const ResponseLimits& l) : limits(l) {}

  Step fail(std::string why) {
    failure = std::move(why);
    state = State::failed;
    return Step::failed;
  }
  Step complete() {
    state = State::complete;
    return Step::complete;
  }
  Step read_head(std::string_view& input);
  Step parse_head();
  bool read_framing();
  Step fail_grammar(const Grammar& grammar, const boost::system::error_code& ec);
  Step fail_size();
  bool count(std::size_t bytes);
  Step read_counted(std::string_view& input, BodySink& sink);
  Step read_to_the_end(std::string_view& input, BodySink& sink);
  Step read_chunked(std::string_view& input, BodySink& sink);

  ResponseLimits limits;
  State state = State::head;
  State body_state = State::complete;  // what follows the head
  bool head_request = false;
  bool keep_alive = false;
  int interim = 0;
  std::string text;  // the head; its views point into it
  std::size_t content_length = 0;
  std::size_t body_bytes = 0;
  bool too_large = false;
  ResponseHead head;
  std::optional<ChunkDecoder> chunks;
  std::string failure;
};

ResponseReader::Step ResponseReader::Impl::read_head(std::string_view& input) {
  while (!input.empty()) {
    // The end of the head may be split over two inputs.
    const std::size_t from = text.size() < 3 ? 0 : text.size() - 3;
    const std::size_t taken = std::min(input.size(), limits.head_bytes_max - text.size());
    const std::size_t before = text.size();
    text.append(input.substr(0, taken));
    const std::size_t end = text.find("\r\n\r\n", from);
    if (end == std::string::npos) {
      input.remove_prefix(taken);
      if (text.size() == limits.head_bytes_max) {
        return fail("the response's head is over " + std::to_string(limits.head_bytes_max) +
                    " bytes");
      }
      continue;
    }
    text.resize(end + 4);
    input.remove_prefix(text.size() - before);
    const Step step = parse_head();
    if (step != Step::need_more) return step;
  }
  return Step::need_more;
}

ResponseReader::Step ResponseReader::Impl::parse_head() {
  Grammar grammar(head, limits);
  boost::system::error_code ec;
  grammar.put(boost::asio::const_buffer(text.data(), text.size()), ec);
  if (ec) return fail_grammar(grammar, ec);
  if (head.status == 101) return fail("the server changed the protocol unasked");
  if (head.status < 200) {
    if (++interim > limits.interim_max) return fail("too many interim responses");
    head = {};
    text.clear();
    return Step::need_more;
  }
  if (!read_framing()) return Step::failed;
  state = State::head_done;
  return Step::head_ready;
}

bool ResponseReader::Impl::read_framing() {
  std::optional<std::string_view> length;
  bool chunked = false;
  bool close = false;
  bool keep = false;
  for (const HeaderView& h : head.headers) {
    if (equal_ignoring_case(h.name, "content-length")) {
      length = h.value;  // Beast refuses a second, different one
    } else if (equal_ignoring_case(h.name, "transfer-encoding")) {
      if (chunked || !equal_ignoring_case(h.value, "chunked")) {
        fail("the response's Transfer-Encoding is not exactly \"chunked\"");
        return false;
      }
      chunked = true;
    } else if (equal_ignoring_case(h.name, "connection")) {
      close = close || list_contains(h.value, "close");
      keep = keep || list_contains(h.value, "keep-alive");
    }
  }
  keep_alive = !close && (head.version_minor == 1 || keep);
  if (length) {
    const bool digits =
        !length->empty() && length->size() <= content_length_digits_max &&
        std::all_of(length->begin(), length->end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) {
      fail("the response's Content-Length is not a decimal number");
      return false;
    }
    for (char c : *length)
      content_length = content_length * 10 + static_cast<std::size_t>(c - '0');
  }
  if (head_request || head.status == 204 || head.status == 304 || (length && content_length == 0)) {
    body_state = State::complete;
  } else if (chunked) {
    chunks.emplace(ChunkLimits{.body_bytes_max = limits.body_bytes_max,
                               .line_bytes_max = limits.chunk_line_bytes_max,
                               .trailer_bytes_max = limits.trailer_bytes_max,
                               .padded_sizes = true});
    body_state = State::chunked;
  } else if (length) {
    body_state = State::counted;
  } else {
    keep_alive = false;
    body_state = State::to_the_end;
  }
  return true;
}

ResponseReader::Step ResponseReader::Impl::fail_grammar(const Grammar& grammar,
                                                        const boost::system::error_code& ec) {
  if (grammar.too_many_headers()) return fail("the response has too many headers");
  return fail("the response is not HTTP/1.1: " + ec.message());
}

ResponseReader::Step ResponseReader::Impl::fail_size() {
  too_large = true;
  return fail("the response's body is over " + std::to_string(limits.body_bytes_max) + " bytes");
}

bool ResponseReader::Impl::count(std::size_t bytes) {
  if (bytes > limits.body_bytes_max - body_bytes) return false;
  body_bytes += bytes;
  return true;
}

ResponseReader::Step ResponseReader::Impl::read_counted(std::string_view& input, BodySink& sink) {
  const std::size_t taken = std::min(input.size(), content_length - body_bytes);
  if (!count(taken)) return fail_size();
  if (taken > 0) sink.on_body(input.substr(0, taken));
  input.remove_prefix(taken);
  return body_bytes == content_length ? complete() : Step::need_more;
}

ResponseReader::Step ResponseReader::Impl::read_to_the_end(std::string_view& input,
                                                           BodySink& sink) {
  if (!count(input.size())) return fail_size();
  if (!input.empty()) sink.on_body(input);
  input = {};
  return Step::need_more;
}

ResponseReader::Step ResponseReader::Impl::read_chunked(std::string_view& input, BodySink& sink) {
  std::string_view data;
  ChunkDecoder::Step step = chunks->feed(input, data);
  for (; step == ChunkDecoder::Step::data; step = chunks->feed(input, data)) {
    if (!count(data.size())) return fail_size();
    sink.on_body(data);
  }
  switch (step) {
    case ChunkDecoder::Step::complete:
      return complete();
    case ChunkDecoder::Step::too_large:
      return fail_size();
    case ChunkDecoder::Step::refused:
      return fail("the response is not HTTP/1.1: " + std::string(chunks->problem()));
    default:
      return Step::need_more;
  }
}

ResponseReader::ResponseReader(const ResponseLimits& limits)
    : impl_(std::make_unique<Impl>(limits)) {}
ResponseReader::~ResponseReader() = default;
ResponseReader::ResponseReader(ResponseReader&&) noexcept = default;
ResponseReader& ResponseReader::operator=(ResponseReader&&) noexcept = default;

ResponseReader::Step ResponseReader::feed(std::string_view& input, BodySink& sink) {
  Impl& self = *impl_;
  switch (self.state) {
    case Impl::State::head:
      return self.read_head(input);
    case Impl::State::head_done:
      if (self.body_state == Impl::State::complete) return self.complete();
      self.state = self.body_state;
      if (self.state == Impl::State::counted && self.content_length > self.limits.body_bytes_max) {
        return self.fail_size();
      }
      return feed(input, sink);
    case Impl::State::counted:
      return self.read_counted(input, sink);
    case Impl::State::to_the_end:
      return self.read_to_the_end(input, sink);
    case Impl::State::chunked:
      return input.empty() ? Step::need_more : self.read_chunked(input, sink);
    case Impl::State::complete:
      return Step::complete;
    case Impl::State::failed:
      break;
  }
  return Step::failed;
}

ResponseReader::Step ResponseReader::end_of_input() {
  Impl& self = *impl_;
  if (self.state == Impl::State::complete) return Step::complete;
  if (self.state == Impl::State::failed) return Step::failed;
  if (self.state == Impl::State::to_the_end) return self.complete();
  return self.fail(started() ? "the connection ended in the middle of the response"
                             : "the connection ended before a response");
}

void ResponseReader::reset(bool head_request) {
  Impl& self = *impl_;
  self.state = Impl::State::head;
  self.head_request = head_request;
  self.interim = 0;
  self.text.clear();
  self.content_length = 0;
  self.body_bytes = 0;
  self.too_large = false;
  self.head = {};
  self.chunks.reset();
  self.failure.clear();
}

const ResponseHead& ResponseReader::head() const {
  return impl_->head;
}
bool ResponseReader::started() const {
  return impl_->state != Impl::State::head || !impl_->text.empty() || impl_->interim > 0;
}
bool ResponseReader::keep_alive() const {
  return impl_->keep_alive;
}
std::size_t ResponseReader::head_bytes() const {
  return impl_->text.size();
}

std::size_t ResponseReader::body_bytes() const {
  return impl_->body_bytes;
}
bool ResponseReader::too_large() const {
  return impl_->too_large;
}
const std::string& ResponseReader::failure() const {
  return impl_->failure;
}

}  // namespace redoubt::http
