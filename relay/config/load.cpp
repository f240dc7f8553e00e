#include "relay/config/load.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <set>

#include "engine/base/message.hpp"
#include "engine/base/nearest.hpp"
#include "engine/base/variables.hpp"
#include "engine/yaml/read_yaml.hpp"
#include "relay/config/keys.hpp"
#include "relay/config/provider_variables.hpp"

namespace redoubt::config {
namespace {

constexpr std::string_view prefix = "REDOUBT_";
constexpr int nesting_max = 16;

// Variables that begin like ours and are no keys: the file's name, the test data's folders, and the
// master key, which is a secret and so no part of a configuration that can be printed.
constexpr std::array<std::string_view, 4> other_variables{
    "REDOUBT_CONFIG", "REDOUBT_MAPS", "REDOUBT_WYCHEPROOF", "REDOUBT_MASTER_KEY"};
// What Kubernetes and old Docker links make for a service called redoubt or redoubt-relay.
constexpr std::array<std::string_view, 4> foreign_variables{"REDOUBT_TEST_", "REDOUBT_SERVICE_",
                                                            "REDOUBT_PORT", "REDOUBT_RELAY_"};

// AgentArena's own name and the one its .env.example uses.
constexpr std::array<std::string_view, 2> origin_variables{"CORS_ORIGINS", "ALLOWED_ORIGINS"};

Error fault_at(std::string path, std::string expected, std::string got) {
  Error fault{.code = "bad_config", .path = std::move(path)};
  fault.message =
      (fault.path.empty() ? "the file" : fault.path) + ": expected " + expected + ", got " + got;
  fault.expected = std::move(expected);
  fault.got = std::move(got);
  return fault;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t shown_max = 60;
  std::string shown(text.substr(0, shown_max));
  if (text.size() > shown_max) shown += "...";
  return '"' + shown + '"';
}

std::string shown(const YAML::Node& node) {
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  if (node.IsNull()) return "nothing";
  return quoted(node.Scalar());
}

bool is_number(const Target& place) {
  return std::holds_alternative<std::int64_t*>(place) ||
         std::holds_alternative<OptionalLimit*>(place);
}

// 012: which number that is, tools do not agree about.
bool has_leading_zero(std::string_view text) {
  return text.size() > 1 && text[0] == '0';
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> entries;
  while (!text.empty()) {
    const std::size_t cut = std::min(text.find(','), text.size());
    std::string_view entry = text.substr(0, cut);
    text.remove_prefix(std::min(cut + 1, text.size()));
    while (!entry.empty() && entry.front() == ' ')
      entry.remove_prefix(1);
    while (!entry.empty() && entry.back() == ' ')
      entry.remove_suffix(1);
    if (!entry.empty()) entries.emplace_back(entry);
  }
  return entries;
}

// "server.shards" and 0 -> itself; "listeners[].port" and 2 -> "listeners[2].port".
std::string numbered(std::string_view name, std::size_t entry) {
  const std::size_t brackets = name.find("[]");
  if (brackets == std::string_view::npos) return std::string(name);
  return std::string(name.substr(0, brackets + 1)) + std::to_string(entry) +
         std::string(name.substr(brackets + 1));
}

class Loader {
 public:
  Loader(const std::optional<Source>& file, const Environment& environment) : file_(file) {
    for (const auto& [name, value] : environment)
      variables_.values.emplace(name, value);
  }

  void read_file() {
    if (!file_) return;
    if (file_->text.size() > file_bytes_max) {
      add(fault_at("", "at most " + std::to_string(file_bytes_max) + " bytes",
                   std::to_string(file_->text.size())));
      return;
    }
    // What yaml-cpp takes and drops without a word, the strict reader refuses: a quote that is not
    // closed, a key that appears twice, a tag, a second document.
    if (auto strict = yaml::read_yaml(file_->text); !strict) {
      strict.error().code = "bad_config";
      add(strict.error());
      return;
    }
    try {
      const YAML::Node root = YAML::Load(file_->text);
      if (root.IsNull()) return;
      read_map(root, "", 0, 0);
    } catch (const YAML::Exception& e) {
      Error fault{
          .code = "bad_config", .message = "not valid YAML: " + e.msg, .expected = "valid YAML"};
      fault.line = e.mark.line + 1;
      fault.column = e.mark.column + 1;
      add(std::move(fault));
    }
  }

  void name_the_file() {
    for (Error& fault : faults_) {
      if (fault.line > 0 && file_)
        fault.message = file_->name + ":" + std::to_string(fault.line) + ":" +
                        std::to_string(fault.column) + ": " + fault.message;
    }
  }

  void read_environment(const Environment& environment) {
    grow_lists(environment);
    std::set<std::string, std::less<>> known;
    for (const Key& key : keys()) {
      const EntryList* list = list_of(key);
      const std::size_t count = list != nullptr ? list->size(loaded_.config) : 1;
      for (std::size_t i = 0; i < count; ++i) {
        const std::string name = environment_name(key, i);
        known.insert(name);
        read_variable(environment, key, name, i);
      }
    }
    for (const auto& [name, value] : environment) {
      if (name.starts_with(prefix) && !known.contains(name) && !is_foreign(name)) {
        refuse_variable(name, known);
      }
    }
  }

  void read_override(const Override& value) {
    for (const Key& key : keys()) {
      if (numbered(key.name, 0) != value.key) continue;
      const std::string wrong = assign(key, target(key, loaded_.config, 0), value.value);
      if (!wrong.empty()) add(fault_at(value.origin, wrong, quoted(value.value)));
      loaded_.origins[value.key] = value.origin;
      loaded_.written.erase(value.key);
    }
  }

  std::variant<Loaded, Faults> finish(const Environment& environment) {
    if (faults_.empty()) adopt_providers(environment, loaded_);
    if (faults_.empty()) {
      check_provider_names();
      for (Error& fault : check(loaded_.config)) {
        fault.message = placed(loaded_, fault);
        add(std::move(fault));
      }
      loaded_.unread = unread_variables(environment, loaded_.config);
    }
    if (!faults_.empty()) return std::move(faults_);
    return std::move(loaded_);
  }

 private:
  // A target and a key name their provider, so that its name has to be one.
  void check_provider_names() {
    const std::vector<Provider>& providers = loaded_.config.providers;
    std::map<std::string_view, std::string> seen;  // to where it stands
    for (std::size_t i = 0; i < providers.size(); ++i) {
      const std::string path = joined({"providers[", i, "].name"});
      const std::string_view name = providers[i].name;
      const auto [first, is_new] = seen.try_emplace(name, origin_of(loaded_, path));
      if (is_new && !name.empty()) continue;
      Error fault = fault_at(path, "a name", "none");
      if (!name.empty())
        fault = fault_at(path, "a name of its own",
                         joined({"\"", name, "\", which another has (", first->second, ")"}));
      fault.message = placed(loaded_, fault);
      add(std::move(fault));
    }
  }

  void add(Error fault) {
    if (faults_.size() < faults_max) faults_.push_back(std::move(fault));
  }

  void add_at(const YAML::Node& node, Error fault) {
    fault.line = node.Mark().line + 1;
    fault.column = node.Mark().column + 1;
    add(std::move(fault));
  }

  // `at` is the path so far with "[]" for lists, "" for the root.
  void read_map(const YAML::Node& map, const std::string& at, std::size_t entry, int depth) {
    if (!map.IsMap() || depth > nesting_max) {
      add_at(map, fault_at(numbered(at, entry), "a mapping of keys to values", shown(map)));
      return;
    }
    for (const auto& pair : map) {
      const std::string& name = pair.first.Scalar();
      const std::string path = at.empty() ? name : at + "." + name;
      if (const EntryList* entries = entry_list(path)) {
        read_entries(*entries, pair.second, depth);
      } else {
        read_member(pair.first, pair.second, path, entry, depth);
      }
    }
  }

  void read_member(const YAML::Node& name, const YAML::Node& value, const std::string& path,
                   std::size_t entry, int depth) {
    const auto all = keys();
    const auto key =
        std::find_if(all.begin(), all.end(), [&](const Key& k) { return k.name == path; });
    if (key != all.end()) {
      read_value(*key, value, entry);
      return;
    }
    const bool section = std::any_of(all.begin(), all.end(),
                                     [&](const Key& k) { return k.name.starts_with(path + "."); });
    if (section) {
      if (!value.IsNull()) read_map(value, path, entry, depth + 1);
      return;
    }
    refuse_key(name, path, entry);
  }

  // What people call a key that has another name here; "" where that is no key at this place.
  static std::string_view called_otherwise(std::string_view name,
                                           const std::vector<std::string_view>& candidates) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> names{
        {{"type", "dialect"},
         {"kind", "dialect"},
         {"url", "base_url"},
         {"endpoint", "base_url"},
         {"model", "targets"},
         {"host", "address"}}};
    for (const auto& [said, known] : names)
      if (said == name &&
          std::find(candidates.begin(), candidates.end(), known) != candidates.end())
        return known;
    return {};
  }

  void refuse_key(const YAML::Node& name, const std::string& path, std::size_t entry) {
    if (path.starts_with("providers[].") && names_secret(name.Scalar())) {
      Error fault{.code = "bad_config", .path = numbered(path, entry)};
      fault.message = fault.path +
                      ": keys are in no configuration. The variable of its provider "
                      "(OPENAI_API_KEY and its like) holds one, or `redoubt keys add` seals it; "
                      "docs/models.md has both";
      add_at(name, std::move(fault));
      return;
    }
    // Candidates are the names at this place; failing these, the same name at another place.
    const std::string parent =
        path.substr(0, path.rfind('.') == std::string::npos ? 0 : path.rfind('.') + 1);
    std::set<std::string_view> siblings;
    for (const Key& key : keys()) {
      if (!key.name.starts_with(parent)) continue;
      const std::string_view rest = key.name.substr(parent.size());
      siblings.insert(rest.substr(0, std::min(rest.find_first_of(".["), rest.size())));
    }
    const std::vector<std::string_view> candidates(siblings.begin(), siblings.end());
    const std::string last = path.substr(parent.size());
    std::string_view near = called_otherwise(last, candidates);
    if (near.empty()) near = nearest(last, candidates);
    std::string expected = "one of " + list(candidates);
    if (!near.empty()) expected = "a known key; did you mean " + parent + std::string(near) + "?";
    Error fault = fault_at(numbered(path, entry), expected, "an unknown key");
    fault.message = numbered(path, entry) + " is not a key of the configuration";
    const std::string_view elsewhere = same_name_elsewhere(last);
    if (!near.empty()) {
      fault.message += "; did you mean " + numbered(parent, entry) + std::string(near) + "?";
    } else if (!elsewhere.empty()) {
      fault.message +=
          "; did you mean " + std::string(elsewhere) + "? The indentation says where a key belongs";
    } else {
      fault.message += " (" + expected + ")";
    }
    add_at(name, std::move(fault));
  }

  // The first key, list or section of that name, with what it stands below; "" where there is none.
  static std::string_view same_name_elsewhere(std::string_view name) {
    for (const Key& key : keys()) {
      for (std::size_t begin = 0; begin < key.name.size();) {
        const std::size_t end = std::min(key.name.find_first_of(".[", begin), key.name.size());
        if (key.name.substr(begin, end - begin) == name) return key.name.substr(0, end);
        const std::size_t dot = std::min(key.name.find('.', end), key.name.size());
        begin = dot + 1;
      }
    }
    return {};
  }

  static std::string list(const std::vector<std::string_view>& names) {
    std::string text;
    for (const std::string_view name : names)
      text.append(text.empty() ? "" : ", ").append(name);
    return text;
  }

  static const EntryList* entry_list(std::string_view path) {
    const auto all = entry_lists();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const EntryList& l) { return l.name == path; });
    return found == all.end() ? nullptr : &*found;
  }

  void read_entries(const EntryList& entries, const YAML::Node& list, int depth) {
    const std::string name(entries.name);
    if (!list.IsSequence() || list.size() < entries.entries_min ||
        list.size() > entries.entries_max) {
      add_at(list, fault_at(name,
                            "a list of " + std::to_string(entries.entries_min) + " to " +
                                std::to_string(entries.entries_max) + " " + name,
                            list.IsSequence() ? std::to_string(list.size()) : shown(list)));
      return;
    }
    entries.resize(loaded_.config, 0);
    entries.resize(loaded_.config, list.size());
    for (std::size_t i = 0; i < list.size(); ++i)
      read_map(list[i], name + "[]", i, depth + 1);
  }

  void read_value(const Key& key, const YAML::Node& value, std::size_t entry) {
    const Target place = target(key, loaded_.config, entry);
    const std::string path = numbered(key.name, entry);
    std::string wrong;
    if (is_list(place)) {
      std::vector<std::string> entries, written;
      const bool scalars = value.IsSequence() && value.size() <= 4'096 &&
                           std::all_of(value.begin(), value.end(),
                                       [](const YAML::Node& item) { return item.IsScalar(); });
      if (scalars) {
        for (const YAML::Node& item : value) {
          const std::optional<std::string> text = expanded(item, path);
          if (!text) return;
          entries.push_back(*text);
          written.push_back(item.Scalar());
        }
        if (loaded_.written.contains(path)) loaded_.written[path] = render(&written);
        wrong = assign_list(key, place, std::move(entries));
      } else {
        wrong = "a list of texts";
      }
    } else {
      wrong = expected(key);
      if (value.IsScalar()) {
        const std::optional<std::string> text = expanded(value, path);
        if (!text) return;
        wrong = assign(key, place, *text);
        if (wrong.empty() && is_number(place) && has_leading_zero(*text))
          wrong = expected(key) + " without leading zeros";
      }
    }
    if (!wrong.empty()) {
      add_at(value, fault_at(path, wrong, describe_value(value)));
      return;
    }
    loaded_.origins[path] = file_->name + ":" + std::to_string(value.Mark().line + 1);
  }

  // The scalar with its variables' values; nothing, and a fault, where that cannot be.
  std::optional<std::string> expanded(const YAML::Node& scalar, const std::string& path) {
    auto done = expand_variables(scalar.Scalar(), variables_);
    std::string wrong = done ? "" : done.error().message;
    for (const ProviderVariables& row : provider_variables())
      for (const std::string_view name : row.keys)
        if (done && std::find(done->names.begin(), done->names.end(), name) != done->names.end())
          wrong = joined({name,
                          " is a provider's key, which the relay takes out of its environment "
                          "itself: no value can name it"});
    if (!wrong.empty()) {
      Error fault{.code = "bad_config", .message = path + ": " + wrong, .path = path};
      add_at(scalar, std::move(fault));
      return std::nullopt;
    }
    if (std::any_of(done->names.begin(), done->names.end(), names_secret)) {
      std::string written = scalar.Scalar();
      loaded_.written[path] = render(&written);
    }
    return std::move(done->text);
  }

  static std::string describe_value(const YAML::Node& value) {
    if (!value.IsSequence()) return shown(value);
    std::string text = "[";
    constexpr std::size_t entries_shown_max = 5;
    for (std::size_t i = 0; i < value.size() && i < entries_shown_max; ++i) {
      text.append(i > 0 ? ", " : "").append(shown(value[i]));
    }
    return text + (value.size() > entries_shown_max ? ", ...]" : "]");
  }

  // A variable for the number after the last entry adds one; a gap stays unknown.
  void grow_lists(const Environment& environment) {
    for (const EntryList& list : entry_lists()) {
      std::string upper(list.name);
      std::transform(upper.begin(), upper.end(), upper.begin(),
                     [](char c) { return static_cast<char>(c - 'a' + 'A'); });
      while (list.size(loaded_.config) < list.entries_max) {
        const std::size_t size = list.size(loaded_.config);
        const std::string next = std::string(prefix) + upper + "_" + std::to_string(size) + "_";
        const bool named = std::any_of(environment.begin(), environment.end(),
                                       [&](const auto& v) { return v.first.starts_with(next); });
        if (!named) break;
        list.resize(loaded_.config, size + 1);
      }
    }
  }

  void read_variable(const Environment& environment, const Key& key, const std::string& name,
                     std::size_t entry) {
    const std::string* value = find(environment, name);
    std::string used = name;
    if (value == nullptr && key.name == "cors.origins") {
      for (const std::string_view other : origin_variables) {
        if (value != nullptr) break;
        value = find(environment, other);
        used = other;
      }
    }
    if (value == nullptr) return;
    const Target place = target(key, loaded_.config, entry);
    const std::string wrong =
        is_list(place) ? assign_list(key, place, split_commas(*value)) : assign(key, place, *value);
    if (!wrong.empty()) {
      Error fault = fault_at(used, wrong, quoted(*value));
      add(std::move(fault));
      return;
    }
    loaded_.origins[numbered(key.name, entry)] = used;
    loaded_.written.erase(numbered(key.name, entry));
  }

  static const std::string* find(const Environment& environment, std::string_view name) {
    const auto found = std::find_if(environment.begin(), environment.end(),
                                    [&](const auto& v) { return v.first == name; });
    return found == environment.end() ? nullptr : &found->second;
  }

  static bool is_foreign(std::string_view name) {
    if (std::find(other_variables.begin(), other_variables.end(), name) != other_variables.end()) {
      return true;
    }
    return std::any_of(foreign_variables.begin(), foreign_variables.end(), [&](auto foreign) {
      return foreign.ends_with('_')
                 ? name.starts_with(foreign)
                 : name == foreign || name.starts_with(std::string(foreign) + "_");
    });
  }

  void refuse_variable(const std::string& name, const std::set<std::string, std::less<>>& known) {
    const std::vector<std::string_view> candidates(known.begin(), known.end());
    const std::string_view near = nearest(name, candidates);
    Error fault = fault_at(name, "a known variable (see docs/configuration.md)", "an unknown one");
    fault.message = name + " is not a variable of the configuration" +
                    (near.empty() ? std::string() : "; did you mean " + std::string(near) + "?");
    add(std::move(fault));
  }

  const std::optional<Source>& file_;
  Variables variables_;
  Loaded loaded_;
  Faults faults_;
};

// Writes the headings of the sections that `name` is in and `open` is not; gives its last part.
std::string_view open_sections(std::string_view name, std::vector<std::string_view>& open,
                               std::string& out) {
  std::size_t depth = 0;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
    const std::string_view section = name.substr(0, dot);
    name.remove_prefix(dot + 1);
    if (depth >= open.size() || open[depth] != section) {
      open.resize(depth);
      open.push_back(section);
      out.append(2 * depth, ' ').append(section).append(":\n");
    }
    ++depth;
  }
  open.resize(depth);
  return name;
}

}  // namespace

std::variant<Loaded, Faults> load(const std::optional<Source>& file, const Environment& environment,
                                  const std::vector<Override>& overrides) {
  Loader loader(file, environment);
  loader.read_file();
  loader.name_the_file();
  loader.read_environment(environment);
  for (const Override& value : overrides)
    loader.read_override(value);
  return loader.finish(environment);
}

namespace {

// A body that no address may hold would be refused for ever; a model's is held as it was read and
// as it is sent.
void check_unfinished(const Config& config, Faults& faults) {
  constexpr std::int64_t others_bytes = 64 * 1024;  // head and buffers beside the body
  const std::int64_t body =
      std::max({config.server.body_bytes_max, 2 * config.models.body_bytes_max,
                config.push.frame_bytes_max});
  const std::int64_t needed = (body + others_bytes + 2) / 3 * 8;
  if (config.server.unfinished_bytes_max >= needed) return;
  faults.push_back(
      fault_at("server.unfinished_bytes_max",
               "at least " + std::to_string(needed) +
                   ", so that one address (three eighths) can send the largest body (a model's "
                   "counts twice: " +
                   std::to_string(body) + ")",
               std::to_string(config.server.unfinished_bytes_max)));
}

// An answer that no caller may keep would be ended each time: AnswerBudget::bytes_min, where three
// times the longest are worked with, and one caller has three eighths of the rest.
void check_answers(const Config& config, Faults& faults) {
  constexpr std::int64_t slack_bytes = 256 * 1024;
  const std::int64_t longest = config.models.answer_bytes_max;
  const std::int64_t needed = 3 * longest + (longest + slack_bytes) / 7 * 8 / 3 * 8 + 64;
  if (config.models.answers_bytes_max >= needed) return;
  faults.push_back(fault_at("models.answers_bytes_max",
                            "at least " + std::to_string(needed) +
                                ", so that one player can get the longest answer "
                                "(models.answer_bytes_max: " +
                                std::to_string(config.models.answer_bytes_max) + ")",
                            std::to_string(config.models.answers_bytes_max)));
}

}  // namespace

Faults check(const Config& config) {
  Faults faults;
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const Listener& listener = config.listeners[i];
    const std::string at = "listeners[" + std::to_string(i) + "]";
    if (listener.tls_certificate.empty() != listener.tls_key.empty()) {
      faults.push_back(
          fault_at(at, "tls_certificate and tls_key together, or neither", "only one of them"));
    }
    for (std::size_t j = 0; j < i; ++j) {
      const Listener& other = config.listeners[j];
      if (listener.port != 0 && listener.port == other.port && listener.address == other.address) {
        faults.push_back(fault_at(at, "an address and port of its own",
                                  "those of listeners[" + std::to_string(j) + "]"));
      }
    }
    if (config.admin.enabled && listener.port != 0 && listener.port == config.admin.port &&
        listener.address == config.admin.address) {
      faults.push_back(fault_at(at, "an address and port of its own", "those of admin"));
    }
  }
  if (!config.vault.master_key_file.empty() && !config.vault.master_key_command.empty()) {
    faults.push_back(fault_at("vault", "master_key_file or master_key_command", "both of them"));
  }
  check_unfinished(config, faults);
  check_answers(config, faults);
  if (config.push.directive_early_s > config.push.directive_interval_s) {
    faults.push_back(fault_at("push.directive_early_s",
                              "at most push.directive_interval_s (" +
                                  std::to_string(config.push.directive_interval_s) + ")",
                              std::to_string(config.push.directive_early_s)));
  }
  return faults;
}

std::vector<std::string> warnings(const Config& config) {
  Config copy = config;
  std::vector<std::string> out;
  for (const Key& key : keys()) {
    if (list_of(key) != nullptr) continue;
    const Target place = target(key, copy, 0);
    const auto* limit = std::get_if<OptionalLimit*>(&place);
    if (limit == nullptr || **limit != 0) continue;
    out.push_back(std::string(key.name) +
                  " is 0, and nothing is allowed; no limit is written none");
  }
  return out;
}

namespace {

// An address may hold a name and a password: "http://user:word@host" is shown without them.
std::string without_user(std::string text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string::npos) return text;
  const std::size_t begin = scheme + 3;
  const std::size_t at = text.substr(0, text.find('/', begin)).rfind('@');
  if (at != std::string::npos && at > begin) text.replace(begin, at - begin, "[user]");
  return text;
}

// What is printed can be read again.
std::string escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find("${", at)) != std::string::npos; at += 3)
    text.insert(at, 1, '$');
  return text;
}

}  // namespace

std::string print(const Loaded& loaded) {
  Config config = loaded.config;
  std::string out;
  const auto comment = [&](const std::string& path) {
    const auto found = loaded.origins.find(path);
    return found == loaded.origins.end() ? std::string("  # default") : "  # " + found->second;
  };
  const auto shown = [&](const std::string& path, const std::string& value) {
    const auto secret = loaded.written.find(path);
    return secret == loaded.written.end() ? escaped(without_user(value)) : secret->second;
  };
  for (const EntryList& list : entry_lists()) {
    const std::string entry_prefix = std::string(list.name) + "[].";
    out += std::string(list.name) + (list.size(config) == 0 ? ": []  # default\n" : ":\n");
    for (std::size_t i = 0; i < list.size(config); ++i) {
      std::string lead = "  - ";
      for (const Key& key : keys()) {
        if (!key.name.starts_with(entry_prefix)) continue;
        out += lead + std::string(key.name.substr(entry_prefix.size())) + ": " +
               shown(numbered(key.name, i), render(target(key, config, i))) +
               comment(numbered(key.name, i)) + "\n";
        lead = "    ";
      }
    }
  }
  std::vector<std::string_view> open;
  for (const Key& key : keys()) {
    if (list_of(key) != nullptr) continue;
    const std::string_view name = open_sections(key.name, open, out);
    out += std::string(2 * open.size(), ' ') + std::string(name) + ": " +
           shown(std::string(key.name), render(target(key, config, 0))) +
           comment(std::string(key.name)) + "\n";
  }
  return out;
}

std::string where(const Loaded& loaded, const std::string& key) {
  const auto found = loaded.origins.find(key);
  return found == loaded.origins.end() ? key : found->second + ": " + key;
}

std::string origin_of(const Loaded& loaded, std::string_view path) {
  const auto below = [&](const std::string& begin) {
    const auto found = loaded.origins.lower_bound(begin);
    return found != loaded.origins.end() && found->first.starts_with(begin) ? found->second : "";
  };
  for (std::string at(path); !at.empty();
       at.resize(std::max<std::size_t>(at.find_last_of(".[") + 1, 1) - 1)) {
    if (const auto found = loaded.origins.find(at); found != loaded.origins.end())
      return found->second;
    // Of a section that the path is only in, another key says nothing of it.
    const bool entry = at.size() == path.size() || at.ends_with(']');
    if (const std::string origin = entry ? below(at + ".") : ""; !origin.empty()) return origin;
  }
  return "";
}

std::string placed(const Loaded& loaded, const Error& fault) {
  const std::string origin = origin_of(loaded, fault.path);
  return origin.empty() ? fault.message : origin + ": " + fault.message;
}

}  // namespace redoubt::config
