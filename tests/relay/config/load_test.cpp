#include "relay/config/load.hpp"

#include <doctest/doctest.h>

#include <set>

#include "relay/config/keys.hpp"

namespace redoubt::config {
namespace {

Loaded good(std::string_view yaml, const Environment& environment = {}) {
  auto result = load(Source{"relay.yaml", std::string(yaml)}, environment);
  if (auto* faults = std::get_if<Faults>(&result)) {
    for (const Error& fault : *faults)
      MESSAGE(fault.message);
    REQUIRE(faults->empty());
  }
  return std::get<Loaded>(result);
}

Faults bad(std::string_view yaml, const Environment& environment = {}) {
  auto result = load(Source{"relay.yaml", std::string(yaml)}, environment);
  REQUIRE(std::holds_alternative<Faults>(result));
  return std::get<Faults>(result);
}

TEST_CASE("nothing at all is the default configuration") {
  const auto result = load(std::nullopt, {});
  REQUIRE(std::holds_alternative<Loaded>(result));
  const Config& config = std::get<Loaded>(result).config;
  CHECK(config.listeners.size() == 1);
  CHECK(config.listeners[0].address == "127.0.0.1");
  CHECK(config.listeners[0].port == 8000);
  CHECK(config.listeners[0].anonymous == auth::Anonymous::local);
  CHECK(config.admin.port == 9464);
  CHECK(good("").config.listeners.size() == 1);
  CHECK(good("# only a comment\n").config.server.shards == 1);
}

// "listeners[].port" -> "listeners[0].port".
std::string numbered_name(const Key& key) {
  std::string name(key.name);
  if (const std::size_t at = name.find("[]"); at != name.npos) name.insert(at + 1, "0");
  return name;
}

TEST_CASE("every key is set from the file and from the environment") {
  for (const Key& key : keys()) {
    CAPTURE(key.name);
    Config one = sample();
    const Target place = target(key, one, 0);
    const std::string name = environment_name(key, 0);
    std::string value = render(place);
    if (value.starts_with('"')) value = value.substr(1, value.size() - 2);
    if (value.starts_with('[')) value = "";
    if (value.empty() && !is_list(place) && key.check != nullptr && !key.check("").empty())
      value = "x";
    // Beside a provider's other members, a file has its name.
    const bool nameless = name.starts_with("REDOUBT_PROVIDERS_") && !name.ends_with("_NAME");
    const Loaded loaded = good(nameless ? "providers: [{name: x}]" : "", {{name, value}});
    CHECK(loaded.origins.size() == (nameless ? 2 : 1));
    CHECK(loaded.origins.at(numbered_name(key)) == name);
    CHECK(key.description.size() > 10);
    CHECK(expected(key).size() > 3);
  }
}

TEST_CASE("no two keys share a name or a variable") {
  std::set<std::string> names;
  for (const Key& key : keys()) {
    CHECK(names.insert(std::string(key.name)).second);
    CHECK(names.insert(environment_name(key, {})).second);
  }
}

TEST_CASE("a file sets what it names and leaves the rest") {
  const Loaded loaded = good(R"(
listeners:
  - port: 8000
  - address: "::1"
    port: 8443
    anonymous: "on"
    hosts: [play.example.org]
    trusted_proxies: ["10.0.0.0/8", "fd00::/8"]
    tls_certificate: cert.pem
    tls_key: key.pem
admin: {enabled: false}
www: dist
server:
  shards: 4
cors: {origins: ["https://game.example", "http://localhost:*"]}
log:
  level: debug
  requests: false
)");
  const Config& config = loaded.config;
  REQUIRE(config.listeners.size() == 2);
  CHECK(config.listeners[0].anonymous == auth::Anonymous::local);
  CHECK(config.listeners[1].anonymous == auth::Anonymous::on);
  CHECK(config.listeners[1].trusted_proxies.size() == 2);
  CHECK_FALSE(config.admin.enabled);
  CHECK(config.www == "dist");
  CHECK(config.server.shards == 4);
  CHECK(config.cors.origins.size() == 2);
  CHECK(config.log.level == LogLevel::debug);
  CHECK(loaded.origins.at("listeners[1].port") == "relay.yaml:5");
  CHECK(loaded.origins.at("server.shards") == "relay.yaml:14");
  CHECK_FALSE(loaded.origins.contains("server.head_bytes_max"));
}

TEST_CASE("an environment variable goes before the file") {
  const Loaded loaded = good("server: {shards: 4}\nlisteners: [{port: 1}, {port: 2}]\n",
                             {{"REDOUBT_SERVER_SHARDS", "2"},
                              {"REDOUBT_LISTENERS_1_PORT", "9"},
                              {"REDOUBT_LISTENERS_2_PORT", "10"},
                              {"REDOUBT_LISTENERS_0_HOSTS", "a.example, b.example"},
                              {"HOME", "/root"},
                              {"REDOUBT_MAPS", "maps"},
                              {"REDOUBT_PORT_80_TCP", "tcp://1.2.3.4:80"},
                              {"REDOUBT_PORT", "tcp://1.2.3.4:80"},
                              {"REDOUBT_RELAY_SERVICE_HOST", "1.2.3.4"}});
  CHECK(loaded.config.server.shards == 2);
  REQUIRE(loaded.config.listeners.size() == 3);
  CHECK(loaded.config.listeners[1].port == 9);
  CHECK(loaded.config.listeners[2].port == 10);
  CHECK(loaded.config.listeners[2].anonymous == auth::Anonymous::local);
  CHECK(loaded.config.listeners[0].hosts == std::vector<std::string>{"a.example", "b.example"});
  CHECK(loaded.origins.at("server.shards") == "REDOUBT_SERVER_SHARDS");
}

TEST_CASE("AgentArena's own variables name the origins") {
  CHECK(
      good("", {{"CORS_ORIGINS", "http://localhost:3000,https://a.example"}}).config.cors.origins ==
      std::vector<std::string>{"http://localhost:3000", "https://a.example"});
  CHECK(good("", {{"ALLOWED_ORIGINS", "*"}}).config.cors.origins == std::vector<std::string>{"*"});
  CHECK(good("", {{"ALLOWED_ORIGINS", "http://b.example"}, {"CORS_ORIGINS", "http://a.example"}})
            .config.cors.origins == std::vector<std::string>{"http://a.example"});
  CHECK(
      good("", {{"REDOUBT_CORS_ORIGINS", "http://c.example"}, {"CORS_ORIGINS", "http://a.example"}})
          .config.cors.origins == std::vector<std::string>{"http://c.example"});
}

struct Wrong {
  const char* yaml;
  int line;
  int column;
  const char* says;  // part of the message
};

TEST_CASE("what is wrong is named with its place and what was expected") {
  const Wrong rows[] = {
      {"server:\n  shard: 2\n", 2, 3,
       "server.shard is not a key of the configuration; did you mean server.shards?"},
      {"sever:\n  shards: 2\n", 1, 1, "did you mean server?"},
      {"listeners:\n  - prot: 1\n", 2, 5,
       "listeners[0].prot is not a key of the configuration; did you mean listeners[0].port?"},
      {"completely_else: 1\n", 1, 1,
       "one of admin, aliases, cors, json, limits, listeners, log, models, page, providers, push, "
       "server, store, tokens, vault, workflows, www"},
      {"server:\n  shards: many\n", 2, 11,
       "server.shards: expected an integer from 1 to 64, got \"many\""},
      {"server: {shards: 0}\n", 1, 18, "an integer from 1 to 64, got \"0\""},
      {"server: {shards: 2.5}\n", 1, 18, "got \"2.5\""},
      {"server: {shards: [1]}\n", 1, 18, "got [\"1\"]"},
      {"server: {shards: }\n", 1, 18, "got nothing"},
      {"server: 3\n", 1, 9, "server: expected a mapping of keys to values, got \"3\""},
      {"listeners:\n  - port: 70000\n", 2, 11,
       "listeners[0].port: expected an integer from 0 to 65535"},
      {"listeners: []\n", 1, 12, "a list of 1 to 16 listeners"},
      {"listeners: {port: 1}\n", 1, 12, "got a mapping"},
      {"listeners:\n  - anonymous: yes\n", 2, 16, "expected off, local or on, got \"yes\""},
      {"listeners:\n  - address: example.org\n", 2, 14, "expected an IP address"},
      {"listeners:\n  - trusted_proxies: [10.0.0.0/33]\n", 2, 22, "such as 10.0.0.0/8"},
      {"listeners:\n  - hosts: [\"http://a\"]\n", 2, 12, "a host name without scheme"},
      {"page:\n  connect: [\"https://a.example; script-src *\"]\n", 2, 12,
       "https://api.openai.com"},
      {"page:\n  connect: [\"*\"]\n", 2, 12, "scheme://host[:port] without a path"},
      {"models:\n  pass_through: [web_search]\n", 2, 17,
       "FORMAT:NAME, where FORMAT is openai, openai-responses, anthropic or gemini"},
      {"cors:\n  origins: [localhost]\n", 2, 12, "scheme://host[:port]"},
      {"cors:\n  origins: \"*\"\n", 2, 12, "a list of texts, got \"*\""},
      {"admin: {enabled: yes}\n", 1, 18, "expected true or false, got \"yes\""},
      {"log: {level: loud}\n", 1, 14, "debug, info, warning, error or off"},
      {"www: a\nwww: b\n", 2, 1, "the key \"www\" appears twice in one mapping"},
      {"www: \"dist\nlog:\n  level: debug\n", 1, 6, "the quote that opens here is never closed"},
      {"www: \"dist\nlog:\n  level: \"debug\"\n", 1, 6, "is not closed before line 2"},
      {"www: !env FOLDER\n", 1, 6, "the tag !env is not of the core schema"},
      {"www: a\n---\nlog: {level: debug}\n", 2, 1, "a second document"},
      {"server:\n\tshards: 1\n", 2, 8, "a tab in the indentation: indent with spaces"},
      {"[a]: 1\n", 1, 1, "a key that is a list or a mapping"},
      {"a: &x {b: 1}\nserver:\n  <<: *x\n", 3, 3, "<< merges mappings in YAML 1.1 only"},
      // Indented below another key than its own, or below none.
      {"server:\n  shards: 1\n  aliases: []\n", 3, 3,
       "server.aliases is not a key of the configuration; did you mean aliases?"},
      {"all_day_microusd: 5\n", 1, 1,
       "did you mean models.all_day_microusd? The indentation says where a key belongs"},
      {"port: 8001\n", 1, 1, "did you mean listeners[].port?"},
      {"models:\n  enabled: true\n", 2, 3, "did you mean admin.enabled?"},
      {"server: {shards: 2\n", 2, 1, "not valid YAML"},
      {"- a\n- b\n", 1, 1, "the file: expected a mapping of keys to values, got a list"},
      {"www: *nowhere\n", 1, 6, "not valid YAML"},
  };
  for (const Wrong& row : rows) {
    CAPTURE(row.yaml);
    const Faults faults = bad(row.yaml);
    REQUIRE(faults.size() == 1);
    CAPTURE(faults[0].message);
    CHECK(faults[0].line == row.line);
    CHECK(faults[0].column == row.column);
    CHECK(faults[0].message.find(row.says) != std::string::npos);
    const std::string place = "relay.yaml:" + std::to_string(row.line) + ":";
    CHECK(faults[0].message.find(place) == 0);
  }
}

TEST_CASE("a limit is none, which is no limit, or a number, of which 0 is nothing") {
  const Models defaults = good("").config.models;
  CHECK_FALSE(defaults.player_day_microusd);
  CHECK(defaults.player_concurrent_max == 8);
  CHECK(defaults.anonymous_concurrent_max == 8);
  const Loaded loaded = good(
      "models: {player_day_microusd: 0, player_concurrent_max: none}\n"
      "limits: {requests_per_minute: none}\n",
      {{"REDOUBT_MODELS_ALL_REQUESTS_PER_MINUTE", "0"},
       {"REDOUBT_MODELS_ANONYMOUS_CONCURRENT_MAX", "none"}});
  const Models& models = loaded.config.models;
  CHECK(models.player_day_microusd == 0);
  CHECK(models.all_requests_per_minute == 0);
  CHECK_FALSE(models.player_concurrent_max);
  CHECK_FALSE(models.anonymous_concurrent_max);
  CHECK_FALSE(loaded.config.limits.requests_per_minute);
  const std::string printed = print(loaded);
  CHECK(printed.find("  player_day_microusd: 0  # relay.yaml:1\n") != std::string::npos);
  CHECK(printed.find("  player_concurrent_max: none  # relay.yaml:1\n") != std::string::npos);
  CHECK(printed.find("  player_month_microusd: none  # default\n") != std::string::npos);
  CHECK(warnings(loaded.config) ==
        std::vector<std::string>{
            "models.all_requests_per_minute is 0, and nothing is allowed; no limit is written none",
            "models.player_day_microusd is 0, and nothing is allowed; no limit is written none"});
  CHECK(warnings(good("").config).empty());
}

TEST_CASE("what is no limit is refused") {
  for (const char* value : {"-1", "0.5", "1.0", "None", "null", "~", "''", "unlimited", "1e3",
                            "9223372036854775808", "4000000000001", "[1]", "\"\""}) {
    CAPTURE(value);
    const Faults faults = bad(std::string("models: {player_day_microusd: ") + value + "}\n");
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].message.find("models.player_day_microusd: expected none (no limit), or an "
                                 "integer from 0 (nothing) to 4000000000000, got ") !=
          std::string::npos);
  }
  CHECK(bad("", {{"REDOUBT_MODELS_PLAYER_DAY_MICROUSD", ""}}).size() == 1);
  CHECK(bad("", {{"REDOUBT_MODELS_PLAYER_DAY_MICROUSD", "-1"}}).size() == 1);
  // A relay that answers nobody is no configuration.
  CHECK(bad("limits: {requests_per_minute: 0}\n")[0].message.find(
            "expected none (no limit), or an integer from 1 to 6000000, got \"0\"") !=
        std::string::npos);
}

TEST_CASE("all faults are told, not only the first, up to a bound") {
  CHECK(bad("server: {shards: x, headers_max: y}\nlog: {level: z}\n").size() == 3);
  std::string many;
  for (int i = 0; i < 100; ++i)
    many += "nonsense_" + std::to_string(i) + ": 1\n";
  CHECK(bad(many).size() == faults_max);
}

TEST_CASE("wrong variables stop the start too") {
  Faults faults = bad("", {{"REDOUBT_SERVER_SHARD", "2"}});
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].message.find("did you mean REDOUBT_SERVER_SHARDS?") != std::string::npos);
  faults = bad("", {{"REDOUBT_SERVER_SHARDS", "two"}});
  CHECK(faults[0].message ==
        "REDOUBT_SERVER_SHARDS: expected an integer from 1 to 64, got \"two\"");
  faults = bad("", {{"REDOUBT_LISTENERS_7_PORT", "2"}});
  CHECK(faults[0].message.find("REDOUBT_LISTENERS_7_PORT is not a variable") == 0);
  faults = bad("", {{"CORS_ORIGINS", "nonsense"}});
  CHECK(faults[0].message.find("CORS_ORIGINS: expected") == 0);
}

TEST_CASE("members that do not fit together are refused") {
  CHECK(bad("listeners: [{tls_key: a.pem}]\n")[0].message.find("tls_certificate and tls_key") !=
        std::string::npos);
  CHECK(bad("listeners: [{port: 1}, {port: 1}]\n")[0].message.find("relay.yaml:1: listeners[1]") ==
        0);
  CHECK(bad("listeners: [{port: 9464}]\n")[0].message.find("admin") != std::string::npos);
  CHECK(good("listeners: [{port: 0}, {port: 0}]\n").config.listeners.size() == 2);
  CHECK(bad("push: {directive_early_s: 60}\n")[0].message.find(
            "relay.yaml:1: push.directive_early_s") == 0);
  // A body that no address may hold would be refused for ever.
  CHECK(bad("server: {body_bytes_max: 33554432}\n")[0].message.find(
            "server.unfinished_bytes_max: expected at least") == 0);
}

TEST_CASE("two providers of one name, and one of none, are refused with where they stand") {
  CHECK(
      bad("providers:\n  - name: openai\n  - name: local\n    dialect: ollama\n  - name: openai\n")
          [0]
              .message ==
      "relay.yaml:5: providers[2].name: expected a name of its own, got \"openai\", "
      "which another has (relay.yaml:2)");
  CHECK(bad("providers: [{name: openai}]", {{"REDOUBT_PROVIDERS_1_NAME", "openai"}})[0].message ==
        "REDOUBT_PROVIDERS_1_NAME: providers[1].name: expected a name of its own, got \"openai\", "
        "which another has (relay.yaml:1)");
  CHECK(bad("providers:\n  - dialect: openai\n  - dialect: openai\n").size() == 2);
  CHECK(bad("providers:\n  - dialect: openai\n")[0].message ==
        "relay.yaml:2: providers[0].name: expected a name, got none");
}

TEST_CASE(
    "what people call a key otherwise leads to its name, and a key of a provider to the vault") {
  const auto told = [](const std::string& member) {
    return bad("providers:\n  - name: local\n    " + member + "\n")[0].message;
  };
  CHECK(told("type: vllm") ==
        "relay.yaml:3:5: providers[0].type is not a key of the configuration; did you mean "
        "providers[0].dialect?");
  CHECK(told("url: http://127.0.0.1").find("did you mean providers[0].base_url?") !=
        std::string::npos);
  for (const char* member : {"api_key: sk-1234", "key: sk-1234", "token: sk-1234"}) {
    CHECK(told(member).find("keys are in no configuration. The variable of its provider") !=
          std::string::npos);
    CHECK(told(member).find("sk-1234") == std::string::npos);
  }
}

TEST_CASE("a fault between members says where its entry stands") {
  CHECK(bad("www: a\nlisteners:\n  - tls_key: a.pem\n")[0].message.find(
            "relay.yaml:3: listeners[0]: expected tls_certificate and tls_key") == 0);
  CHECK(bad("", {{"REDOUBT_LISTENERS_0_PORT", "9464"}})[0].message.find(
            "REDOUBT_LISTENERS_0_PORT: listeners[0]: expected an address and port of its own") ==
        0);
  const Loaded one = good("aliases:\n  - name: a\n    targets: [x/y]\n");
  CHECK(origin_of(one, "aliases[0].targets[1]") == "relay.yaml:3");
  CHECK(origin_of(one, "aliases[0]") == "relay.yaml:2");
  CHECK(origin_of(one, "aliases[1].name") == "");
  CHECK(origin_of(one, "server.shards") == "");
}

TEST_CASE("a file that is too large is refused") {
  CHECK(bad(std::string(file_bytes_max + 1, '#')).size() == 1);
}

TEST_CASE("what is printed reads back as the same configuration") {
  const Loaded first = good(R"(
listeners: [{port: 1, hosts: ["*", "[::1]"]}, {address: "::1", port: 2, anonymous: "off"}]
www: 'a "strange" #folder: x'
cors: {origins: ["*", "http://localhost:*"]}
providers: [{name: openai, concurrent_max: 7}]
aliases: [{name: a, targets: [openai/b, engine]}, {name: b, targets: [openai/c]}]
models: {cache: {enabled: false, ttl_s: 60}, deadline_s: 9}
)");
  const std::string printed = print(first);
  const Loaded second = good(printed);
  CHECK(printed.find("port: 2  # relay.yaml:2") != std::string::npos);
  CHECK(printed.find("shards: 1  # default") != std::string::npos);
  CHECK(printed.find("\n  cache:\n    enabled: false  # relay.yaml:7\n") != std::string::npos);
  for (const Key& key : keys()) {
    CAPTURE(key.name);
    Config a = first.config;
    Config b = second.config;
    const EntryList* list = list_of(key);
    for (std::size_t i = 0; i < (list != nullptr ? list->size(a) : 1); ++i) {
      CHECK(render(target(key, a, i)) == render(target(key, b, i)));
    }
  }
}

TEST_CASE("a value of the file names variables of the environment") {
  const Environment some{{"PORT", "8123"}, {"NAME", "play.example"}, {"PROXY_PASSWORD", "hidden"}};
  const Loaded loaded = good(R"(
listeners:
  - port: ${PORT}
    hosts: ["${NAME}", "${OTHER:-localhost}"]
www: $${NAME}
providers:
  - name: near
    dialect: openai
    base_url: http://${NAME}/v1
    proxy: "http://me:${PROXY_PASSWORD}@proxy:3128"
)",
                             some);
  CHECK(loaded.config.listeners[0].port == 8123);
  CHECK(loaded.config.listeners[0].hosts == std::vector<std::string>{"play.example", "localhost"});
  CHECK(loaded.config.www == "${NAME}");
  CHECK(loaded.config.providers[0].base_url == "http://play.example/v1");
  CHECK(loaded.config.providers[0].proxy == "http://me:hidden@proxy:3128");
  CHECK(loaded.origins.at("listeners[0].port") == "relay.yaml:3");
  // What is printed tells no secret, and can be read again.
  const std::string printed = print(loaded);
  CHECK(printed.find("hidden") == std::string::npos);
  const Loaded again = good(printed, some);
  CHECK(again.config.www == "${NAME}");
  CHECK(again.config.providers[0].proxy == loaded.config.providers[0].proxy);
  // A variable of the key itself goes before, and is printed as any other.
  const Loaded other = good(printed, {{"PORT", "1"},
                                      {"NAME", "n"},
                                      {"PROXY_PASSWORD", "hidden"},
                                      {"REDOUBT_PROVIDERS_0_PROXY", "http://p:1"}});
  CHECK(print(other).find("http://p:1") != std::string::npos);
}

TEST_CASE("a variable that is not set, or must not be named, stops the start at its place") {
  const auto told = [](std::string_view yaml) {
    return bad(yaml, {{"PORT", "hidden-value"}, {"OPENAI_API_KEY", "taken"}})[0].message;
  };
  CHECK(told("www: a\nserver:\n  shards: ${SHARDS}") ==
        "relay.yaml:3:11: server.shards: the variable SHARDS is not set: set it, or write "
        "${SHARDS:-default}; $${ is the text ${");
  CHECK(told("www: ${A:?x}").starts_with("relay.yaml:1:6: www: ${A:?x} is no variable: "));
  CHECK(told("www: ${OPENAI_API_KEY}") ==
        "relay.yaml:1:6: www: OPENAI_API_KEY is a provider's key, which the relay takes out of its "
        "environment itself: no value can name it");
  // A value that does not fit is shown as it is written.
  CHECK(told("listeners: [{port: \"${PORT}\"}]") ==
        "relay.yaml:1:20: listeners[0].port: expected an integer from 0 to 65535, got \"${PORT}\"");
  CHECK(told("workflows: {variables: [NIM_API_KEY]}")
            .find("no secret: what a workflow says goes out with its runs") != std::string::npos);
  CHECK(told("workflows: {variables: [\"A B\"]}").find("names of variables") != std::string::npos);
}

TEST_CASE("what tools of YAML 1.1 take otherwise is refused with what is right") {
  CHECK(
      bad("server: {shards: 012}")[0].message ==
      "relay.yaml:1:18: server.shards: expected an integer from 1 to 64 without leading zeros, got "
      "\"012\"");
  CHECK(bad("admin: {enabled: yes}")[0].message ==
        "relay.yaml:1:18: admin.enabled: expected true or false, got \"yes\"");
}

}  // namespace
}  // namespace redoubt::config
