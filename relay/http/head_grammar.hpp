// HeadGrammar: Beast's grammar of a head, for requests and for responses, with our own storage: no
// copies, and every header line is seen, also the ones that Beast would fold together. The body is
// not Beast's: where it would begin one, parsing stops with an error.
//
// For the two sources that parse heads alone: it brings Beast's parser along.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "relay/http/message.hpp"

namespace redoubt::http {

inline constexpr std::size_t content_length_digits_max = 18;  // below 2^63

inline std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

/// Without spaces and tabs around it.
inline std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// `Head` has `headers`, a list of HeaderView, and outlives the grammar.
template <bool is_request, class Head>
class HeadGrammar : public boost::beast::http::basic_parser<is_request> {
 public:
  HeadGrammar(Head& head, std::size_t head_bytes_max, std::size_t headers_max)
      : head_(head), headers_max_(headers_max) {
    this->eager(false);
    this->header_limit(static_cast<std::uint32_t>(head_bytes_max));
    this->body_limit(boost::none);
  }
  bool too_many_headers() const { return too_many_headers_; }

 protected:
  using text = boost::beast::string_view;
  using error_code = boost::system::error_code;

  static void stop(error_code& ec) { ec = boost::beast::http::error::bad_value; }

  void on_request_impl(boost::beast::http::verb, text, text, int, error_code& ec) override {
    stop(ec);
  }
  void on_response_impl(int, text, int, error_code& ec) override { stop(ec); }
  void on_field_impl(boost::beast::http::field, text name, text value, error_code& ec) override {
    if (head_.headers.size() == headers_max_) {
      too_many_headers_ = true;
      stop(ec);
      return;
    }
    head_.headers.push_back({view(name), trim(view(value))});
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(text, error_code& ec) override {
    stop(ec);
    return 0;
  }
  void on_chunk_header_impl(std::uint64_t, text, error_code& ec) override { stop(ec); }
  std::size_t on_chunk_body_impl(std::uint64_t, text, error_code& ec) override {
    stop(ec);
    return 0;
  }
  void on_finish_impl(error_code&) override {}

  Head& head_;

 private:
  std::size_t headers_max_;
  bool too_many_headers_ = false;
};

}  // namespace redoubt::http
