#include "tools/mock-upstream/server.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdio>
#include <deque>
#include <map>

#include "engine/base/json.hpp"
#include "relay/http/request_parser.hpp"
#include "relay/net/channel.hpp"
#include "relay/net/port_holder.hpp"
#include "relay/net/task.hpp"
#include "relay/net/tls.hpp"
#include "tools/mock-upstream/answers.hpp"

namespace redoubt::mock {

namespace asio = boost::asio;
using net::Channel;
using net::Task;
using Tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<Tcp, net::Executor>;
using Acceptor = asio::basic_socket_acceptor<Tcp, net::Executor>;
using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, net::Executor>;

namespace {

constexpr std::size_t calls_kept_max = 10'000;
constexpr std::size_t recording_bytes_max = 1 << 20;

struct CallRecord {
  std::string path;
  std::string model;
  std::string authorization;
  std::string body;
  std::string fault;              // for which the body was refused
  std::string end = "under_way";  // answered, client_gone, cut, reset
  std::size_t sent_bytes = 0;
};

struct State {
  Options options;
  net::Tls* tls = nullptr;
  /// The same request may have been recorded several times: its answers take turns.
  struct Turns {
    std::vector<const Recording*> recordings;
    std::size_t next = 0;
  };
  std::map<std::pair<std::string, std::string>, Turns> recordings;
  std::deque<CallRecord> calls;
  std::size_t forgotten = 0;  // calls dropped from the front
};

std::string canonical(std::string_view body) {
  const auto json = parse_json(body, {.bytes_max = 64 << 20, .depth_max = 128});
  return json ? json->dump() : std::string(body);
}

/// One connection: reads requests and carries out their steps.
class Conversation {
 public:
  Conversation(State& state, Socket socket)
      : state_(state),
        socket_(std::move(socket)),
        context_(state.tls ? state.tls->current() : nullptr),
        channel_(socket_.native_handle(), context_.get()),
        parser_({.head_bytes_max = 64 << 10, .body_bytes_max = 64 << 20}) {}

  static Task<void> run(std::shared_ptr<Conversation> self) { co_await self->converse(); }

 private:
  Task<void> wait(Socket::wait_type direction) {
    boost::system::error_code ec;  // shows at the next read or write
    const asio::use_awaitable_t<net::Executor> use;
    auto token = asio::redirect_error(use, ec);
    co_await socket_.async_wait(direction, std::move(token));
  }

  Task<void> converse() {
    boost::system::error_code ec;
    socket_.native_non_blocking(true, ec);
    while (channel_.secure()) {
      const auto status = channel_.handshake();
      if (status == Channel::Status::ok) break;
      if (status == Channel::Status::failed || status == Channel::Status::end) co_return;
      co_await wait(status == Channel::Status::would_write ? Socket::wait_write
                                                           : Socket::wait_read);
    }
    while (true) {
      const bool asked = co_await read_request();
      if (!asked) co_return;
      const bool go_on = co_await answer();
      if (!go_on || !parser_.keep_alive()) co_return;
      parser_.reset();
    }
  }

  Task<bool> read_request() {
    std::array<char, 16384> bytes;
    while (true) {
      std::string_view input = input_;
      const auto step = parser_.feed(input);
      input_.erase(0, input_.size() - input.size());
      if (step == http::RequestParser::Step::complete) co_return true;
      if (step == http::RequestParser::Step::refused) co_return false;
      if (step == http::RequestParser::Step::head_ready) continue;
      const auto outcome = channel_.read(bytes);
      if (outcome.status == Channel::Status::ok) {
        input_.append(bytes.data(), outcome.bytes);
      } else if (outcome.status == Channel::Status::would_read) {
        co_await wait(Socket::wait_read);
      } else {
        co_return false;
      }
    }
  }

  /// False where the client is gone.
  Task<bool> send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto outcome = channel_.write(std::span(&bytes, 1));
      if (outcome.status == Channel::Status::ok) {
        bytes.remove_prefix(outcome.bytes);
        call().sent_bytes += outcome.bytes;
      } else if (outcome.status == Channel::Status::would_write) {
        co_await wait(Socket::wait_write);
      } else {
        call().end = "client_gone";
        co_return false;
      }
    }
    co_return true;
  }
  Task<bool> send_body(std::string_view bytes) {
    if (bytes.empty()) co_return true;
    std::string framed;
    if (chunked_) {
      std::array<char, 24> size{};
      std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
      framed.append(size.data()).append(bytes).append("\r\n");
    } else {
      framed = bytes;
    }
    const bool sent = co_await send(framed);
    co_return sent;
  }
  Task<bool> send_head(const Step& step) {
    std::string head = "HTTP/1.1 " + std::to_string(step.status) + " Mock\r\n";
    chunked_ = !step.to_the_end;
    to_the_end_ = step.to_the_end;
    for (const auto& [name, value] : step.headers) {
      if (http::equal_ignoring_case(name, "content-length")) chunked_ = false;
      head += name + ": " + value + "\r\n";
    }
    if (chunked_) head += "Transfer-Encoding: chunked\r\n";
    head_sent_ = true;
    head += "\r\n";
    const bool sent = co_await send(head);
    co_return sent;
  }

  /// Until the time is over; false where the client leaves before.
  Task<bool> pause(std::int64_t ms) {
    if (ms == 0) co_return true;
    Timer timer(socket_.get_executor(), std::chrono::milliseconds(ms));
    bool gone = false;
    watch(timer, gone);
    boost::system::error_code ec;
    const asio::use_awaitable_t<net::Executor> use;
    auto token = asio::redirect_error(use, ec);
    co_await timer.async_wait(std::move(token));
    boost::system::error_code ignored;
    socket_.cancel(ignored);
    if (gone) call().end = "client_gone";
    co_return !gone;
  }
  /// Ends the timer when the client leaves.
  void watch(Timer& timer, bool& gone) {
    socket_.async_wait(Socket::wait_read, [this, &timer, &gone](boost::system::error_code ec) {
      if (ec) return;
      std::array<char, 1> byte;
      const ssize_t n = ::recv(socket_.native_handle(), byte.data(), 1, MSG_PEEK | MSG_DONTWAIT);
      if (n > 0) return;
      gone = true;
      timer.cancel();
    });
  }

  Task<bool> whole_answer(const Answer& wanted) {
    const Prompt prompt = read_prompt(parser_.request().path, parser_.request().body);
    const bool started = co_await pause(wanted.first_ms);
    if (!started) co_return false;
    call().fault = refusal_of(prompt, wanted, parser_.request().body);
    const bool refuses = !call().fault.empty();
    Step head;
    head.kind = Step::Kind::head;
    head.status = refuses ? 400 : prompt.format == Format::unknown ? 404 : 200;
    if (prompt.stream && !refuses) {
      head.headers = {{"Content-Type", "text/event-stream; charset=utf-8"}};
      const bool sent = co_await send_head(head);
      if (!sent) co_return false;
      for (const std::string& event : events(prompt, wanted)) {
        const bool went = co_await send_body(event);
        if (!went) co_return false;
        const bool waited = co_await pause(wanted.every_ms);
        if (!waited) co_return false;
      }
      co_return true;
    }
    const std::string body = refuses ? refused(prompt.format, call().fault) : whole(prompt, wanted);
    head.headers = {{"Content-Type", "application/json"},
                    {"Content-Length", std::to_string(body.size())}};
    const bool sent = co_await send_head(head);
    if (!sent) co_return false;
    const bool went = co_await send_body(body);
    co_return went;
  }

  Task<bool> carry_out(const Step& step) {
    switch (step.kind) {
      case Step::Kind::wait: {
        const bool there = co_await pause(step.wait_ms);
        co_return there;
      }
      case Step::Kind::head: {
        const bool sent = co_await send_head(step);
        co_return sent;
      }
      case Step::Kind::send:
        for (std::int64_t i = 0; i < step.repeat; ++i) {
          bool sent = false;
          if (head_sent_) {
            sent = co_await send_body(step.bytes);
          } else {
            sent = co_await send(step.bytes);
          }
          if (!sent) co_return false;
          const bool there = co_await pause(step.wait_ms);
          if (!there) co_return false;
        }
        co_return true;
      case Step::Kind::answer: {
        const bool sent = co_await whole_answer(step.answer);
        co_return sent;
      }
      case Step::Kind::hold: {
        const bool there = co_await pause(hold_ms);
        co_return there;
      }
      case Step::Kind::reset: {
        const linger at_once{1, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        call().end = "reset";
        co_return false;
      }
      case Step::Kind::cut:
        call().end = "cut";
        co_return false;
    }
    co_return false;
  }

  Task<bool> answer() {
    const http::Request& request = parser_.request();
    head_sent_ = chunked_ = to_the_end_ = false;
    if (request.path.starts_with("/_mock/")) {
      const bool done = co_await control(request);
      co_return done;
    }
    CallRecord& record = state_.calls.emplace_back();
    call_ = state_.forgotten + state_.calls.size() - 1;
    record.path = request.path;
    record.model = read_prompt(request.path, request.body).model;
    for (const char* name : {"authorization", "x-api-key", "x-goog-api-key", "api-key"}) {
      if (record.authorization.empty()) record.authorization = request.header_or(name, "");
    }
    record.body = request.body;
    while (state_.calls.size() > calls_kept_max) {
      state_.calls.pop_front();
      ++state_.forgotten;
    }
    const Asked asked{call().path, call().model, call().authorization};
    for (const Step& step : steps(asked, request.body)) {
      const bool done = co_await carry_out(step);
      if (!done) co_return false;
    }
    if (chunked_) {
      const bool ended = co_await send("0\r\n\r\n");
      if (!ended) co_return false;
    }
    call().end = "answered";
    co_return head_sent_ && !to_the_end_;
  }

  std::vector<Step> steps(const Asked& asked, std::string_view body) {
    if (!state_.recordings.empty()) {
      const auto found = state_.recordings.find({asked.path, canonical(body)});
      if (found != state_.recordings.end()) {
        State::Turns& turns = found->second;
        const Recording& recording = *turns.recordings[turns.next++ % turns.recordings.size()];
        Step head;
        head.kind = Step::Kind::head;
        head.status = recording.status;
        head.headers = recording.headers;
        Step send;
        send.kind = Step::Kind::send;
        send.bytes = recording.body;
        return {head, send};
      }
    }
    return steps_for(state_.options.script, asked);
  }

  Task<bool> control(const http::Request& request) {
    std::string body = "{}";
    int status = 200;
    if (request.path == "/_mock/calls" && request.method == http::Method::get) {
      Json list = Json::array();
      for (const CallRecord& record : state_.calls) {
        list.push_back({{"path", record.path},
                        {"model", record.model},
                        {"authorization", record.authorization},
                        {"body", record.body},
                        {"fault", record.fault},
                        {"end", record.end},
                        {"sent_bytes", record.sent_bytes}});
      }
      body = list.dump(-1, ' ', false, Json::error_handler_t::replace);
    } else if (request.path == "/_mock/calls" && request.method == http::Method::del) {
      state_.forgotten += state_.calls.size();
      state_.calls.clear();
    } else if (request.path == "/_mock/script" && request.method == http::Method::post) {
      auto script = read_script(request.body);
      if (script) {
        state_.options.script = std::move(*script);
      } else {
        status = 422;
        body = Json{{"error", script.error().message}}.dump();
      }
    } else {
      status = 404;
    }
    call_ = no_call;
    Step head;
    head.kind = Step::Kind::head;
    head.status = status;
    head.headers = {{"Content-Type", "application/json"},
                    {"Content-Length", std::to_string(body.size())}};
    const bool sent = co_await send_head(head);
    if (!sent) co_return false;
    const bool went = co_await send(body);
    co_return went;
  }

  CallRecord& call() {
    if (call_ == no_call || call_ < state_.forgotten) return nobody_;
    return state_.calls[call_ - state_.forgotten];
  }

  static constexpr std::size_t no_call = SIZE_MAX;
  static constexpr std::int64_t hold_ms = 3'600'000;

  State& state_;
  Socket socket_;
  net::Tls::Context context_;
  Channel channel_;
  http::RequestParser parser_;
  std::string input_;
  std::size_t call_ = no_call;
  CallRecord nobody_;
  bool head_sent_ = false;
  bool chunked_ = false;
  bool to_the_end_ = false;
};

Task<void> accept(State& state, Acceptor& acceptor) {
  while (true) {
    boost::system::error_code ec;
    Socket socket(acceptor.get_executor());
    const asio::use_awaitable_t<net::Executor> use;
    auto token = asio::redirect_error(use, ec);
    co_await acceptor.async_accept(socket, std::move(token));
    if (ec) continue;
    socket.set_option(Tcp::no_delay(true), ec);
    auto conversation = std::make_shared<Conversation>(state, std::move(socket));
    asio::co_spawn(acceptor.get_executor(), Conversation::run(std::move(conversation)),
                   asio::detached);
  }
}

}  // namespace

Result<std::vector<Recording>> read_recordings(const std::string& text) {
  std::vector<Recording> recordings;
  std::size_t line_number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line(text.data() + at, end - at);
    at = end + 1;
    ++line_number;
    if (line.empty()) continue;
    const auto json = parse_json(line, {.bytes_max = recording_bytes_max, .depth_max = 128});
    const bool sound = json && json->is_object() && json->contains("url") &&
                       json->contains("request") && json->contains("body") &&
                       (*json)["url"].is_string() && (*json)["body"].is_string();
    if (!sound) {
      return Error{.code = "bad_recording",
                   .message = "line " + std::to_string(line_number) + " is no recorded exchange",
                   .line = static_cast<int>(line_number)};
    }
    Recording recording;
    const std::string url = (*json)["url"].get<std::string>();
    const std::size_t path = url.find('/', url.find("://") + 3);
    recording.path = url.substr(path, url.find('?', path) - path);
    recording.request = (*json)["request"].dump();
    recording.status = json->value("status", 200);
    recording.body = (*json)["body"].get<std::string>();
    if (const auto headers = json->find("headers"); headers != json->end()) {
      for (const auto& [name, value] : headers->items()) {
        if (value.is_string()) recording.headers.emplace_back(name, value.get<std::string>());
      }
    }
    recordings.push_back(std::move(recording));
  }
  return recordings;
}

Result<void> serve(Options options) {
  asio::io_context io(1);
  State state;
  state.options = std::move(options);
  for (const Recording& recording : state.options.recordings)
    state.recordings[{recording.path, recording.request}].recordings.push_back(&recording);
  std::optional<net::Tls> tls;
  if (!state.options.certificate_file.empty()) {
    tls.emplace(net::TlsOptions{state.options.certificate_file, state.options.key_file});
    if (auto loaded = tls->reload(); !loaded) return loaded.error();
    state.tls = &*tls;
  }
  Acceptor acceptor(io.get_executor());
  boost::system::error_code ec;
  const Tcp::endpoint endpoint(asio::ip::address_v4::loopback(), state.options.port);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec)
    return Error{.code = "cannot_listen",
                 .message = "cannot listen on port " + std::to_string(state.options.port) + ": " +
                            net::bind_fault_text(state.options.port, ec) +
                            "; --port chooses another, 0 a free one"};
  std::printf("listening on %u\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code&, int) { io.stop(); });
  asio::co_spawn(io.get_executor(), accept(state, acceptor), asio::detached);
  io.run();
  return {};
}

}  // namespace redoubt::mock
