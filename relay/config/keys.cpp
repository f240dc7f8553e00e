#include "relay/config/keys.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>

#include "engine/base/ascii.hpp"
#include "engine/base/variables.hpp"
#include "engine/llm/allowed_members.hpp"
#include "relay/auth/address.hpp"
#include "relay/auth/identity.hpp"
#include "relay/auth/origin.hpp"
#include "relay/auth/token.hpp"

namespace redoubt::config {
namespace {

constexpr std::array<std::string_view, 3> anonymous_names{"off", "local", "on"};
constexpr std::array<std::string_view, 5> level_names{"debug", "info", "warning", "error", "off"};
constexpr std::string_view no_limit = "none";
constexpr std::size_t list_entries_max = 256;
constexpr std::size_t text_bytes_max = 4'096;

std::string listen_address(std::string_view value) {
  if (value == "localhost" || auth::parse_address(value)) return "";
  return "an IP address, or localhost for both loopback addresses";
}
std::string plain_host(std::string_view value) {
  const bool good = !value.empty() && value.find_first_of("/:@ ,") == std::string_view::npos;
  if (good || (value.size() > 2 && value.front() == '[' && value.back() == ']')) return "";
  return "a host name without scheme and port, an IPv6 address in brackets, or *";
}
std::string filled(std::string_view value) {
  return value.empty() ? "a text that is not empty" : "";
}
std::string network(std::string_view value) {
  return auth::parse_network(value) ? "" : "an address or a block such as 10.0.0.0/8 or fd00::/8";
}
std::string origin(std::string_view value) {
  const std::array<std::string, 1> entry{std::string(value)};
  const Result<auth::Origins> parsed = auth::parse_origins(entry);
  return parsed ? "" : parsed.error().expected;
}
std::string tenant(std::string_view value) {
  if (auth::is_tenant(value) && value != auth::anonymous_tenant) return "";
  return "a tenant's name: 1 to 64 letters, digits, '.', '_' or '-', and not anonymous";
}
// Goes into a header's policy: a place and nothing that could end it.
std::string place(std::string_view value) {
  const bool whole = value.find("://") != std::string_view::npos &&
                     value.find_first_of(" ;,'\"") == std::string_view::npos;
  return whole && origin(value).empty()
             ? ""
             : "scheme://host[:port] without a path, e.g. https://api.openai.com";
}

std::string variable(std::string_view value) {
  const auto named = variables_in("${" + std::string(value) + "}");
  if (!named || named->names.size() != 1 || named->names[0] != value) return "names of variables";
  if (names_secret(value)) return "no secret: what a workflow says goes out with its runs";
  return "";
}

std::string passed_on(std::string_view value) {
  const std::array<std::string, 1> entry{std::string(value)};
  const Result<llm::PassThrough> parsed = llm::PassThrough::parse(entry);
  return parsed ? "" : parsed.error().expected;
}

#define REDOUBT_IN_CONFIG(member) [](Config& c) -> Target { return &c.member; }, nullptr
#define REDOUBT_IN_ENTRY(list, member) \
  nullptr, [](Config& c, std::size_t i) -> Target { return &c.list[i].member; }

constexpr Key table[] = {
    {"listeners[].address",
     REDOUBT_IN_ENTRY(listeners, address),
     {},
     listen_address,
     "Address to listen on. `localhost` means 127.0.0.1 and, where the machine has it, [::1]."},
    {"listeners[].port",
     REDOUBT_IN_ENTRY(listeners, port),
     {0, 65'535},
     nullptr,
     "TCP port; 0 lets the system choose one, which is printed at the start."},
    {"listeners[].anonymous",
     REDOUBT_IN_ENTRY(listeners, anonymous),
     {},
     nullptr,
     "Who may call without a token: nobody, callers on this machine, or everybody. Liveness, the "
     "page and the API's description are open in any case."},
    {"listeners[].hosts",
     REDOUBT_IN_ENTRY(listeners, hosts),
     {},
     plain_host,
     "Names under which this listener is reached, against DNS rebinding. localhost, 127.0.0.1, "
     "[::1] and the listener's own address are always among them; `*` turns the check off."},
    {"listeners[].trusted_proxies",
     REDOUBT_IN_ENTRY(listeners, trusted_proxies),
     {},
     network,
     "Proxies whose X-Forwarded-For, Forwarded or X-Real-IP is believed. The client is the "
     "right-most hop that is not one of them; X-Real-IP beside a chain must agree with it. A "
     "request of theirs that names no client is refused (/healthz and /readyz are not), and from "
     "anybody else such a header is. A client that a proxy speaks for is never on this machine."},
    {"listeners[].tls_certificate",
     REDOUBT_IN_ENTRY(listeners, tls_certificate),
     {},
     nullptr,
     "PEM file with the certificate and its chain; empty for plain HTTP. Read again on SIGHUP."},
    {"listeners[].tls_key",
     REDOUBT_IN_ENTRY(listeners, tls_key),
     {},
     nullptr,
     "PEM file with the certificate's private key."},
    {"admin.enabled",
     REDOUBT_IN_CONFIG(admin.enabled),
     {},
     nullptr,
     "Whether the admin listener (/metrics, /healthz, /readyz) is opened."},
    {"admin.address",
     REDOUBT_IN_CONFIG(admin.address),
     {},
     listen_address,
     "Address of the admin listener."},
    {"admin.port",
     REDOUBT_IN_CONFIG(admin.port),
     {0, 65'535},
     nullptr,
     "Port of the admin listener; 0 lets the system choose."},
    {"admin.anonymous", REDOUBT_IN_CONFIG(admin.anonymous), {}, nullptr, "Who may read /metrics."},
    {"admin.hosts",
     REDOUBT_IN_CONFIG(admin.hosts),
     {},
     plain_host,
     "As listeners[].hosts, for the admin listener."},
    {"www",
     REDOUBT_IN_CONFIG(www),
     {},
     nullptr,
     "Folder of the page. Empty: the folder `www` in the working directory or beside the program "
     "(or share/redoubt/www), if there is one; otherwise no page is served."},
    {"server.shards",
     REDOUBT_IN_CONFIG(server.shards),
     {1, 64},
     nullptr,
     "Threads that serve connections, each with its own share of them."},
    {"server.compute_threads",
     REDOUBT_IN_CONFIG(server.compute_threads),
     {1, 64},
     nullptr,
     "Threads for work that would hold up a shard."},
    {"server.compute_queue_max",
     REDOUBT_IN_CONFIG(server.compute_queue_max),
     {1, 65'536},
     nullptr,
     "Work that may wait for a compute thread, a quarter of it one caller's; over it a request is "
     "answered 503."},
    {"server.connections_max",
     REDOUBT_IN_CONFIG(server.connections_max),
     {1, 1'000'000},
     nullptr,
     "Open connections over all listeners. The last 64 (an eighth of a small number) are kept for "
     "the admin listener, as many before them for this machine. When they run out, the connection "
     "that was idle for the longest time is closed."},
    {"server.connections_per_address_max",
     REDOUBT_IN_CONFIG(server.connections_per_address_max),
     {1, 1'000'000},
     nullptr,
     "Open connections from one address (an IPv6 /64); over it that address's idlest one is "
     "closed. "
     "A trusted proxy may open more: requests, streams and WebSockets of each of its clients are "
     "counted instead, over it 429."},
    {"server.head_bytes_max",
     REDOUBT_IN_CONFIG(server.head_bytes_max),
     {1'024, 1'048'576},
     nullptr,
     "Request line and headers; over it 431."},
    {"server.headers_max",
     REDOUBT_IN_CONFIG(server.headers_max),
     {8, 10'000},
     nullptr,
     "Headers of one request; over it 431."},
    {"server.body_bytes_max",
     REDOUBT_IN_CONFIG(server.body_bytes_max),
     {1'024, 268'435'456},
     nullptr,
     "Body of one request; over it 413."},
    {"server.unfinished_bytes_max",
     REDOUBT_IN_CONFIG(server.unfinished_bytes_max),
     {1'048'576, 17'179'869'184},
     nullptr,
     "Memory of all requests and WebSocket messages that wait for their client or their answer, "
     "of models' requests over 64 KiB until their answer has begun or come, of lists of prompts "
     "until the last one's turn, of answers over 64 KiB "
     "that wait for their reader, and of what waits over 4 KiB of a stream or a WebSocket. Bodies "
     "and messages of callers without a token may take half of it, heads and TLS handshakes a "
     "quarter, one address and one player three eighths each; the last eighth is for who holds no "
     "more than 64 KiB; the admin listener has a quarter of its own. Over it 503, on a WebSocket "
     "close code 1013. Once that eighth is begun, and while answers of providers wait for memory, "
     "whoever holds some has to bring 16 KiB/s of a body, or take 128 KiB/s of an answer, in each "
     "3 s."},
    {"server.read_rate_min_bytes_s",
     REDOUBT_IN_CONFIG(server.read_rate_min_bytes_s),
     {1, 1'048'576},
     nullptr,
     "Bytes a second that a body or a WebSocket message must bring on average, after its first 5 "
     "s; under it 408, on a WebSocket close code 1008."},
    {"server.head_timeout_s",
     REDOUBT_IN_CONFIG(server.head_timeout_s),
     {1, 3'600},
     nullptr,
     "From a request's first byte to the end of its head; over it 408."},
    {"server.body_timeout_s",
     REDOUBT_IN_CONFIG(server.body_timeout_s),
     {1, 3'600},
     nullptr,
     "From the end of the head to the end of the body; over it 408. A WebSocket message may take "
     "as "
     "long from its first byte to its last."},
    {"server.idle_timeout_s",
     REDOUBT_IN_CONFIG(server.idle_timeout_s),
     {1, 86'400},
     nullptr,
     "How long a connection may stay open between requests."},
    {"server.write_timeout_s",
     REDOUBT_IN_CONFIG(server.write_timeout_s),
     {1, 3'600},
     nullptr,
     "How long a client may take to read an answer (longer for long ones)."},
    {"server.drain_delay_s",
     REDOUBT_IN_CONFIG(server.drain_delay_s),
     {0, 3'600},
     nullptr,
     "On SIGTERM or SIGINT: how long /readyz answers 503 before the listeners close, so that a "
     "load "
     "balancer sees it and sends nothing new."},
    {"server.drain_timeout_s",
     REDOUBT_IN_CONFIG(server.drain_timeout_s),
     {0, 3'600},
     nullptr,
     "On SIGTERM or SIGINT: how long open requests may take to finish."},
    {"json.depth_max",
     REDOUBT_IN_CONFIG(json.depth_max),
     {4, 256},
     nullptr,
     "Nesting of a JSON body or WebSocket frame."},
    {"cors.origins",
     REDOUBT_IN_CONFIG(cors.origins),
     {},
     origin,
     "Pages that may call from a browser: scheme://host[:port], where the port may be *; `*` for "
     "any page (then without credentials). The relay's own page always may. The variables "
     "CORS_ORIGINS and ALLOWED_ORIGINS are read too, for AgentArena's set-ups."},
    {"page.connect",
     REDOUBT_IN_CONFIG(page.connect),
     {},
     place,
     "Other places that the served page may call, as scheme://host[:port]: the providers of "
     "players "
     "who bring a key of their own, such as https://api.anthropic.com. Part of the page's "
     "Content-Security-Policy. Without it a page opened as localhost may call this machine's other "
     "ports, and a page of the public nothing but the relay."},
    {"workflows.directory",
     REDOUBT_IN_CONFIG(workflows.directory),
     {},
     nullptr,
     "Folder of workflow files (*.yaml). One with a shipped workflow's name stands in for it, "
     "others "
     "are added. An edit is used from the next answer on; a broken one is refused with its fault "
     "in "
     "the log, and the last good one stays."},
    {"workflows.variables",
     REDOUBT_IN_CONFIG(workflows.variables),
     {},
     variable,
     "Variables of the environment that files of this folder may name as `${NAME}` or "
     "`${NAME:-default}`. Their values are part of the workflow, which goes out with the bundle of "
     "any run of it: never a secret."},
    {"workflows.memory_bytes_max",
     REDOUBT_IN_CONFIG(workflows.memory_bytes_max),
     {16'777'216, 1'099'511'627'776},
     nullptr,
     "What the states of all runs in memory may take together, with what is being read back or "
     "imported; those that only wait are in the store. Over it the heaviest is cancelled "
     "(too_many_runs), and an import is refused (overloaded)."},
    {"workflows.owner_memory_bytes_max",
     REDOUBT_IN_CONFIG(workflows.owner_memory_bytes_max),
     {1'048'576, 1'099'511'627'776},
     nullptr,
     "The same of one player. One run has 32 MiB. An import over it is refused (too_many_runs)."},
    {"limits.requests_per_minute",
     REDOUBT_IN_CONFIG(limits.requests_per_minute),
     {1, 6'000'000},
     nullptr,
     "Requests an address (an IPv6 /64) may make in the long run; over it 429. "
     "/healthz and /readyz are not counted."},
    {"limits.burst",
     REDOUBT_IN_CONFIG(limits.burst),
     {1, 1'000'000},
     nullptr,
     "Requests at once from an address that has rested."},
    {"limits.addresses_max",
     REDOUBT_IN_CONFIG(limits.addresses_max),
     {16, 16'777'216},
     nullptr,
     "Addresses counted apart; when all are in use, further ones share one limit."},
    {"limits.refusals_per_minute",
     REDOUBT_IN_CONFIG(limits.refusals_per_minute),
     {0, 6'000'000},
     nullptr,
     "Refused requests (400 for forwarded headers, 401, 403, 421) an address (an IPv6 /64) may "
     "make "
     "in the long run; over it 429, and only tokens that were verified before are believed. 0: no "
     "limit."},
    {"limits.refusals_burst",
     REDOUBT_IN_CONFIG(limits.refusals_burst),
     {1, 1'000'000},
     nullptr,
     "Refused requests at once from an address that has rested."},
    {"push.directive_interval_s",
     REDOUBT_IN_CONFIG(push.directive_interval_s),
     {1, 3'600},
     nullptr,
     "WebSocket: a new directive for each team after this time."},
    {"push.directive_early_s",
     REDOUBT_IN_CONFIG(push.directive_early_s),
     {1, 3'600},
     nullptr,
     "The least time between two directives for a team when its situation changes class."},
    {"push.class_gap_percent",
     REDOUBT_IN_CONFIG(push.class_gap_percent),
     {1, 100},
     nullptr,
     "A team is behind or ahead by this many percent of the territory, else level."},
    {"push.recommendation_interval_s",
     REDOUBT_IN_CONFIG(push.recommendation_interval_s),
     {1, 3'600},
     nullptr,
     "The least time between two agent recommendations for a team."},
    {"push.frames_per_second_max",
     REDOUBT_IN_CONFIG(push.frames_per_second_max),
     {1, 1'000},
     nullptr,
     "Frames a client may send in a second; further ones get an error frame."},
    {"push.frame_bytes_max",
     REDOUBT_IN_CONFIG(push.frame_bytes_max),
     {1'024, 16'777'216},
     nullptr,
     "Longest message of a client; over it the socket is closed with 1009."},
    {"providers[].name",
     REDOUBT_IN_ENTRY(providers, name),
     {},
     filled,
     "How targets and keys name this provider: `openai` in `openai/gpt-5.4-mini`."},
    {"providers[].dialect",
     REDOUBT_IN_ENTRY(providers, dialect),
     {},
     nullptr,
     "How it is spoken to (docs/providers.md lists the dialects). Empty: the provider's name."},
    {"providers[].base_url",
     REDOUBT_IN_ENTRY(providers, base_url),
     {},
     nullptr,
     "Where it is. Empty: the dialect's own address. With an address of one's own no key is "
     "needed."},
    {"providers[].authorities_file",
     REDOUBT_IN_ENTRY(providers, authorities_file),
     {},
     nullptr,
     "PEM file with the certificate authorities to trust. Empty: the system's."},
    {"providers[].proxy",
     REDOUBT_IN_ENTRY(providers, proxy),
     {},
     nullptr,
     "HTTP proxy to go through, as http://[user:password@]host:port. Empty: none."},
    {"providers[].free",
     REDOUBT_IN_ENTRY(providers, free),
     {},
     nullptr,
     "What it serves costs nothing (a server of one's own): its models are called, and charged "
     "nothing, also where there is a budget and no price is known."},
    {"providers[].concurrent_max",
     REDOUBT_IN_ENTRY(providers, concurrent_max),
     {1, 1'000'000},
     nullptr,
     "Calls of one of its models at a time; over it the next target is tried."},
    {"aliases[].name",
     REDOUBT_IN_ENTRY(aliases, name),
     {},
     filled,
     "The model's name that clients ask for. The game's endpoints ask for `strategist`."},
    {"aliases[].targets",
     REDOUBT_IN_ENTRY(aliases, targets),
     {},
     filled,
     "What answers it, in order of preference: `provider/model`, and last perhaps `engine`, the "
     "built-in strategist (for the game's endpoints only)."},
    {"models.direct_targets",
     REDOUBT_IN_CONFIG(models.direct_targets),
     {},
     nullptr,
     "Whether clients may ask for `provider/model` itself, of models whose price is known."},
    {"models.pass_through",
     REDOUBT_IN_CONFIG(models.pass_through),
     {},
     passed_on,
     "What of clients' requests may ride on to a provider beside what docs/models.md lists, as "
     "`FORMAT:NAME`: `openai:service_tier`, `openai-responses:tool:web_search`, "
     "`anthropic:tool:web_search_*`."},
    {"models.cards_file",
     REDOUBT_IN_CONFIG(models.cards_file),
     {},
     nullptr,
     "JSON file with prices and limits of models that are not known here, or other ones than ours; "
     "its rows go before the shipped ones. Read at the start. See docs/models.md."},
    {"models.unknown_output_tokens_max",
     REDOUBT_IN_CONFIG(models.unknown_output_tokens_max),
     {0, 100'000'000},
     nullptr,
     "The most tokens that a model without a card is asked for: what a request wants over it, or "
     "does not say, is sent as this. 0: nothing is sent in the client's stead, and a call that "
     "needs a bound (a limit of tokens a minute, Anthropic's format) is refused where the request "
     "names none."},
    {"models.body_bytes_max",
     REDOUBT_IN_CONFIG(models.body_bytes_max),
     {1'024, 25'165'824},
     nullptr,
     "Body of a request for a model; images travel inside."},
    {"models.answer_bytes_max",
     REDOUBT_IN_CONFIG(models.answer_bytes_max),
     {65'536, 33'554'432},
     nullptr,
     "The longest answer of a provider that is not streamed, and the longest event of one that is. "
     "A longer one is given up, and charged at its bound."},
    {"models.answers_bytes_max",
     REDOUBT_IN_CONFIG(models.answers_bytes_max),
     {1'048'576, 17'179'869'184},
     nullptr,
     "Memory of providers' answers on their way through the relay, from the first bytes that come "
     "until the client has read them. What reads and writes answers has up to half of it; of the "
     "rest one player may take three eighths, and all callers without a token half. Over it a "
     "provider's connection is not read until others are done; a call that waits for it longer "
     "than it may stand still is ended with 503 (overloaded), and charged at its bound."},
    {"models.deadline_s",
     REDOUBT_IN_CONFIG(models.deadline_s),
     {1, 3'600},
     nullptr,
     "The longest that a call may take, all attempts together."},
    {"models.first_token_timeout_s",
     REDOUBT_IN_CONFIG(models.first_token_timeout_s),
     {1, 3'600},
     nullptr,
     "How long an attempt may take to its first token."},
    {"models.progress_timeout_s",
     REDOUBT_IN_CONFIG(models.progress_timeout_s),
     {1, 3'600},
     nullptr,
     "How long a stream may stand still. Heartbeats are no progress."},
    {"models.connect_timeout_ms",
     REDOUBT_IN_CONFIG(models.connect_timeout_ms),
     {10, 60'000},
     nullptr,
     "How long a connection to a provider may take, TLS included."},
    {"models.cache.enabled",
     REDOUBT_IN_CONFIG(models.cache.enabled),
     {},
     nullptr,
     "Whether a model's answer is given again to an equal request of the same tenant, and equal "
     "requests at the same time share one call: for the game's questions and for runs, and at /v1 "
     "for a request with the header `X-Redoubt-Cache: use`. Who is answered so pays a request and "
     "no money."},
    {"models.cache.ttl_s",
     REDOUBT_IN_CONFIG(models.cache.ttl_s),
     {1, 86'400},
     nullptr,
     "How old an answer may be that is given again."},
    {"models.cache.entries_max",
     REDOUBT_IN_CONFIG(models.cache.entries_max),
     {1, 1'000'000},
     nullptr,
     "Answers that are kept, of all tenants together; the least recently used goes first."},
    {"models.cache.bytes_max",
     REDOUBT_IN_CONFIG(models.cache.bytes_max),
     {65'536, 4'294'967'296},
     nullptr,
     "Memory that the kept answers may take together; one of them a sixteenth of it, and 1 MiB, at "
     "most."},
    {"models.cache.stored",
     REDOUBT_IN_CONFIG(models.cache.stored),
     {},
     nullptr,
     "Whether they are kept in the database too, so that they outlive the process. They lie there "
     "as the model gave them, beside a digest of what was asked."},
    {"models.stream_hold_s",
     REDOUBT_IN_CONFIG(models.stream_hold_s),
     {1, 600},
     nullptr,
     "How long a stream of `/v1/ws` whose connection broke is held for its client's return."},
    {"models.all_requests_per_minute",
     REDOUBT_IN_CONFIG(models.all_requests_per_minute),
     {0, 1'000'000'000},
     nullptr,
     "Requests for models in any minute, by everybody together."},
    {"models.all_tokens_per_minute",
     REDOUBT_IN_CONFIG(models.all_tokens_per_minute),
     {0, 1'000'000'000'000},
     nullptr,
     "Tokens, reserved before a call and settled after it, in any minute, by everybody together."},
    {"models.all_concurrent_max",
     REDOUBT_IN_CONFIG(models.all_concurrent_max),
     {0, 1'000'000},
     nullptr,
     "Calls of models at a time, by everybody together."},
    {"models.all_day_microusd",
     REDOUBT_IN_CONFIG(models.all_day_microusd),
     {0, 4'000'000'000'000},
     nullptr,
     "Millionths of a dollar that may be spent on models in a UTC day, by everybody together."},
    {"models.all_month_microusd",
     REDOUBT_IN_CONFIG(models.all_month_microusd),
     {0, 4'000'000'000'000},
     nullptr,
     "The same for a UTC month."},
    {"models.player_requests_per_minute",
     REDOUBT_IN_CONFIG(models.player_requests_per_minute),
     {0, 1'000'000'000},
     nullptr,
     "Requests for models in any minute, by one player."},
    {"models.player_tokens_per_minute",
     REDOUBT_IN_CONFIG(models.player_tokens_per_minute),
     {0, 1'000'000'000'000},
     nullptr,
     "Tokens, reserved before a call and settled after it, in any minute, by one player."},
    {"models.player_concurrent_max",
     REDOUBT_IN_CONFIG(models.player_concurrent_max),
     {0, 1'000'000},
     nullptr,
     "Calls of models at a time, by one player. Of the calls that one model's provider takes "
     "(providers[].concurrent_max) a player may have half, whatever stands here."},
    {"models.player_day_microusd",
     REDOUBT_IN_CONFIG(models.player_day_microusd),
     {0, 4'000'000'000'000},
     nullptr,
     "Millionths of a dollar that may be spent on models in a UTC day, by one player."},
    {"models.player_month_microusd",
     REDOUBT_IN_CONFIG(models.player_month_microusd),
     {0, 4'000'000'000'000},
     nullptr,
     "The same for a UTC month."},
    {"models.anonymous_requests_per_minute",
     REDOUBT_IN_CONFIG(models.anonymous_requests_per_minute),
     {0, 1'000'000'000},
     nullptr,
     "Requests for models in any minute, by all callers without a token together."},
    {"models.anonymous_tokens_per_minute",
     REDOUBT_IN_CONFIG(models.anonymous_tokens_per_minute),
     {0, 1'000'000'000'000},
     nullptr,
     "Tokens, reserved before a call and settled after it, in any minute, by all callers without a "
     "token together."},
    {"models.anonymous_concurrent_max",
     REDOUBT_IN_CONFIG(models.anonymous_concurrent_max),
     {0, 1'000'000},
     nullptr,
     "Calls of models at a time, by all callers without a token together; each of them is a "
     "player, too."},
    {"models.anonymous_day_microusd",
     REDOUBT_IN_CONFIG(models.anonymous_day_microusd),
     {0, 4'000'000'000'000},
     nullptr,
     "Millionths of a dollar that may be spent on models in a UTC day, by all callers without a "
     "token together."},
    {"models.anonymous_month_microusd",
     REDOUBT_IN_CONFIG(models.anonymous_month_microusd),
     {0, 4'000'000'000'000},
     nullptr,
     "The same for a UTC month."},
    {"store.path",
     REDOUBT_IN_CONFIG(store.path),
     {},
     filled,
     "File of the relay's database (SQLite): sealed provider keys and whatever else outlives the "
     "process. Made where it is missing, with mode 0600; a relative path begins at the working "
     "directory. `:memory:` keeps everything in memory, until the process ends."},
    {"tokens.keys_file",
     REDOUBT_IN_CONFIG(tokens.keys_file),
     {},
     nullptr,
     "JWK Set with the keys whose tokens are believed (HS256, EdDSA); the first that can sign for "
     "players signs new sessions. Empty: sessions are signed with a key that ends with the "
     "process. Read again on SIGHUP. See docs/security.md."},
    {"tokens.nextauth_secret_file",
     REDOUBT_IN_CONFIG(tokens.nextauth_secret_file),
     {},
     nullptr,
     "File with NextAuth's secret (32 bytes or more): its session tokens, signed HS256, are "
     "believed as players'. Read again on SIGHUP."},
    {"tokens.service_secret_file",
     REDOUBT_IN_CONFIG(tokens.service_secret_file),
     {},
     nullptr,
     "File with the secret (32 bytes or more) that the game's own server presents to POST "
     "/api/session to get tokens for its players. Read again on SIGHUP."},
    {"tokens.service_tenants",
     REDOUBT_IN_CONFIG(tokens.service_tenants),
     {},
     tenant,
     "The tenants for whose players that secret begins sessions; others are refused."},
    {"tokens.audience",
     REDOUBT_IN_CONFIG(tokens.audience),
     {},
     filled,
     "What a token's `aud` must name: tokens for another service are refused."},
    {"tokens.leeway_s",
     REDOUBT_IN_CONFIG(tokens.leeway_s),
     {0, 600},
     nullptr,
     "By how much the clocks of whoever signs tokens may differ from this one's."},
    {"tokens.lifetime_s",
     REDOUBT_IN_CONFIG(tokens.lifetime_s),
     {60, 86'400},
     nullptr,
     "How long a session's token is good; the most that the game's server may ask for."},
    {"tokens.sessions_per_minute",
     REDOUBT_IN_CONFIG(tokens.sessions_per_minute),
     {1, 6'000},
     nullptr,
     "Sessions that an address (an IPv6 /64) may begin without a token; over it 429."},
    {"vault.master_key_file",
     REDOUBT_IN_CONFIG(vault.master_key_file),
     {},
     nullptr,
     "File with the master key under which provider keys are sealed: 32 bytes in base64 or "
     "hexadecimal, readable by nobody else. Instead of a file, the variable REDOUBT_MASTER_KEY "
     "may hold the key itself. Read again on SIGHUP."},
    {"vault.master_key_command",
     REDOUBT_IN_CONFIG(vault.master_key_command),
     {},
     nullptr,
     "Shell command that prints the master key (a password manager, a cloud's key service); "
     "instead of the file."},
    {"vault.environment_keys",
     REDOUBT_IN_CONFIG(vault.environment_keys),
     {},
     nullptr,
     "Whether a provider's key in the variable of its own SDK (OPENAI_API_KEY, ANTHROPIC_API_KEY "
     "and their like, see docs/models.md) is used where the store has none."},
    {"log.level", REDOUBT_IN_CONFIG(log.level), {}, nullptr, "The least level that is written."},
    {"log.requests",
     REDOUBT_IN_CONFIG(log.requests),
     {},
     nullptr,
     "One line a request at level info (health checks at debug)."},
    {"log.queue_lines_max",
     REDOUBT_IN_CONFIG(log.queue_lines_max),
     {16, 1'048'576},
     nullptr,
     "Lines that wait for a slow output; further ones are dropped and counted."},
};

#undef REDOUBT_IN_CONFIG
#undef REDOUBT_IN_ENTRY

template <std::size_t N>
std::string choices(const std::array<std::string_view, N>& names) {
  std::string text;
  for (std::size_t i = 0; i < N; ++i) {
    if (i > 0) text += i + 1 == N ? " or " : ", ";
    text += names[i];
  }
  return text;
}

// A plain YAML scalar where that reads back as the same text, else a quoted one.
std::string quote(std::string_view text) {
  constexpr std::string_view plain_marks = "._/-:";
  const bool plain = !text.empty() && text.find(": ") == std::string_view::npos &&
                     text.back() != ':' && text.front() != '-' && text.front() != ':' &&
                     std::all_of(text.begin(), text.end(), [&](char c) {
                       return is_ascii_alnum(c) || plain_marks.find(c) != std::string_view::npos;
                     });
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

constexpr EntryList lists[] = {
    {"listeners", 1, listeners_max, [](const Config& c) { return c.listeners.size(); },
     [](Config& c, std::size_t n) { c.listeners.resize(n); }},
    {"providers", 0, providers_max, [](const Config& c) { return c.providers.size(); },
     [](Config& c, std::size_t n) { c.providers.resize(n); }},
    {"aliases", 0, aliases_max, [](const Config& c) { return c.aliases.size(); },
     [](Config& c, std::size_t n) { c.aliases.resize(n); }},
};

template <class E, std::size_t N>
std::string assign_choice(E* target, const std::array<std::string_view, N>& names,
                          std::string_view text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return choices(names);
  *target = static_cast<E>(found - names.begin());
  return "";
}

std::string assign_integer(std::int64_t* target, Range range, std::string_view text,
                           const Key& key) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || value < range.low || value > range.high) return expected(key);
  *target = value;
  return "";
}

std::string check_text(const Key& key, std::string_view text) {
  if (text.size() > text_bytes_max) {
    return "a text of at most " + std::to_string(text_bytes_max) + " bytes";
  }
  return key.check == nullptr ? "" : key.check(text);
}

std::string assign_limit(OptionalLimit* target, Range range, std::string_view text,
                         const Key& key) {
  if (text != no_limit) {
    std::int64_t value = 0;
    std::string wrong = assign_integer(&value, range, text, key);
    if (wrong.empty()) *target = value;
    return wrong;
  }
  target->reset();
  return "";
}

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

std::string kind(const Target& target) {
  return std::visit(
      Overloaded{[](bool*) { return std::string("true or false"); },
                 [](std::int64_t*) { return std::string("integer"); },
                 [](OptionalLimit*) { return std::string("integer or none"); },
                 [](std::string*) { return std::string("text"); },
                 [](std::vector<std::string>*) { return std::string("list of texts"); },
                 [](auth::Anonymous*) { return choices(anonymous_names); },
                 [](LogLevel*) { return choices(level_names); }},
      target);
}

}  // namespace

std::span<const Key> keys() {
  return table;
}

std::span<const EntryList> entry_lists() {
  return lists;
}

const EntryList* list_of(const Key& key) {
  const std::string_view name = key.name.substr(0, key.name.find("[]"));
  const auto found = std::find_if(std::begin(lists), std::end(lists),
                                  [&](const EntryList& list) { return list.name == name; });
  return name.size() == key.name.size() || found == std::end(lists) ? nullptr : found;
}

Config sample() {
  Config config;
  for (const EntryList& list : lists)
    list.resize(config, 1);
  return config;
}

Target target(const Key& key, Config& config, std::size_t entry) {
  if (key.in_config != nullptr) return key.in_config(config);
  assert(entry < list_of(key)->size(config));
  return key.in_entry(config, entry);
}

std::string expected(const Key& key) {
  Config one = sample();
  const Target place = target(key, one, 0);
  if (std::holds_alternative<OptionalLimit*>(place)) {
    return std::string(no_limit) + " (no limit), or an integer from " +
           std::to_string(key.range.low) + (key.range.low == 0 ? " (nothing) to " : " to ") +
           std::to_string(key.range.high);
  }
  if (std::holds_alternative<std::int64_t*>(place)) {
    return "an integer from " + std::to_string(key.range.low) + " to " +
           std::to_string(key.range.high);
  }
  return kind(place);
}

std::string render(const Target& target) {
  return std::visit(
      Overloaded{[](bool* v) { return std::string(*v ? "true" : "false"); },
                 [](std::int64_t* v) { return std::to_string(*v); },
                 [](OptionalLimit* v) { return *v ? std::to_string(**v) : std::string(no_limit); },
                 [](std::string* v) { return quote(*v); },
                 [](std::vector<std::string>* v) {
                   std::string text = "[";
                   for (std::size_t i = 0; i < v->size(); ++i) {
                     text.append(i > 0 ? ", " : "").append(quote((*v)[i]));
                   }
                   return text + "]";
                 },
                 // Quoted: YAML 1.1 readers take a bare off and on for booleans.
                 [](auth::Anonymous* v) {
                   return "\"" + std::string(anonymous_names[static_cast<std::size_t>(*v)]) + "\"";
                 },
                 [](LogLevel* v) {
                   return "\"" + std::string(level_names[static_cast<std::size_t>(*v)]) + "\"";
                 }},
      target);
}

std::string assign(const Key& key, const Target& target, std::string_view text) {
  return std::visit(
      Overloaded{[&](bool* v) -> std::string {
                   if (text != "true" && text != "false") return "true or false";
                   *v = text == "true";
                   return "";
                 },
                 [&](std::int64_t* v) { return assign_integer(v, key.range, text, key); },
                 [&](OptionalLimit* v) { return assign_limit(v, key.range, text, key); },
                 [&](std::string* v) {
                   std::string wrong = check_text(key, text);
                   if (wrong.empty()) *v = std::string(text);
                   return wrong;
                 },
                 [&](std::vector<std::string>*) { return std::string("a list of texts"); },
                 [&](auth::Anonymous* v) { return assign_choice(v, anonymous_names, text); },
                 [&](LogLevel* v) { return assign_choice(v, level_names, text); }},
      target);
}

std::string assign_list(const Key& key, const Target& target, std::vector<std::string> entries) {
  if (entries.size() > list_entries_max) {
    return "at most " + std::to_string(list_entries_max) + " entries";
  }
  for (const std::string& entry : entries) {
    std::string wrong = check_text(key, entry);
    if (!wrong.empty()) return wrong;
  }
  **std::get_if<std::vector<std::string>*>(&target) = std::move(entries);
  return "";
}

bool is_list(const Target& target) {
  return std::holds_alternative<std::vector<std::string>*>(target);
}

std::string environment_name(const Key& key, std::optional<std::size_t> entry) {
  std::string name = "REDOUBT_";
  for (std::size_t i = 0; i < key.name.size(); ++i) {
    const char c = key.name[i];
    if (c == '[') {
      name += '_';
      name += entry ? std::to_string(*entry) : "N";
      ++i;  // the closing bracket
    } else if (c == '.') {
      name += '_';
    } else {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

std::string document() {
  std::string out =
      "# Configuration of redoubt-relay\n\n"
      "Made by `redoubt-relay --document-config`; change relay/config/keys.cpp, not this file.\n\n"
      "`redoubt-relay` works without any configuration. `--config FILE` (or the variable "
      "`REDOUBT_CONFIG`) names a YAML file; a "
      "variable of the environment goes before the file, and an option on the command line "
      "(`--host`, `--port`, `--www`) before both. An unknown key, an unknown `REDOUBT_` variable "
      "or "
      "a bad value stops the start and is named with its line. `--check-config` only checks: it "
      "opens "
      "every file and folder that is named (secrets, the vault, certificates, cards, workflows, "
      "the "
      "store, which it does not make) and tells all that is wrong. "
      "`--print-config` prints the whole configuration and where each value comes from.\n\n"
      "A limit is `none`, which is no limit, or a number; `0` is nothing: what it bounds is "
      "refused "
      "at once.\n\n"
      "A value in the file may name variables of the environment as `${NAME}` or "
      "`${NAME:-default}`; one that is not set and has no default stops the start, and `$${` is "
      "the "
      "text `${`. Providers' keys cannot be named: the relay takes them out of its environment. "
      "`--print-config` shows a value whose variable looks like a secret (`..._PASSWORD`, "
      "`..._TOKEN`) as the file writes it.\n\n"
      "A list of texts is separated by commas in a variable. `listeners`, `providers` and "
      "`aliases` "
      "are lists: `N` in `REDOUBT_LISTENERS_N_PORT` is an entry's number, counted from 0; the "
      "number "
      "after the last entry adds one. Variables that Kubernetes makes for a service called redoubt "
      "(`REDOUBT_SERVICE_...`, `REDOUBT_PORT...`, `REDOUBT_RELAY_...`) are ignored.\n\n"
      "| key | variable | value | default | meaning |\n|---|---|---|---|---|\n";
  Config defaults = sample();
  for (const Key& key : keys()) {
    const std::string value = render(target(key, defaults, 0));
    out.append("| `").append(key.name).append("` | `").append(environment_name(key, {}));
    out.append("` | ").append(expected(key)).append(" | `").append(value).append("` | ");
    out.append(key.description).append(" |\n");
  }
  return out;
}

}  // namespace redoubt::config
