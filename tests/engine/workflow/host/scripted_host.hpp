// A host of a fleet for tests: a store in memory, a clock that stands still, and effects whose ends
// the test gives. It does what the fleet says in the order in which it is said, and checks the
// promises that hold for every host.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/workflow/host/fleet.hpp"

namespace redoubt::workflow {

/// What outlives a crash.
struct ScriptedStore {
  struct Kept {
    RunRecord record;
    std::string history;
    std::string snapshot;
    std::uint64_t snapshot_seq = 0;
    std::size_t snapshot_at = 0;  ///< bytes of the history before it
    std::uint64_t events = 0;
  };
  std::map<RunKey, Kept> runs;
  std::map<RunKey, std::vector<std::uint32_t>> epochs;  ///< that were imported
  std::set<std::string> begun_once;  ///< effects of the class once, by run and id

  /// What is to be read back at a start.
  std::vector<RunKey> unfinished() const;
};

class ScriptedHost {
 public:
  ScriptedHost(ScriptedStore& store, std::map<std::string, DefinitionPtr> workflows,
               FleetBounds bounds, std::int64_t now_ms);

  /// Does actions until none is left, or `actions_max` were done: false then.
  bool settle(std::size_t actions_max = SIZE_MAX);
  /// Lets the time come for which the fleet wishes to be woken. REQUIRES: wake_ms > 0
  void tick();
  /// A line for each action that was done since, with the events of what was stored.
  std::string trace();

  Fleet fleet;
  std::int64_t now_ms;
  std::int64_t wake_ms = 0;
  std::size_t actions = 0;                     ///< that were done
  std::map<RunKey, RunRef> refs;               ///< as the fleet named them last
  std::map<std::string, RunRef> effects_open;  ///< "owner/id effect"; no questions
  std::optional<Error> store_fails;            ///< what the store answers,
  std::optional<RunKey> fails_for;             ///< of this run alone
  std::map<Call, Result<Text>> said;
  bool shows_events = true;

 private:
  void carry_out(action::Store& one);
  void carry_out(action::Load& one);
  void carry_out(action::Release& one);
  void carry_out(action::Erase& one);
  void carry_out(action::ReadHistory& one);
  void carry_out(action::ReadEpochs& one);
  void carry_out(action::Begin& one);
  void carry_out(action::Withdraw& one);
  void carry_out(action::Show& one);
  void carry_out(action::Tell& one);
  void carry_out(action::Changed& one);
  void carry_out(action::Left& one);
  void carry_out(action::Fault& one);
  void carry_out(action::Wake& one);
  void show_events(const RunKey& key, std::size_t from);
  void line(std::initializer_list<std::string_view> words);

  ScriptedStore& store_;
  std::map<std::string, DefinitionPtr> workflows_;
  std::deque<Action> due_;
  std::string trace_;
};

std::string name_of(const RunKey& key);

}  // namespace redoubt::workflow
