// The command `redoubt`: reads the command line and hands over to a subcommand.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>

#include "engine/strategy/player.hpp"
#include "relay/auth/secret.hpp"
#include "relay/auth/vault.hpp"
#include "relay/config/command_line.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/picture/map_picture.hpp"

namespace {

using namespace redoubt;

constexpr int ticks_max = 1'000'000;
constexpr int work_per_tick_max = 1'000'000;
constexpr int arena_maps_max = 10'000;
constexpr int arena_games_max = 1'000'000;
constexpr int arena_jobs_max = 256;
constexpr int patience_ms_max = 3'600'000;
constexpr int token_lifetime_s_max = 31'622'400;  // a year

const char* const exit_codes =
    "Exit codes: 0 done, 1 the answer is no (a broken map, a replay that differs, a refused "
    "request),\n2 bad use (an unknown option, a file that cannot be read or written).";

std::string known_bots() {
  std::string names;
  for (std::string_view name : strategy::player_names()) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return names;
}

/// CLI11 itself turns a number that is too large into the largest. Returns what is wrong.
std::string is_seed(const std::string& text) {
  std::uint64_t seed = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seed);
  const bool whole = fault == std::errc() && end == text.data() + text.size();
  return whole ? "" : "expected a number from 0 to 18446744073709551615, got " + text;
}

void add_ground(CLI::App& command, cli::GroundOptions& ground, bool positional) {
  CLI::Option* file = command.add_option(
      positional ? "file" : "--map", ground.file,
      "A map: Redoubt's compact JSON, Tiled's hexagonal JSON or Wesnoth's text; - for stdin");
  CLI::Option* size = command.add_option("--generate", ground.generate,
                                         "Generate a fair map of WIDTHxHEIGHT cells instead");
  file->type_name("FILE")->excludes(size);
  size->type_name("WxH");
  command.add_option("--seed", ground.seed, "Seed of the match and of a generated map")
      ->type_name("N")
      ->check(is_seed)
      ->capture_default_str();
}

CLI::App* add_play(CLI::App& app, cli::PlayOptions& o) {
  CLI::App* command = app.add_subcommand("play", "Play a match without a screen");
  add_ground(*command, o.ground, false);
  command->add_option("--bot", o.bots, "Who plays a team, once for each: " + known_bots())
      ->type_name("NAME")
      ->required()
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--rules", o.rules_file, "A rules file; what it leaves out has its default")
      ->type_name("FILE");
  command->add_option("--ticks", o.ticks, "Stop after so many ticks")
      ->type_name("N")
      ->check(CLI::Range(1, ticks_max));
  command->add_option("--work", o.work_per_tick, "Work units a tick for each player's thinking")
      ->type_name("N")
      ->check(CLI::Range(1, work_per_tick_max))
      ->capture_default_str();
  command->add_option("--replay", o.replay_file, "Write the match to this file")->type_name("FILE");
  command->add_flag("--json", o.json, "Print JSON");
  command->footer(
      "Two plays with the same arguments print the same.\n\n"
      "Examples:\n"
      "  redoubt play --generate 40x28 --seed 7 --bot strategist --bot rush\n"
      "  redoubt play --map valley.json --bot strategist --bot agentarena --replay match.replay\n"
      "  redoubt play --generate 40x27 --bot rush --bot random --bot random --bot random --json");
  return command;
}

void add_arena_grounds(CLI::App& command, cli::ArenaOptions& o) {
  CLI::Option* folder =
      command.add_option("--maps", o.maps_folder, "Play on the maps of this folder")
          ->type_name("FOLDER");
  command.add_option("--only", o.only_file, "Of these alone: names of files, one a line")
      ->type_name("FILE")
      ->needs(folder);
  command.add_option("--generate", o.generate, "Size of generated maps")
      ->type_name("WxH")
      ->capture_default_str();
  command
      .add_option("--generated", o.generated,
                  "So many generated maps; by itself one a round, and none beside --maps")
      ->type_name("N")
      ->check(CLI::Range(0, arena_maps_max));
  command.add_option("--teams", o.teams, "Seats at a table")
      ->type_name("N")
      ->check(CLI::Range(2, territory::teams_max))
      ->capture_default_str();
  command.add_option("--rules", o.rules_file, "A rules file; what it leaves out has its default")
      ->type_name("FILE");
}

CLI::App* add_arena(CLI::App& app, cli::ArenaOptions& o) {
  CLI::App* command = app.add_subcommand("arena", "Measure who is stronger, over many games");
  command
      ->add_option("player", o.players,
                   "Two or more players: NAME, NAME:SETTING=N,... or "
                   "exec:COMMAND; --list names them")
      ->type_name("PLAYER");
  add_arena_grounds(*command, o);
  command->add_option("--games", o.games, "Games of each table, in whole rounds")
      ->type_name("N")
      ->check(CLI::Range(1, arena_games_max))
      ->capture_default_str();
  command->add_option("--seed", o.seed, "Seed of the whole measurement")
      ->type_name("N")
      ->check(is_seed)
      ->capture_default_str();
  command->add_option("--jobs", o.jobs, "Games at a time")
      ->type_name("N")
      ->check(CLI::Range(1, arena_jobs_max))
      ->capture_default_str();
  command->add_option("--work", o.work_per_tick, "Work units a tick for each player's thinking")
      ->type_name("N")
      ->check(CLI::Range(1, work_per_tick_max))
      ->capture_default_str();
  command
      ->add_option("--patience", o.patience_ms,
                   "A program that takes longer for an answer has lost the game, in milliseconds")
      ->type_name("MS")
      ->check(CLI::Range(1, patience_ms_max))
      ->capture_default_str();
  command->add_option("--sprt", o.sprt, "Stop once the first is ELO1 stronger rather than ELO0")
      ->type_name("ELO0,ELO1");
  command->add_option("--games-file", o.games_file, "Write each game's line to this file")
      ->type_name("FILE");
  command->add_option("--replay", o.replay_line, "Play a game again from its line; - for stdin")
      ->type_name("LINE");
  command->add_option("--to", o.to_file, "With --replay: write the game for `redoubt replay`")
      ->type_name("FILE");
  command->add_flag("--list", o.list, "Name the players and their settings");
  command->add_flag("--json", o.json, "Print JSON");
  command->footer(
      "A round is a map and a seed, played once with every arrangement of the seats. Two runs "
      "with\n"
      "the same arguments say the same, but for CPU time, whatever --jobs is. docs/arena.md has "
      "the\n"
      "protocol of programs.\n\n"
      "Examples:\n"
      "  redoubt arena strategist rush --games 64 --jobs 4\n"
      "  redoubt arena strategist raider turtle hunter --maps maps --games 32 --json\n"
      "  redoubt arena strategist 'exec:python3 bot.py' --games 16 --games-file games.jsonl\n"
      "  redoubt arena --replay \"$(sed -n 5p games.jsonl)\" --to game.replay");
  return command;
}

CLI::App* add_replay(CLI::App& app, cli::ReplayOptions& o) {
  CLI::App* command = app.add_subcommand("replay", "Play a replay back and verify every hash");
  command->add_option("file", o.file, "The replay; - for stdin")->type_name("FILE")->required();
  command->add_flag("--json", o.json, "Print JSON");
  command->footer(
      "Examples:\n"
      "  redoubt replay match.replay\n"
      "  redoubt replay --json - < match.replay");
  return command;
}

CLI::App* add_strategy(CLI::App& app, cli::RequestOptions& o, bool& adapt) {
  CLI::App* command =
      app.add_subcommand("strategy", "Answer a team-strategy request: JSON on stdin and stdout");
  command->add_flag("--adapt", adapt, "The request also has current_strategy and opponent_history");
  command->add_flag("--json", o.json, "Print one line; errors as JSON");
  command->footer(
      "Example:\n"
      "  echo '{\"team_id\":\"red\",\"territory_control\":{\"red\":20,\"blue\":45},\n"
      "    \"resources\":{\"red\":{\"energy\":40,\"materials\":40,\"data\":40}},\n"
      "    \"agents\":{\"red\":[],\"blue\":[]},\"resource_distribution\":{\"energy\":6}}' \\\n"
      "    | redoubt strategy");
  return command;
}

CLI::App* add_agent(CLI::App& app, cli::RequestOptions& o) {
  CLI::App* command = app.add_subcommand(
      "agent", "Answer an agent-specification request: JSON on stdin and stdout");
  command->add_flag("--json", o.json, "Print one line; errors as JSON");
  command->footer(
      "Example:\n"
      "  echo "
      "'{\"team_id\":\"red\",\"strategy\":{\"strategy\":\"aggressive\",\"focus\":\"combat\"},\n"
      "    \"resources\":{\"energy\":40,\"materials\":40,\"data\":40}}' | redoubt agent");
  return command;
}

CLI::App* add_map(CLI::App& app, cli::MapOptions& o) {
  CLI::App* command = app.add_subcommand("map", "Describe, convert, generate or draw a map");
  add_ground(*command, o.ground, true);
  command->add_option("--teams", o.ground.teams, "Teams of a generated map")
      ->type_name("N")
      ->check(CLI::Range(2, territory::teams_max))
      ->capture_default_str();
  command->add_option("--name", o.name, "Give the map this name")->type_name("TEXT");
  command->add_option("--to", o.to_file, "Write the map as compact JSON; - for stdout")
      ->type_name("FILE");
  command->add_option("--picture", o.picture_file, "Draw the map into FILE.png or FILE.svg")
      ->type_name("FILE");
  command->add_option("--cell", o.cell_pixels, "Pixels from cell to cell in the picture")
      ->type_name("N")
      ->check(CLI::Range(picture::cell_pixels_min, picture::cell_pixels_max));
  command->add_option("--rules", o.rules_file, "A rules file (start territory in the picture)")
      ->type_name("FILE");
  command->add_flag("--json", o.json, "Print JSON");
  command->footer(
      "Examples:\n"
      "  redoubt map valley.json\n"
      "  redoubt map 2p_Hamlets.map --to hamlets.json --picture hamlets.png\n"
      "  redoubt map --generate 40x28 --seed 7 --name valley --to valley.json");
  return command;
}

struct WorkflowOptions {
  cli::WorkflowFileOptions check;
  cli::WorkflowRunOptions run;
  cli::WorkflowAskOptions ask;
  cli::WorkflowFileOptions replay;
  cli::WorkflowFileOptions show;
  cli::WorkflowBundleOptions bundle;
  cli::WorkflowTemplateOptions from_template;
};

CLI::App* add_workflow_file(CLI::App& group, const char* name, const char* what, std::string& file,
                            bool& json, const char* example) {
  CLI::App* command = group.add_subcommand(name, what);
  command->add_option("file", file, "A workflow, YAML or JSON, or the name of a shipped one")
      ->type_name("FILE");
  command->add_flag("--json", json, "Print JSON");
  command->footer(std::string("Example:\n  redoubt workflow ") + example);
  return command;
}

void add_workflow_run(CLI::App& group, cli::WorkflowRunOptions& o) {
  CLI::App* command = add_workflow_file(group, "run", "Run a workflow, or go on with its journal",
                                        o.file, o.json, "run team_strategy --input @request.json");
  command->get_option("file")->required();
  command->add_option("--input", o.input, "The run's input: JSON or @FILE")->type_name("JSON");
  command->add_option("--journal", o.journal, "Keep the run in this file, or go on with it")
      ->type_name("FILE");
  command
      ->add_option("--model", o.model,
                   "Who answers for models: a relay or another server of OpenAI's chat format, or "
                   "a file")
      ->type_name("URL|script:FILE");
  command
      ->add_option("--model-name", o.model_name,
                   "Ask for this one there; otherwise for a step's model_name, else strategist")
      ->type_name("NAME");
  command->add_option("--seed", o.seed, "The run's seed")->type_name("N")->check(is_seed);
  command->add_option("--id", o.id, "The run's id; by chance where it is not given")
      ->type_name("TEXT");
  command->add_option("--answer", o.answers, "Answer to a question, by its step")
      ->type_name("NAME=JSON")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--signal", o.signals, "A signal to give")
      ->type_name("NAME=JSON")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--memory", o.memory, "Where agents remember from run to run")
      ->type_name("FILE");
  command->add_flag("--commands", o.commands, "Let tools of _type command run programs");
  command->footer(
      "Without a model every model step fails, and its fallback answers. A relay that asks for a\n"
      "token gets that of the variable REDOUBT_RELAY_TOKEN. Called again with the same journal "
      "the\n"
      "run goes on where it stopped, whatever stopped it.\n\n"
      "Examples:\n"
      "  redoubt workflow run research --input @topic.json --model http://localhost:8000\n"
      "  redoubt workflow run team_strategy --input @request.json\n"
      "  redoubt workflow run research --input @topic.json --model script:answers.json \\\n"
      "    --journal research.journal");
}

CLI::App* add_bundle_command(CLI::App& group, const char* name, const char* what,
                             cli::WorkflowBundleOptions& o, cli::BundleAction action,
                             const char* example) {
  CLI::App* command = group.add_subcommand(name, what);
  command->callback([&o, action] { o.action = action; });
  command->add_flag("--json", o.json, "Print JSON");
  command->footer(std::string("Example:\n  redoubt workflow bundle ") + example);
  return command;
}

void add_workflow_bundle(CLI::App& workflow, cli::WorkflowBundleOptions& o) {
  using cli::BundleAction;
  CLI::App* group = workflow.add_subcommand("bundle", "Move a run to another host, as one file");
  group->require_subcommand(1);
  const auto journal = [&o](CLI::App* command, const char* what) {
    command->add_option("--journal", o.journal, what)->type_name("FILE")->required();
  };
  CLI::App* exported =
      add_bundle_command(*group, "export", "Park a run here and write its bundle", o,
                         BundleAction::export_run, "export run.bundle --journal run.journal");
  exported->add_option("bundle", o.bundle, "The file to write")->type_name("FILE")->required();
  journal(exported, "The run's journal");
  CLI::App* imported =
      add_bundle_command(*group, "import", "Verify a bundle and take its run over", o,
                         BundleAction::import_run, "import run.bundle --journal here.journal");
  imported->add_option("bundle", o.bundle, "The bundle")->type_name("FILE")->required();
  journal(imported, "Keep the run in this file, new or the one that it left");
  imported
      ->add_option("--clock-offset", o.clock_offset,
                   "This host's clock minus the other's: 30s, -2m")
      ->type_name("DURATION");
  imported->add_option("--deny", o.deny, "A step of the class once that must not run here")
      ->type_name("STEP")
      ->take_all()
      ->allow_extra_args(false);
  imported->add_flag("--honour-approvals", o.honour_approvals,
                     "Take answers that people gave elsewhere");
  CLI::App* inspected = add_bundle_command(*group, "inspect", "Verify a bundle and say what it is",
                                           o, BundleAction::inspect, "inspect run.bundle");
  inspected->add_option("bundle", o.bundle, "The bundle")->type_name("FILE")->required();
  CLI::App* forked = add_bundle_command(
      *group, "fork", "Go on with what was moved away, as a run of its own", o, BundleAction::fork,
      "fork --journal run.journal --to own.journal --id my-own");
  journal(forked, "The journal of the run that was moved away");
  forked->add_option("--to", o.to_journal, "The new run's journal")->type_name("FILE")->required();
  forked->add_option("--id", o.id, "The new run's id")->type_name("TEXT")->required();
  group->footer(
      "Examples:\n"
      "  redoubt workflow bundle export run.bundle --journal run.journal\n"
      "  redoubt workflow bundle import run.bundle --journal here.journal\n"
      "  redoubt workflow run flow.yaml --journal here.journal");
}

CLI::App* add_workflow(CLI::App& app, WorkflowOptions& o) {
  CLI::App* group = app.add_subcommand("workflow", "Check, run, replay, show and move workflows");
  group->require_subcommand(1);
  add_workflow_file(*group, "check", "Print every fault of a workflow, or what it holds",
                    o.check.file, o.check.json, "check flow.yaml")
      ->get_option("file")
      ->required();
  add_workflow_run(*group, o.run);
  CLI::App* ask = group->add_subcommand("ask", "One model effect: JSON on stdin and stdout");
  ask->group("");  // for `run`, not for people
  ask->add_option("--model", o.ask.model, "A server's URL")->type_name("URL")->required();
  ask->add_option("--model-name", o.ask.model_name, "Ask for this one")->type_name("NAME");
  CLI::App* replay =
      add_workflow_file(*group, "replay", "Verify every decision of a journal", o.replay.file,
                        o.replay.json, "replay flow.yaml --journal run.journal");
  replay->get_option("file")->required();
  replay->add_option("--journal", o.replay.journal, "The run's journal")
      ->type_name("FILE")
      ->required();
  CLI::App* show = add_workflow_file(*group, "show", "Draw a run as a timeline", o.show.file,
                                     o.show.json, "show --journal run.journal --svg run.svg");
  show->add_option("--journal", o.show.journal, "The run's journal")->type_name("FILE")->required();
  show->add_option("--svg", o.show.svg, "Draw it into this file, too")->type_name("FILE");
  add_workflow_bundle(*group, o.bundle);
  CLI::App* from_template =
      group->add_subcommand("template", "List kinds of agents, or make a workflow of one");
  from_template->add_option("name", o.from_template.name, "A template's name");
  from_template->add_option("--agent", o.from_template.agent, "What the agent is called")
      ->type_name("NAME");
  from_template
      ->add_option("--set", o.from_template.settings, "A setting of the agent, or one of your own")
      ->type_name("KEY=JSON")
      ->take_all()
      ->allow_extra_args(false);
  from_template->add_flag("--json", o.from_template.json, "Print the list as JSON");
  from_template->footer(
      "Examples:\n"
      "  redoubt workflow template\n"
      "  redoubt workflow template researcher --agent ada --set 'model=\"small\"' > ada.json");
  group->footer(
      "Examples:\n"
      "  redoubt workflow check flow.yaml\n"
      "  redoubt workflow run flow.yaml --journal run.journal\n"
      "  redoubt workflow replay flow.yaml --journal run.journal\n"
      "  redoubt workflow show --journal run.journal --svg run.svg");
  return group;
}

int run_workflow(const CLI::App& group, const WorkflowOptions& o) {
  if (group.got_subcommand("check")) return cli::workflow_check(o.check);
  if (group.got_subcommand("run")) return cli::workflow_run(o.run);
  if (group.got_subcommand("ask")) return cli::workflow_ask(o.ask);
  if (group.got_subcommand("replay")) return cli::workflow_replay(o.replay);
  if (group.got_subcommand("template")) return cli::workflow_template(o.from_template);
  if (group.got_subcommand("bundle")) return cli::workflow_bundle(o.bundle);
  return cli::workflow_show(o.show);
}

void add_vault(CLI::App& command, cli::VaultOptions& vault) {
  command.add_option("--config", vault.config_file, "The relay's configuration file")
      ->type_name("FILE")
      ->envname("REDOUBT_CONFIG");
  command.add_option("--store", vault.store_file, "The relay's store instead of store.path")
      ->type_name("FILE");
  command
      .add_option("--master-key", vault.master_key_file,
                  "File of the master key instead of what is configured")
      ->type_name("FILE");
  command.add_flag("--json", vault.json, "Print JSON");
}

CLI::App* add_key_action(CLI::App& keys, cli::KeysOptions& o, cli::KeysAction action,
                         const char* name, const char* what, const char* example) {
  CLI::App* command = keys.add_subcommand(name, what);
  command->callback([&o, action] { o.action = action; });
  add_vault(*command, o.vault);
  command->footer(std::string("Example:\n  redoubt keys ") + example);
  return command;
}

CLI::App* add_keys(CLI::App& app, cli::KeysOptions& o) {
  using cli::KeysAction;
  CLI::App* keys =
      app.add_subcommand("keys", "Keep the relay's provider keys, sealed in its store");
  keys->require_subcommand(1);
  const auto named = [&](CLI::App* command) {
    command->add_option("name", o.name, "Name of the key")->type_name("NAME")->required();
    return command;
  };
  const CLI::Range weights(1, auth::key_weight_max);
  CLI::App* add =
      named(add_key_action(*keys, o, KeysAction::add, "add", "Seal a key that is read from stdin",
                           "add main --provider openai < key.txt"));
  add->add_option("--provider", o.provider, "Whose key it is: openai, anthropic, ...")
      ->type_name("NAME")
      ->required();
  add->add_option("--weight", o.weight, "Its part in the provider's calls, beside its other keys")
      ->type_name("N")
      ->check(weights)
      ->capture_default_str();
  named(add_key_action(*keys, o, KeysAction::weigh, "weigh", "Give a key another weight",
                       "weigh main 3"))
      ->add_option("weight", o.weight, "Its part in the provider's calls")
      ->type_name("N")
      ->check(weights)
      ->required();
  add_key_action(*keys, o, KeysAction::list, "list", "List the keys, without showing them",
                 "list --config /etc/redoubt/relay.yaml");
  CLI::App* test = add_key_action(
      *keys, o, KeysAction::test, "test",
      "Check that every key, or one, opens, and that its provider takes it", "test main --offline");
  test->add_option("name", o.name, "Name of the key")->type_name("NAME");
  test->add_flag("--offline", o.offline, "Ask no provider");
  named(add_key_action(*keys, o, KeysAction::rotate, "rotate",
                       "Seal a new value, read from stdin, under an old name",
                       "rotate main < key.txt"));
  add_key_action(*keys, o, KeysAction::rotate_master, "rotate-master",
                 "Seal every key again under another master key", "rotate-master new.key")
      ->add_option("file", o.file, "File of the new master key")
      ->type_name("FILE")
      ->required();
  named(add_key_action(*keys, o, KeysAction::remove, "remove", "Remove a key", "remove main"));
  add_key_action(*keys, o, KeysAction::new_master, "new-master",
                 "Write a new random master key into a new file", "new-master master.key")
      ->add_option("file", o.file, "The file, which must not exist yet")
      ->type_name("FILE")
      ->required();
  keys->footer(
      "A key is never an argument: on a terminal it is asked for without echo. A running relay\n"
      "takes changes up on SIGHUP. Where the master key is not in a file, the variable\n"
      "REDOUBT_MASTER_KEY may hold it.\n\n"
      "Examples:\n"
      "  redoubt keys new-master master.key\n"
      "  redoubt keys add main --provider openai --master-key master.key < key.txt\n"
      "  redoubt keys list --config /etc/redoubt/relay.yaml");
  return keys;
}

CLI::App* add_tokens(CLI::App& app, cli::TokensOptions& o) {
  using cli::TokensAction;
  CLI::App* tokens = app.add_subcommand("tokens", "Make keys that sign tokens, and tokens");
  tokens->require_subcommand(1);
  const auto action = [&](TokensAction what, const char* name, const char* help,
                          const char* example) {
    CLI::App* command = tokens->add_subcommand(name, help);
    command->footer(std::string("Example:\n  redoubt tokens ") + example);
    command->callback([&o, what] { o.action = what; });
    command->add_option("file", o.file, "A JWK Set (tokens.keys_file)")
        ->type_name("FILE")
        ->required();
    return command;
  };
  CLI::App* key = action(TokensAction::new_key, "new-key", "Write a new key into a new file",
                         "new-key valley.jwks --kid valley-1 --tenant valley");
  key->add_option("--kid", o.kid, "Name of the key")->type_name("NAME")->required();
  key->add_option("--alg", o.algorithm, "EdDSA or HS256")
      ->check(CLI::IsMember({"EdDSA", "HS256"}))
      ->capture_default_str();
  key->add_option("--scope", o.scope, "What its tokens may be given (default: game models)")
      ->type_name("SCOPES");
  key->add_option("--tenant", o.tenants,
                  "A tenant for which it signs; once for each (default: default)")
      ->type_name("NAME");
  action(TokensAction::public_key, "public", "Print the public half of the first key",
         "public valley.jwks");
  CLI::App* mint = action(TokensAction::mint, "mint", "Print a token, signed with the first key",
                          "mint operators.jwks --sub ada --lifetime 28800");
  mint->add_option("--sub", o.subject, "Whose token it is")->type_name("NAME")->required();
  mint->add_option("--scope", o.scope, "What it may be used for (default: all that the key gives)")
      ->type_name("SCOPES");
  mint->add_option("--tenant", o.tenants,
                   "Whose game: a tenant of the key (default: default, or the key's only one)")
      ->type_name("NAME")
      ->expected(1);
  mint->add_option("--audience", o.audience, "The relay's tokens.audience")->capture_default_str();
  mint->add_option("--lifetime", o.lifetime_s, "Seconds until it expires")
      ->type_name("N")
      ->check(CLI::Range(10, token_lifetime_s_max))
      ->capture_default_str();
  tokens->footer(
      "Scopes: game, models, workflow:run, workflow:author, operator:read, operator:write.\n\n"
      "Examples:\n"
      "  redoubt tokens new-key operators.jwks --kid ops-1 --scope 'operator:read operator:write'\n"
      "  redoubt tokens mint operators.jwks --sub ada --lifetime 28800\n"
      "  redoubt tokens new-key valley.jwks --kid valley-1 --tenant valley");
  return tokens;
}

CLI::App* add_models(CLI::App& app, cli::ModelsOptions& o) {
  CLI::App* command =
      app.add_subcommand("models", "List language models: prices, limits, when they are shut off");
  command
      ->add_option("name", o.name,
                   "One model, told in full: NAME or DIALECT/NAME; of a DIALECT, all")
      ->type_name("NAME");
  command->add_option("--config", o.config_file, "The relay's configuration file")
      ->type_name("FILE")
      ->envname("REDOUBT_CONFIG");
  command->add_option("--cards", o.cards_file, "A file of cards instead of models.cards_file")
      ->type_name("FILE");
  command->add_option("--date", o.date, "The prices of this day, such as 2026-12-31, at 00:00 UTC")
      ->type_name("DATE");
  command->add_flag("--json", o.json, "Print JSON");
  command->footer(
      "Prices are dollars for a million tokens. A model that is not listed is not known to the\n"
      "relay, which does not call it where a budget limits the call; docs/models.md says how a\n"
      "file of your own adds it.\n\n"
      "Examples:\n"
      "  redoubt models\n"
      "  redoubt models gpt-5.4-mini --date 2027-01-01\n"
      "  redoubt models --cards our-models.json --json");
  return command;
}

int bad_use(const std::string& message) {
  std::fprintf(stderr, "redoubt: %s\nRun with --help for more information.\n", message.c_str());
  return cli::exit_bad_use;
}

}  // namespace

int main(int argc, char** argv) {
  auth::forbid_core_files();  // keys pass through here
  CLI::App app("Redoubt: territory control on hexagonal maps, played by agents.", "redoubt");
  app.set_version_flag("--version", REDOUBT_VERSION);
  app.require_subcommand(1);
  app.footer(std::string("`redoubt COMMAND --help` tells more and gives examples.\n") + exit_codes);
  cli::PlayOptions play_options;
  cli::ReplayOptions replay_options;
  cli::ArenaOptions arena_options;
  cli::RequestOptions strategy_options;
  cli::RequestOptions agent_options{.kind = cli::Request::agent_specification};
  cli::MapOptions map_options;
  cli::KeysOptions keys_options;
  cli::TokensOptions tokens_options;
  cli::ModelsOptions models_options;
  bool adapt = false;
  const CLI::App* keys = add_keys(app, keys_options);
  const CLI::App* tokens = add_tokens(app, tokens_options);
  const CLI::App* models = add_models(app, models_options);
  const CLI::App* play = add_play(app, play_options);
  const CLI::App* replay = add_replay(app, replay_options);
  const CLI::App* arena = add_arena(app, arena_options);
  const CLI::App* strategy = add_strategy(app, strategy_options, adapt);
  const CLI::App* agent = add_agent(app, agent_options);
  add_map(app, map_options);
  WorkflowOptions workflow_options;
  const CLI::App* workflow = add_workflow(app, workflow_options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& fault) {
    if (fault.get_exit_code() == 0) return app.exit(fault);  // --help, --version
    const std::string unknown =
        config::unknown_word(app, {argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
    return bad_use(unknown.empty() ? fault.what() : unknown);
  }
  const auto grounded = [](const cli::GroundOptions& o) {
    return !o.file.empty() || !o.generate.empty();
  };
  if (play->parsed()) {
    if (!grounded(play_options.ground)) return bad_use("play needs --map FILE or --generate WxH");
    return cli::play(play_options);
  }
  if (replay->parsed()) return cli::replay(replay_options);
  if (arena->parsed()) {
    const bool alone = arena_options.list || !arena_options.replay_line.empty();
    if (!alone && arena_options.players.size() < 2) return bad_use("arena needs two players");
    return cli::arena(arena_options);
  }
  if (strategy->parsed()) {
    if (adapt) strategy_options.kind = cli::Request::strategy_adaptation;
    return cli::answer(strategy_options);
  }
  if (workflow->parsed()) return run_workflow(*workflow, workflow_options);
  if (agent->parsed()) return cli::answer(agent_options);
  if (keys->parsed()) return cli::keys(keys_options);
  if (tokens->parsed()) return cli::tokens(tokens_options);
  if (models->parsed()) return cli::models(models_options);
  if (!grounded(map_options.ground)) return bad_use("map needs a file or --generate WxH");
  return cli::map(map_options);
}
