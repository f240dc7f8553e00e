// Runs that are not in memory and are to go on: those that were under way at a start, and those
// whose clock's time has come.
#include <utility>

#include "engine/base/message.hpp"
#include "relay/services/runs/run_host.hpp"

namespace redoubt::runs {
namespace {

/// Runs that are woken at once, and when others are looked for where there are more.
constexpr std::size_t woken_max = 64;
constexpr std::int64_t wake_retry_ms = 1'000;
/// When one is woken again that could not be read.
constexpr std::int64_t wake_later_ms = 5'000;
/// Unfinished runs that are listed at once at a start.
constexpr std::size_t recover_listed_max = 64;

}  // namespace

Error set_aside_error(const std::string& id) {
  return make_error("run_set_aside",
                    {"the relay ended while it was reading run ", id,
                     " back, or twice before it came to it, so it is left alone: "
                     "POST .../resume tries again, DELETE forgets it"},
                    {"id"}, {}, {id});
}

// --- at a start ---

void RunHost::recover() {
  store_.begin_recovery(
      now_ms(), on_thread<std::vector<RunKey>>([this](const Result<std::vector<RunKey>>& runs) {
        if (!runs) {
          complain("run_recovery", nullptr, runs.error());
          return wake_due();
        }
        for (const RunKey& key : *runs)
          complain("run_set_aside", &key, set_aside_error(key.id));
        recover_next();
      }));
}

/// One after the other: the next when the one before is there. Runs whose time comes meanwhile are
/// read after all of these.
void RunHost::recover_next() {
  if (to_recover_.empty() && all_listed_) return wake_due();
  const bool is_missed = to_recover_.empty() && std::exchange(recovery_missed_, false);
  if (is_missed || fleet_.size() >= runs_open_max) {
    recovery_waits_ = true;
    return;
  }
  if (to_recover_.empty()) return list_to_recover();
  const RunKey key = std::move(to_recover_.front());
  to_recover_.pop_front();
  with(key, [this, key](const Result<void>& found) {
    // It stays in the store as it is; its owner is told when they ask for it.
    if (!found && found.error().code != "unknown_run")
      complain("run_recovery", &key, found.error());
    if (!found && is_passing(found.error().code))
      recovery_missed_ = true;
    else if (!found)
      store_.release(key, 0, {});
    post([this] { recover_next(); });
  });
}

void RunHost::list_to_recover() {
  store_.to_recover(recover_listed_max,
                    on_thread<std::vector<RunKey>>([this](Result<std::vector<RunKey>> keys) {
                      if (!keys) {
                        complain("run_recovery", nullptr, keys.error());
                        recovery_waits_ = true;
                        return;
                      }
                      all_listed_ = keys->empty();
                      for (RunKey& key : *keys)
                        to_recover_.push_back(std::move(key));
                      recover_next();
                    }));
}

// --- runs that only wait ---

void RunHost::wake_at(std::int64_t wake_ms) {
  if (wake_ms == 0 || (clock_ms_ > 0 && clock_ms_ <= wake_ms)) return;
  clock_ms_ = wake_ms;
  call_at(clock_, wake_ms, [this] {
    clock_ms_ = 0;
    wake_due();
  });
}

/// Those in memory have timers of their own.
void RunHost::wake_due() {
  const std::int64_t now = now_ms();
  store_.due(now, woken_max, on_thread<DueRuns>([this, now](const Result<DueRuns>& due) {
               if (!due) {
                 complain("run_recovery", nullptr, due.error());
                 return wake_at(now + wake_retry_ms);
               }
               for (const RunKey& key : due->runs)
                 wake(key);
               if (!due->runs.empty()) wake_at(now + wake_retry_ms);
               wake_at(due->next_ms);
             }));
}

void RunHost::wake(const RunKey& key) {
  with(key, [this, key](const Result<void>& found) {
    if (found) return;
    // Those behind it are not to wait for it.
    const bool later = is_passing(found.error().code);
    if (!later) complain("run_recovery", &key, found.error());
    store_.set_clock(key, later ? now_ms() + wake_later_ms : 0, {});
  });
}

}  // namespace redoubt::runs
