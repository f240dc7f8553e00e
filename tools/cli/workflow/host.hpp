// Host: carries one run out on this machine. The run decides, the host stores what it decided and
// then does it: built-ins at once, models from a script or asked of a relay, tools as programs
// where that is allowed, timers in real time, questions to the terminal or from answers given
// before.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/workflow/run.hpp"
#include "tools/cli/workflow/journal.hpp"
#include "tools/cli/workflow/memory_file.hpp"
#include "tools/cli/workflow/model_script.hpp"
#include "tools/cli/workflow/tool_process.hpp"

namespace redoubt::cli {

struct NamedAnswer {
  std::string name;
  std::string value;  ///< JSON
};

/// How child runs are carried out: each by a process of this program, with a journal of its own.
struct ChildRuns {
  std::string file;     ///< of the workflow that calls them
  std::string journal;  ///< "" where runs live in memory alone
  std::vector<std::string>
      flags;  ///< that they are given, too: the model, whether commands may run
};

struct HostOptions {
  std::optional<ModelScript> model;
  std::vector<std::string> model_command;  ///< that asks one, for each effect; empty: none does
  MemoryFile memory;
  ChildRuns children;
  bool commands = false;  ///< tools of `_type: command` may be run
  bool quiet = false;
  std::vector<NamedAnswer> answers;
  std::vector<NamedAnswer> signals;
};

class Host {
 public:
  /// `journal` may be null: then the run lives in memory alone.
  Host(workflow::Run run, Journal* journal, HostOptions options);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  /// The frames that are stored before the run's first: a new history's header.
  void begin_with(std::string header) { unstored_ = std::move(header); }
  /// The run comes from a journal: what was under way is looked at anew.
  Result<void> resume(std::string_view history);
  /// Until the run is over. Errors: those of the journal; "waiting" where nothing can come any
  /// more, with what the run waits for.
  Result<void> carry_out();

  const workflow::Run& run() const { return run_; }

 private:
  struct Pending {
    std::int64_t due_ms = 0;
    std::string effect;
    bool failed = false;
    std::string value;
  };
  Result<void> store_and_begin();
  Result<void> store_turn();
  Result<void> begin(const workflow::Effect& effect);
  Result<void> begin_model(const workflow::Effect& effect);
  void ask_model(const workflow::Effect& effect);
  Result<void> begin_tool(const workflow::Effect& effect);
  Result<void> begin_child(const workflow::Effect& effect);
  void begin_ask(const workflow::Effect& effect);
  void finish(const std::string& effect, bool failed, std::string value, std::int64_t delay_ms);
  void drop(const std::string& effect);
  Result<void> give(workflow::InputKind kind, std::string_view name, std::string_view value);
  Result<void> give_due();
  Result<void> wait();
  Result<void> read_tools();
  Result<void> read_terminal();
  std::int64_t now_ms() const;

  workflow::Run run_;
  Journal* journal_;
  HostOptions options_;
  std::string unstored_;
  std::vector<Pending> pending_;
  std::vector<ToolProcess> tools_;
  std::vector<workflow::Effect> models_waiting_;  ///< until a program of tools_ has ended
  bool told_no_model_ = false;
  std::vector<workflow::Effect> questions_;
  std::string typed_;
  bool terminal_;
};

}  // namespace redoubt::cli
