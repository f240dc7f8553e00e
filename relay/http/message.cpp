#include "relay/http/message.hpp"

#include "engine/base/ascii.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace redoubt::http {

namespace {

constexpr std::array<Method, 7> methods = {Method::get, Method::head,  Method::post,   Method::put,
                                           Method::del, Method::patch, Method::options};

constexpr char lower(char c) {
  return ascii_lower(c);
}

/// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/// `space` is the character that stands for a space: '+' in a query, ' ' (itself) elsewhere.
std::optional<std::string> decode(std::string_view text, char space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
      if (low < 0) return std::nullopt;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return out;
}

/// A header that could split an answer is never sent: see message.hpp, 3.
bool sendable(const Header& header) {
  constexpr std::string_view breaking("\r\n\0", 3);
  return !header.name.empty() && header.name.find_first_of(breaking) == std::string::npos &&
         header.name.find(':') == std::string::npos &&
         header.value.find_first_of(breaking) == std::string::npos;
}

}  // namespace

std::string_view to_string(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::patch:
      return "PATCH";
    case Method::del:
      return "DELETE";
    case Method::options:
      return "OPTIONS";
    case Method::other:
      return "";
  }
  return "";
}

Method method_of(std::string_view text) {
  for (Method method : methods) {
    if (to_string(method) == text) return method;
  }
  return Method::other;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const HeaderView& header : headers) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::string_view Request::header_or(std::string_view name, std::string_view fallback) const {
  return header(name).value_or(fallback);
}

std::size_t Request::header_count(std::string_view name) const {
  std::size_t count = 0;
  for (const HeaderView& header : headers)
    count += equal_ignoring_case(header.name, name) ? 1 : 0;
  return count;
}

std::string_view Request::parameter(std::string_view name) const {
  for (const PathParameter& parameter : parameters) {
    if (parameter.name == name) return parameter.value;
  }
  return {};
}

std::optional<std::string> Request::query_parameter(std::string_view name) const {
  std::string_view rest = query;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    const auto key = query_decode(pair.substr(0, equals));
    if (!key || *key != name) continue;
    return equals == std::string_view::npos ? std::string() : query_decode(pair.substr(equals + 1));
  }
  return std::nullopt;
}

Response Response::json(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers.push_back({"Content-Type", "application/json"});
  response.body = std::move(body);
  return response;
}

Response Response::text(int status, std::string body) {
  Response response;
  response.status = status;
  response.headers.push_back({"Content-Type", "text/plain; charset=utf-8"});
  response.body = std::move(body);
  return response;
}

Response Response::empty(int status) {
  Response response;
  response.status = status;
  return response;
}

Response Response::from(std::shared_ptr<const Prepared> prepared) {
  Response response;
  response.prepared = std::move(prepared);
  return response;
}

Response& Response::add(std::string name, std::string value) {
  headers.push_back({std::move(name), std::move(value)});
  return *this;
}

Response& Response::set(std::string_view name, std::string value) {
  std::erase_if(headers, [&](const Header& h) { return equal_ignoring_case(h.name, name); });
  return add(std::string(name), std::move(value));
}

bool Response::has(std::string_view name) const {
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) return true;
  }
  return false;
}

std::string_view Response::body_view() const {
  if (prepared) return prepared->body();
  return shared_body ? std::string_view(*shared_body) : std::string_view(body);
}

int Response::status_code() const {
  return prepared ? prepared->status() : status;
}

std::shared_ptr<const Prepared> Prepared::make(const Response& response) {
  auto prepared = std::make_shared<Prepared>();
  prepared->status_ = response.status;
  append_head(prepared->head_, response.status, response.headers);
  prepared->body_ = response.body_view();
  return prepared;
}

void append_head(std::string& out, int status, const std::vector<Header>& headers) {
  out.append("HTTP/1.1 ").append(std::to_string(status)).push_back(' ');
  out.append(reason_phrase(status)).append("\r\n");
  append_headers(out, headers);
}

void append_headers(std::string& out, const std::vector<Header>& headers) {
  for (const Header& header : headers) {
    if (!sendable(header)) continue;
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  }
}

namespace {

struct ReasonPhrase {
  int status;
  std::string_view phrase;
};

// RFC 9110 15, in order.
constexpr ReasonPhrase reason_phrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

}  // namespace

std::string_view reason_phrase(int status) {
  const auto* found =
      std::lower_bound(std::begin(reason_phrases), std::end(reason_phrases), status,
                       [](const ReasonPhrase& row, int wanted) { return row.status < wanted; });
  return found != std::end(reason_phrases) && found->status == status ? found->phrase : "";
}

std::optional<std::string> percent_decode(std::string_view text) {
  return decode(text, ' ');
}

std::optional<std::string> query_decode(std::string_view text) {
  return decode(text, '+');
}

std::string http_date(std::int64_t wall_ms) {
  using namespace std::chrono;
  static constexpr std::array<const char*, 7> weekdays = {"Sun", "Mon", "Tue", "Wed",
                                                          "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const sys_seconds time{floor<seconds>(milliseconds(wall_ms))};
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  std::array<char, 40> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
      weekdays[weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
      months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return std::string(text.data(), static_cast<std::size_t>(length));
}

}  // namespace redoubt::http
