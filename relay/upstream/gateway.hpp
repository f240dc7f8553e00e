// Gateway: the rim around the model call's machines: it owns what all calls share, and for each
// call one ModelCall, one timer, one HTTP call and one decoder.
//
//   start(order, client) -> GatewayCall -> ModelCall (decides) -> attempt: admit, reserve, send,
//                                          decode, settle, write down
//
// 1. What calls share (targets, limits, leases) lies behind one small lock; a call itself stays on
//    the shard that it began on, and its client is told there.
// 2. The client is told one outcome, as ModelCall has it; `told` may come before start() returns
//    where nothing could be tried. Nothing more comes after on_end.
// 3. Every attempt that went out is settled once and written to the ledger, also when its client
//    has left and when the relay's own deadline cut it.
// 4. Provider keys are taken from the key ring when a request is sent, and are nowhere else.
// 5. What a provider says when it fails goes to the log, without our keys; the client hears what
//    relay/upstream/failure_words.hpp lets pass. The key is taken out of answers, too.
// 6. Prompts and answers are not logged. An answer is kept for others only where its order says
//    `shared` and the operator lets it be (relay/upstream/shared_answers.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/llm/allowed_members.hpp"
#include "engine/llm/chat.hpp"
#include "engine/llm/embeddings.hpp"
#include "engine/llm/models.hpp"
#include "relay/auth/identity.hpp"
#include "relay/auth/key_ring.hpp"
#include "relay/auth/token.hpp"
#include "relay/limits/ledger.hpp"
#include "relay/limits/limiter.hpp"
#include "relay/net/compute_pool.hpp"
#include "relay/net/http_client.hpp"
#include "relay/observe/log.hpp"
#include "relay/observe/metrics.hpp"
#include "relay/upstream/alias.hpp"
#include "relay/upstream/answer_memory.hpp"
#include "relay/upstream/answer_store.hpp"
#include "relay/upstream/model_call.hpp"
#include "relay/upstream/model_notes.hpp"
#include "relay/upstream/single_flight.hpp"
#include "relay/upstream/targets.hpp"

namespace redoubt::upstream {

struct ProviderOptions {
  std::string name;
  std::string dialect;           ///< empty: the name
  std::string base_url;          ///< empty: the dialect's
  std::string authorities_file;  ///< PEM; empty: the system's
  std::string proxy;             ///< empty: none
  bool free = false;             ///< what it serves costs nothing
  int concurrent_max = 1'000;    ///< calls of one target at a time
};

struct GatewayOptions {
  std::vector<ProviderOptions> providers;
  std::vector<Alias> aliases;
  bool direct_targets = false;
  llm::PassThrough pass_through;
  /// The most output that a model without a card is asked for; 0: what the client says, and no call
  /// where a limit needs a bound and the client names none.
  std::int64_t unknown_output_tokens_max = 0;
  limits::Rules all;           ///< of everybody together
  limits::Rules player;        ///< of one player, under a token or not
  limits::Rules anonymous;     ///< of all players without a token together
  limits::Rules model;         ///< of one target
  limits::Rules provider_key;  ///< of one key
  ModelCallOptions stream_call = v1_call_options(Delivery::stream);
  ModelCallOptions whole_call = v1_call_options(Delivery::whole);
  ModelCallOptions game_call = game_call_options();
  bool share_answers = false;           ///< the next three are used
  AnswerStore* kept_answers = nullptr;  ///< that keeps answers too, or null
  ExactCacheOptions cache;
  SingleFlightOptions flights;
  /// Counts what is kept of providers' answers on their way. Null: nothing is counted.
  std::shared_ptr<AnswerMemory> answers;
  observe::Log* log = nullptr;  ///< hears why attempts failed; outlives the gateway
  /// Has what would hold a call's shard for long; null: its shard does it. It ends before the
  /// gateway, when no shard runs any more.
  net::ComputePool* pool = nullptr;
};

/// Who calls, and what is asked.
struct Order {
  llm::ChatRequest request;  ///< `model` is what the client named
  /// Asked instead, of which `request` has the model's name: whole delivery, shared with nobody.
  std::shared_ptr<llm::EmbeddingRequest> embedding;
  auth::Identity identity = auth::anonymous_identity({});  ///< whom to count and to charge
  auth::CallerLimits own_limits;                           ///< of the caller's token
  std::string request_id;
  bool game = false;
  bool shared = false;                 ///< an equal request's answer will do, kept or under way
  std::optional<CacheKey> answer_key;  ///< of a shared one, where it was worked out already
  /// Counts what a large request takes on its caller. Unset: nothing is counted.
  http::HoldMemory hold_memory;
  std::shared_ptr<const void> memory;  ///< of a large request; Gateway::start() sets it
  bool request_counted = false;  ///< on the caller's limits, by whoever made this order of another
};

/// What a call came to, for headers, metrics and the ledger.
struct CallSummary {
  std::string target;  ///< "openai/gpt-5.4-mini"; empty where none answered
  int attempts = 0;
  llm::Usage usage;
  limits::Picodollars cost = 0;
  bool estimated = false;
};

/// Where a shared order's answer comes from.
enum class Source : std::uint8_t {
  call,    ///< a call of its own
  joined,  ///< another's call, which was under way
  cache,   ///< an answer that was given before
};
/// "miss", "join", "hit": as headers and metrics say it.
std::string_view source_name(Source source);

/// Why a client gets no answer of a model.
struct CallRefusal {
  int status = 502;
  Reason reason = Reason::failed;
  std::int64_t retry_after_ms = -1;
  llm::ChatFailure failure;  ///< what may be told: never a word about our keys
  /// A limit of the caller's, or what memory they have, was the end: another's equal call may do.
  bool by_limit = false;
};

/// Told on the call's shard. Quick and without exceptions.
class CallClient {
 public:
  virtual ~CallClient() = default;
  /// A shared order's: told before anything else of the answer, and again where it changes.
  virtual void on_source(Source) {}
  /// The tightest limits of the caller after he was counted, for the RateLimit headers; once more
  /// where a settlement has made room. Not told where there are none.
  virtual void on_quotas(const limits::Quotas&) {}
  /// Stream delivery: the answer begins, once and before its first piece. Who answers, after how
  /// many attempts; what it comes to is told at its end.
  virtual void on_begun(const CallSummary&) {}
  /// Stream delivery: pieces as they come; `origin` is the decoder's format.
  virtual void on_event(const llm::ChatEvent& event, llm::WireFormat origin) = 0;
  /// What it keeps of the stream that it was told until that ends. On the call's shard.
  virtual std::size_t kept_bytes() const { return 0; }
  /// Counts the answer that is told next in the relay's memory: whoever keeps it keeps this. Null
  /// where nothing is counted.
  virtual void on_memory(std::shared_ptr<AnswerMemory::Hold>) {}
  /// The answer is complete. Whole delivery: this is all of it. Of a stream that is not shared it
  /// has no texts: they were told. Several clients may be told one; none makes it another's.
  virtual void on_answer(std::shared_ptr<const llm::ChatAnswer> answer, llm::WireFormat origin,
                         const CallSummary& summary) = 0;
  virtual void on_refusal(const CallRefusal& refusal, const CallSummary& summary) = 0;
  /// The game's: answer from the engine now; why no model does.
  virtual void on_engine(const CallRefusal&) {}
  /// The game's: a valid answer after the engine's.
  virtual void on_late_answer(const llm::ChatAnswer&, llm::WireFormat, const CallSummary&) {}
  /// Whole delivery: may this answer be given, or is another attempt to be made?
  virtual bool accepts(const llm::ChatAnswer&) { return true; }
  /// The call is over, whatever was told; also when the client has left.
  virtual void on_end() {}
};

class GatewayCall {
 public:
  virtual ~GatewayCall() = default;
  /// The client left: what is under way is cancelled and settled, nothing more is told.
  virtual void leave() = 0;
  /// Another caller of the same kind (a stranger, or not) waits for its answer, too, whose memory
  /// may be counted on them. On the call's shard.
  virtual void share(const std::string& caller) { (void)caller; }
};

/// A name that clients may ask for.
struct KnownModel {
  std::string name;
  bool price_known = true;                   ///< of all that it may lead to
  std::optional<std::int64_t> shut_off_day;  ///< from which on nothing that it leads to is there
  bool embeds = false;                       ///< it makes embeddings, as far as is known
};

class Gateway {
 public:
  /// Errors: bad_alias, bad_url, bad_certificate, unknown dialects. `keys`, `ledger` and `metrics`
  /// outlive the gateway.
  static Result<std::unique_ptr<Gateway>> make(GatewayOptions options, llm::ModelTable models,
                                               auth::CurrentKeys& keys, limits::Ledger& ledger,
                                               observe::Metrics& metrics, std::uint64_t seed);
  virtual ~Gateway() = default;

  /// On a shard's thread. Errors (nothing was counted): unknown_model, unsupported, not_allowed,
  /// overloaded (no memory for a large request).
  virtual Result<std::shared_ptr<GatewayCall>> start(const net::Executor& shard, Order order,
                                                     Delivery delivery,
                                                     std::shared_ptr<CallClient> client) = 0;
  /// Takes the keys that the key ring has now.
  virtual void reload_keys() = 0;
  /// What clients may ask for: aliases, and targets where they may be named.
  virtual std::vector<KnownModel> models() const = 0;
  /// What an operator should know of the aliases' targets; `today` in days since 1970. Nothing of
  /// keys where there is no key ring.
  virtual std::vector<ModelNote> model_notes(std::int64_t today) const = 0;
  /// Does the alias exist (for the game's endpoints)?
  virtual bool knows(std::string_view model) const = 0;
  /// Money held and spent of a caller's own budgets of the running day and month. Absent: there is
  /// no such budget, and nothing is counted for it.
  struct Spent {
    std::optional<limits::Picodollars> day;
    std::optional<limits::Picodollars> month;
  };
  /// `drawn` is what the store knows of them (Ledger::drawn) at `now_s`.
  virtual Spent spent(const auth::Identity& caller, const auth::CallerLimits& own,
                      const limits::Drawn& drawn, std::int64_t now_s) = 0;
  /// After the last call, before the store closes: what of the budgets was drawn and not spent goes
  /// back, so that the next start can spend it.
  virtual void close() = 0;
};

}  // namespace redoubt::upstream
