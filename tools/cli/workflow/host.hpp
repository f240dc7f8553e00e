// Host: carries a run, the runs that it leads to, and those that it goes on in, out on this
// machine. The engine's fleet says what is to be stored and done, and in which order
// (engine/workflow/host/fleet.hpp); this does it: journals as files, built-ins at once, models from
// a script or asked of a relay, tools as programs where that is allowed, timers in real time,
// questions to the terminal or from answers given before.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/workflow/host/fleet.hpp"
#include "tools/cli/workflow/journal.hpp"
#include "tools/cli/workflow/memory_file.hpp"
#include "tools/cli/workflow/model_script.hpp"
#include "tools/cli/workflow/tool_process.hpp"

namespace redoubt::cli {

namespace action = workflow::action;
using workflow::RunKey;
using workflow::RunRef;

struct NamedAnswer {
  std::string name;
  std::string value;  ///< JSON
};

struct HostOptions {
  std::optional<ModelScript> model;
  std::vector<std::string> model_command;  ///< that asks one, for each effect; empty: none does
  MemoryFile memory;      ///< of the run and those that it goes on in; children have their own
  std::string file;       ///< of the workflow: others that it calls lie beside it
  std::string journal;    ///< "" where runs live in memory alone; of others it begins with this
  bool commands = false;  ///< tools of `_type: command` may be run
  bool quiet = false;
  std::vector<NamedAnswer> answers;
  std::vector<NamedAnswer> signals;
};

class Host {
 public:
  explicit Host(HostOptions options);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // One of these two, once. `journal` is null where there is none.
  void start(std::string id, workflow::DefinitionPtr definition, std::string input,
             std::uint64_t seed, std::unique_ptr<Journal> journal);
  void resume(std::string id, std::unique_ptr<Journal> journal);

  /// Until the run, or the one that it goes on in, is over. Errors: those of journals and of the
  /// run; "waiting" where nothing can come any more, with what the run waits for.
  Result<void> carry_out();
  /// REQUIRES: carry_out() had no error.
  const workflow::Run& run() const { return *fleet_.find(head_); }

 private:
  struct Pending {
    std::int64_t due_ms = 0;
    RunRef run;
    std::string effect;
    bool failed = false;
    std::string value;
  };
  struct Working {
    RunRef run;
    ToolProcess process;
  };
  struct Question {
    RunKey run;
    workflow::Effect effect;
  };

  Result<void> settle();
  Result<void> carry_out(action::Store& order);
  Result<void> carry_out(action::Load& order);
  Result<void> carry_out(action::Begin& order);
  Result<void> carry_out(action::Withdraw& order);
  Result<void> carry_out(action::Show& shown);
  Result<void> carry_out(action::Tell& answer);
  Result<void> carry_out(action::Changed& changed);
  Result<void> carry_out(action::Fault& fault);
  Result<void> carry_out(action::Wake& wake);
  /// What is of no use where there is one owner, who removes and exports nothing here.
  template <class Other>
  Result<void> carry_out(Other&) {
    return {};
  }

  workflow::FleetOptions fleet_options();
  workflow::DefinitionPtr find_workflow(std::string_view name);
  std::string journal_of(const RunKey& run) const;
  Result<Journal*> open_journal(const RunKey& run, const workflow::Definition& definition);
  void give_signals(std::string_view history);
  void begin_builtin(const action::Begin& order);
  void begin_model(const action::Begin& order);
  void ask_model(const action::Begin& order);
  void begin_tool(const action::Begin& order);
  void begin_ask(const action::Begin& order);
  void finish(const RunRef& run, const std::string& effect, bool failed, std::string value,
              std::int64_t delay_ms);
  void fail(const action::Begin& order, const Error& error);
  void answer(std::size_t question, std::string value);
  bool is_over() const;
  Result<void> wait();
  void give_due();
  void read_tools();
  void read_terminal();

  HostOptions options_;
  workflow::Fleet fleet_;
  RunKey first_;  ///< the run
  RunKey head_;   ///< the one that it goes on in, or itself
  std::map<std::string, workflow::DefinitionPtr> called_;
  std::map<RunKey, std::unique_ptr<Journal>> journals_;
  std::map<RunKey, MemoryFile> memories_;  ///< of children
  std::vector<Pending> pending_;
  std::vector<Working> tools_;
  std::vector<action::Begin> models_waiting_;  ///< until a program of tools_ has ended
  std::vector<Question> questions_;
  std::int64_t wake_ms_ = 0;
  bool told_no_model_ = false;
  std::string typed_;
  bool terminal_;
};

}  // namespace redoubt::cli
