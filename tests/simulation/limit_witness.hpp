// LimitWitness: counts one subject's calls on its own, as plainly as can be, and says when a limit
// was passed. It shares no code with the limiter.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "relay/limits/limiter.hpp"

namespace redoubt::simulation {

class LimitWitness {
 public:
  explicit LimitWitness(limits::Rules rules) : rules_(rules) {}
  const limits::Rules& rules() const { return rules_; }

  /// What is wrong now; empty where nothing is. `call` names the reservation.
  std::string reserved(std::uint64_t call, std::int64_t requests, std::int64_t tokens,
                       limits::Picodollars money, limits::Instant now) {
    const std::int64_t day = now.unix_s / 86'400;
    calls_[call] = {next_, money, day};
    window_.push_back({now.mono_ns, requests, tokens});
    ++next_;
    requests_ += requests;
    tokens_ += tokens;
    engaged_[day] += money;
    engaged_in_all_ += money;
    while (window_.front().at_ns <= now.mono_ns - minute_ns) {
      requests_ -= window_.front().requests;
      tokens_ -= window_.front().tokens;
      window_.pop_front();
      ++first_;
    }
    const auto over = [](std::int64_t value, std::optional<std::int64_t> limit) {
      return limit && value > *limit;
    };
    if (over(requests_, rules_.requests_per_minute) && requests > 0) return "requests in 60 s";
    if (over(tokens_, rules_.tokens_per_minute) && tokens > 0) return "tokens in 60 s";
    if (over(static_cast<std::int64_t>(calls_.size()), rules_.concurrent_max)) return "open calls";
    if (over(engaged_[day], rules_.day_picodollars) && money > 0) return "money of a day";
    if (over(engaged_in_all_, rules_.month_picodollars) && money > 0) return "money of a month";
    return "";
  }
  void ended(std::uint64_t call, std::int64_t tokens, limits::Picodollars money) {
    const Open open = calls_.at(call);
    calls_.erase(call);
    engaged_[open.day] += money - open.money;
    engaged_in_all_ += money - open.money;
    spent_ += money;
    if (open.place < first_) return;
    std::int64_t& counted = window_[static_cast<std::size_t>(open.place - first_)].tokens;
    tokens_ += tokens - counted;
    counted = tokens;
  }
  /// It never went out: its request does not count either.
  void cancelled(std::uint64_t call) {
    const std::int64_t place = calls_.at(call).place;
    ended(call, 0, 0);
    if (place < first_) return;
    std::int64_t& counted = window_[static_cast<std::size_t>(place - first_)].requests;
    requests_ -= counted;
    counted = 0;
  }
  /// Held and spent on a UTC day (days since 1970).
  limits::Picodollars engaged(std::int64_t day) const {
    const auto found = engaged_.find(day);
    return found == engaged_.end() ? 0 : found->second;
  }
  std::size_t open() const { return calls_.size(); }
  limits::Picodollars spent() const { return spent_; }

 private:
  static constexpr std::int64_t minute_ns = 60'000'000'000;
  struct Entry {
    std::int64_t at_ns;
    std::int64_t requests;
    std::int64_t tokens;
  };
  struct Open {
    std::int64_t place;
    limits::Picodollars money;
    std::int64_t day;
  };
  limits::Rules rules_;
  std::deque<Entry> window_;
  std::int64_t first_ = 0;  // the place of window_'s first
  std::int64_t next_ = 0;
  std::int64_t requests_ = 0;
  std::int64_t tokens_ = 0;
  std::map<std::uint64_t, Open> calls_;
  std::map<std::int64_t, limits::Picodollars> engaged_;
  limits::Picodollars engaged_in_all_ = 0;  // the simulation stays within one month
  limits::Picodollars spent_ = 0;
};

}  // namespace redoubt::simulation
