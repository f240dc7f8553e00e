#include "relay/services/game/push_socket.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <chrono>
#include <map>
#include <mutex>

#include "engine/base/ascii.hpp"
#include "engine/base/json.hpp"
#include "relay/auth/credential.hpp"
#include "relay/contract/body_work.hpp"
#include "relay/contract/errors.hpp"
#include "relay/contract/gate.hpp"
#include "relay/services/models/model_responses.hpp"

namespace redoubt::services {
namespace {

constexpr std::int64_t second_ms = 1'000;
constexpr Advisors engine_advisors{strategy::answer_team_strategy,
                                   strategy::answer_agent_specification};

bool is_client_id(std::string_view id) {
  return !id.empty() && id.size() <= client_id_bytes_max &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return is_ascii_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

observe::Counter& model_answers(observe::Metrics& metrics, std::string_view outcome) {
  return metrics.counter("redoubt_push_model_answers_total",
                         "What models were asked for sockets of games, by what came of it.",
                         {{"outcome", outcome}});
}

/// What is told to all sockets of a game's that the caller has open.
std::string topic_of(const auth::Identity& caller) {
  return "push:" + caller.key();
}

}  // namespace

/// The Push of a socket, which the shard and the pool use in turns.
struct PushState {
  explicit PushState(const PushPolicy& policy) : push(policy, engine_advisors) {}
  std::mutex mutex;
  Push push;
  std::uint64_t read = 0;                    ///< number of the newest frame that was read
  std::atomic<int> pending = 0;              ///< frames and ticks in the pool
  std::atomic<std::size_t> frame_bytes = 0;  ///< of the newest frame that was read
};

/// Asks a model for a socket and its Push, on the socket's shard.
class PushAsker : public std::enable_shared_from_this<PushAsker> {
 public:
  PushAsker(PushSockets& owner, std::shared_ptr<PushState> state, const http::Request& request,
            const http::WebSocketPeer& peer)
      : owner_(owner), state_(std::move(state)), peer_(peer), shard_(*peer.shard()) {
    if (const contract::Caller* caller = contract::caller_of(request)) caller_ = *caller;
  }

  /// From any thread, which may not hold the Push.
  void ask(PushQuestions questions) {
    if (questions.empty()) return;
    auto begin = [self = shared_from_this(), questions = std::move(questions)] {
      if (self->left_) return;
      for (const PushQuestion& question : questions)
        boost::asio::co_spawn(self->shard_, answer(self, question), boost::asio::detached);
    };
    boost::asio::dispatch(shard_, std::move(begin));
  }

  void leave() {
    left_ = true;
    for (const auto& [team, leave] : under_way_)
      if (leave) leave();
  }

 private:
  static net::Task<void> answer(std::shared_ptr<PushAsker> self, PushQuestion question) {
    AdviceRequest request;
    request.question = "team_strategy";
    request.body = question.request;
    request.order = order_of(&self->caller_,
                             self->caller_.request_id + "." + std::to_string(++self->asked_), {});
    request.now_ms = observe::wall_now_ms();
    std::function<void()>& leave = self->under_way_[question.team];
    const Advised advised = co_await self->owner_.adviser_->ask(std::move(request), leave);
    self->under_way_.erase(question.team);
    if (!self->left_) self->tell(question.team, advised);
  }

  void tell(const std::string& team, const Advised& advised) {
    PushFrames frames;
    PushQuestions more;
    {
      const std::lock_guard lock(state_->mutex);
      if (advised.answer) {
        frames = state_->push.on_answer(team, *advised.answer, now_ms());
      } else {
        state_->push.on_refusal(team, reduced_json(advised.reduced));
      }
      more = state_->push.take_questions();
    }
    observe::Counter& came_to = !advised.answer  ? owner_.model_refused_
                                : frames.empty() ? owner_.model_stale_
                                                 : owner_.model_delivered_;
    came_to.add();
    owner_.send(peer_, frames);
    ask(std::move(more));
  }

  static std::int64_t now_ms() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  }

  PushSockets& owner_;
  std::shared_ptr<PushState> state_;
  http::WebSocketPeer peer_;
  net::Executor shard_;
  contract::Caller caller_;
  std::uint64_t asked_ = 0;
  bool left_ = false;
  std::map<std::string, std::function<void()>> under_way_;  ///< by team
};

class PushSocket : public http::WebSocketSession {
 public:
  PushSocket(PushSockets& owner, const PushPolicy& policy)
      : owner_(owner), state_(std::make_shared<PushState>(policy)) {}

  void on_open(const http::Request& request, const http::WebSocketPeer& peer) override {
    peer_ = peer;
    asker_ = std::make_shared<PushAsker>(owner_, state_, request, peer);
    client_id_ = request.parameter("client_id");
    caller_ = contract::caller_key(request);
    const contract::Caller* caller = contract::caller_of(request);
    if (caller != nullptr && caller->claims) expires_s_ = caller->claims->expires_s;
    if (caller != nullptr) {
      late_answers_ = owner_.bus_.subscribe(
          topic_of(caller->identity), [peer](const http::FramePtr& frame) { peer.send(frame); });
    }
    say(observe::Level::info, "socket_opened", request.context.now.wall_ms);
  }

  void on_text(std::string_view text, http::Moment now) override {
    owner_.frames_in_.add();
    if (text.size() <= contract::inline_body_bytes_max && state_->pending.load() == 0) {
      work([&](Push& push) {
        state_->frame_bytes = text.size();
        return push.on_text(text, now.steady_ms);
      });
      return;
    }
    post(std::string(text), now.steady_ms);
  }

  void on_binary(std::string_view, const http::WebSocketPeer&, http::Moment now) override {
    owner_.frames_in_.add();
    work([&](Push& push) { return push.on_binary(now.steady_ms); });
  }

  void on_tick(http::Moment now) override {
    if (expires_s_ != 0 && now.wall_ms / second_ms >= expires_s_) {
      expires_s_ = 0;
      peer_.close(http::close_code::policy_violation, "the token has expired");
      return;
    }
    if (state_->pending.load() > 0) return;
    // What is known of a large frame takes as long to think of as it took to read.
    if (state_->frame_bytes.load() > contract::inline_body_bytes_max)
      return post_tick(now.steady_ms);
    work([&](Push& push) { return push.on_tick(now.steady_ms); });
  }

  void on_close(std::uint16_t code, std::string_view, http::Moment now) override {
    late_answers_.reset();
    asker_->leave();
    say(observe::Level::info, "socket_closed", now.wall_ms, code);
  }

 private:
  /// `do_work(Push&)` gives frames, which are sent; then what came up is asked.
  template <class Work>
  void work(Work do_work) {
    work(owner_, *state_, peer_, *asker_, do_work);
  }
  template <class Work>
  static void work(PushSockets& owner, PushState& state, const http::WebSocketPeer& peer,
                   PushAsker& asker, Work do_work) {
    PushQuestions questions;
    {
      const std::lock_guard lock(state.mutex);
      owner.send(peer, do_work(state.push));
      questions = state.push.take_questions();
    }
    asker.ask(std::move(questions));
  }

  void post(std::string text, std::int64_t now_ms) {
    if (state_->pending.fetch_add(1) >= push_pending_max) {
      state_->pending.fetch_sub(1);
      owner_.frames_skipped_.add();
      return;
    }
    const std::uint64_t number = ++frames_;
    auto held = peer_.hold(text.size());
    if (!held) {
      state_->pending.fetch_sub(1);
      owner_.frames_skipped_.add();
      return;
    }
    auto job = [&owner = owner_, state = state_, peer = peer_, asker = asker_,
                text = std::move(text), number, now_ms, held = std::move(held)] {
      work(owner, *state, peer, *asker, [&](Push& push) {
        if (number <= state->read) return PushFrames();
        state->read = number;
        state->frame_bytes = text.size();
        return push.on_text(text, now_ms);
      });
      state->pending.fetch_sub(1);
    };
    if (!owner_.pool_.post(caller_, std::move(job))) {
      state_->pending.fetch_sub(1);
      owner_.frames_skipped_.add();
    }
  }

  // A full pool leaves it to the next tick.
  void post_tick(std::int64_t now_ms) {
    state_->pending.fetch_add(1);
    auto job = [&owner = owner_, state = state_, peer = peer_, asker = asker_, now_ms] {
      work(owner, *state, peer, *asker, [&](Push& push) { return push.on_tick(now_ms); });
      state->pending.fetch_sub(1);
    };
    if (!owner_.pool_.post(caller_, std::move(job))) state_->pending.fetch_sub(1);
  }

  void say(observe::Level level, std::string_view event, std::int64_t wall_ms, int code = 0) const {
    if (!owner_.log_.wants(level)) return;
    observe::Line line(level, event, wall_ms);
    line.text("client_id", client_id_);
    if (code != 0) line.number("code", code);
    owner_.log_.write(line);
  }

  PushSockets& owner_;
  std::shared_ptr<PushState> state_;
  std::shared_ptr<PushAsker> asker_;
  std::string caller_;  // as the compute pool tells them apart
  http::WebSocketPeer peer_;
  std::string client_id_;
  bus::Subscription late_answers_;
  std::int64_t expires_s_ = 0;  ///< of the caller's token; 0: never
  std::uint64_t frames_ = 0;
};

PushSockets::PushSockets(PushPolicy policy, std::size_t frame_bytes_max, net::ComputePool& pool,
                         bus::Bus& bus, observe::Metrics& metrics, observe::Log& log)
    : policy_(policy),
      frame_bytes_max_(frame_bytes_max),
      pool_(pool),
      bus_(bus),
      log_(log),
      frames_in_(metrics.counter("redoubt_push_frames_received_total", "Frames from games.")),
      frames_skipped_(metrics.counter("redoubt_push_frames_skipped_total",
                                      "Frames not read because older ones still waited.")),
      model_delivered_(model_answers(metrics, "told")),
      model_stale_(model_answers(metrics, "stale")),
      model_refused_(model_answers(metrics, "refused")) {
  constexpr std::array<std::string_view, 3> types{"directive", "agent_recommendation", "error"};
  for (std::size_t i = 0; i < types.size(); ++i) {
    sent_[i] = &metrics.counter("redoubt_push_frames_sent_total", "Frames to games, by type.",
                                {{"type", types[i]}});
  }
}

std::vector<contract::Route> PushSockets::routes() {
  http::WebSocketOptions options;
  options.message_bytes_max = frame_bytes_max_;
  options.protocol = auth::websocket_protocol;
  return {
      {.method = http::Method::get,
       .pattern = "/ws/{client_id}",
       .access = contract::Access::scoped(auth::Scope::game),
       .dialect = contract::Dialect::problem(),
       .operation = contract::Operation::named("push"),
       .handler = http::WebSocketAccept([this](http::Request& request) { return accept(request); }),
       .websocket = options}};
}

void PushSockets::send(const http::WebSocketPeer& peer, const PushFrames& frames) {
  for (const PushFrame& frame : frames) {
    sent_[static_cast<std::size_t>(frame.kind)]->add();
    peer.send_text(frame.text);
  }
}

void PushSockets::tell_late(const auth::Identity& caller, std::string_view question,
                            const std::string& team, const nlohmann::json& answer) {
  const PushFrame frame = late_frame(question, team, answer);
  const std::size_t sent = bus_.publish(topic_of(caller), http::Frame::text(frame.text));
  sent_[static_cast<std::size_t>(frame.kind)]->add(sent);
}

std::variant<http::Response, std::unique_ptr<http::WebSocketSession>> PushSockets::accept(
    http::Request& request) {
  if (!is_client_id(request.parameter("client_id"))) {
    return contract::error_response(
        request, {.status = 400,
                  .code = "bad_client_id",
                  .message = "a client id has 1 to 64 letters, digits, '_', '-' or '.'"});
  }
  PushPolicy policy = policy_;
  policy.model = adviser_ != nullptr && adviser_->asks();
  return std::make_unique<PushSocket>(*this, policy);
}

}  // namespace redoubt::services
