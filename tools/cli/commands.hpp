// The subcommands of `redoubt`: what each is told, and the function that does it.
//
// Each returns the exit code: exit_ok; exit_no where the input was read and the answer is no (a
// broken map, a replay that differs, a refused request); exit_bad_use where it could not be done as
// asked (an unknown option, a file that cannot be read or written). What was asked for goes to
// stdout, the same bytes for the same arguments; errors and progress go to stderr.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace redoubt::cli {

constexpr int exit_ok = 0;
constexpr int exit_no = 1;
constexpr int exit_bad_use = 2;

struct GroundOptions {
  std::string file;      ///< --map FILE
  std::string generate;  ///< --generate WxH
  std::uint64_t seed = 1;
  int teams = 2;
};

struct PlayOptions {
  GroundOptions ground;
  std::string rules_file;
  std::vector<std::string> bots;
  int ticks = 0;  ///< 0: to the end
  int work_per_tick = 100;
  std::string replay_file;
  bool json = false;
};
int play(const PlayOptions& options);

struct ReplayOptions {
  std::string file;
  bool json = false;
};
int replay(const ReplayOptions& options);

struct ArenaOptions {
  std::vector<std::string> players;
  std::string maps_folder;
  std::string only_file;  ///< names of files in the folder, one a line
  std::string generate = "40x28";
  int generated = -1;  ///< maps; -1: one a round where there is no folder, else none
  int teams = 2;
  int games = 64;  ///< of each table
  std::uint64_t seed = 1;
  int jobs = 1;
  int work_per_tick = 100;
  std::string rules_file;
  int patience_ms = 5000;  ///< for a program's answer
  std::string sprt;        ///< "ELO0,ELO1"
  std::string games_file;
  std::string replay_line;  ///< play this game again; - for stdin
  std::string to_file;      ///< its recording
  bool list = false;
  bool json = false;
};
int arena(const ArenaOptions& options);

enum class Request : std::uint8_t { team_strategy, strategy_adaptation, agent_specification };
struct RequestOptions {
  Request kind = Request::team_strategy;
  bool json = false;  ///< one line, and errors as JSON
};
int answer(const RequestOptions& options);

struct MapOptions {
  GroundOptions ground;
  std::string rules_file;
  std::string name;
  std::string to_file;
  std::string picture_file;
  int cell_pixels = 0;  ///< 0: the default
  bool json = false;
};
int map(const MapOptions& options);

struct WorkflowFileOptions {
  std::string file;  ///< YAML or JSON, or the name of a shipped workflow
  std::string journal;
  std::string svg;
  bool json = false;
};
int workflow_check(const WorkflowFileOptions& options);
int workflow_replay(const WorkflowFileOptions& options);
int workflow_show(const WorkflowFileOptions& options);

struct WorkflowRunOptions {
  std::string file;
  std::string input;  ///< JSON, or @FILE; empty: {}
  std::string journal;
  std::string model;       ///< script:FILE, or the URL of a relay
  std::string model_name;  ///< asked there by every step; empty: as the step says
  std::string memory;      ///< a file; empty: agents remember nothing beyond the run
  std::string id;          ///< empty: by chance
  std::uint64_t seed = 1;
  bool commands = false;
  std::vector<std::string> answers;  ///< NAME=JSON
  std::vector<std::string> signals;  ///< NAME=JSON
  bool json = false;
};
int workflow_run(const WorkflowRunOptions& options);

struct WorkflowAskOptions {
  std::string model;  ///< URL
  std::string model_name;
};
/// One model effect: its request on stdin, {status, outcome} on stdout.
int workflow_ask(const WorkflowAskOptions& options);

struct WorkflowTemplateOptions {
  std::string name;                   ///< of the template; empty: all are listed
  std::string agent;                  ///< what it is to be called; empty: as the template
  std::vector<std::string> settings;  ///< KEY=JSON
  bool json = false;
};
int workflow_template(const WorkflowTemplateOptions& options);

enum class BundleAction : std::uint8_t { export_run, import_run, inspect, fork };
struct WorkflowBundleOptions {
  BundleAction action = BundleAction::inspect;
  std::string bundle;
  std::string journal;
  std::string to_journal;
  std::string id;            ///< of a fork
  std::string clock_offset;  ///< "30s", "-2m"; empty: none
  std::vector<std::string> deny;
  bool honour_approvals = false;
  bool json = false;
};
int workflow_bundle(const WorkflowBundleOptions& options);

/// Which store and which master key: the relay's own configuration, or what is named here.
struct VaultOptions {
  std::string config_file;
  std::string store_file;
  std::string master_key_file;
  bool json = false;
};

enum class KeysAction : std::uint8_t {
  add,
  list,
  test,
  rotate,
  weigh,
  rotate_master,
  remove,
  new_master
};
struct KeysOptions {
  KeysAction action = KeysAction::list;
  VaultOptions vault;
  std::string name;
  std::string provider;
  std::string file;  ///< of the new master key
  int weight = 1;
  bool offline = false;  ///< test: asks no provider
};
int keys(const KeysOptions& options);

struct ModelsOptions {
  std::string name;         ///< of one model; empty: all are listed
  std::string config_file;  ///< the relay's, for models.cards_file
  std::string cards_file;   ///< instead of it
  std::string date;         ///< whose prices; empty: now
  bool json = false;
};
int models(const ModelsOptions& options);

enum class TokensAction : std::uint8_t { new_key, public_key, mint };
struct TokensOptions {
  TokensAction action = TokensAction::mint;
  std::string file;  ///< a JWK Set
  std::string kid;
  std::string algorithm = "EdDSA";
  std::string subject;
  std::vector<std::string> tenants;  ///< new-key: all of the key's; mint: one at most
  std::string scope;
  std::string audience = "redoubt";
  std::int64_t lifetime_s = 3'600;
};
int tokens(const TokensOptions& options);

}  // namespace redoubt::cli
