#include "relay/upstream/route_plans.hpp"

#include <algorithm>

#include "engine/base/message.hpp"
#include "engine/base/nearest.hpp"
#include "relay/upstream/call_limits.hpp"
#include "relay/upstream/clock.hpp"
#include "relay/upstream/provider_address.hpp"

namespace redoubt::upstream {
namespace {

// Of a model that no card describes: what is taken as its end where nobody sets one.
constexpr std::int64_t unknown_output_tokens = 1'000'000;
constexpr std::int64_t unknown_context_tokens = 1'000'000;
// As much as those of any card that we know (gpt-4o-mini).
constexpr std::int64_t unknown_image_tokens = 48'169;

const llm::Tariff* free_tariff() {
  static const llm::Tariff tariff{.rates = {llm::Rate{}}, .fees = {}};
  return &tariff;
}

llm::Tariff tariff_of(const llm::EmbeddingCard& card) {
  return {.rates = {llm::Rate{.price = {.input = card.input_price}}}, .fees = {}};
}

bool has_budget(const limits::Rules& rules) {
  return rules.day_picodollars || rules.month_picodollars;
}

bool has_token_limit(const limits::Rules& rules) {
  return rules.tokens_per_minute.has_value();
}

// vllm's port, 8000, is what many serve on, the relay among them: nobody's address is guessed
// there.
bool has_own_address(const llm::Dialect& dialect) {
  const bool here = dialect.base_url.starts_with("http://127.0.0.1:8000");
  return !dialect.base_url.empty() && !here;
}

Error unknown_dialect(const std::string& path, const std::string& dialect) {
  std::vector<std::string_view> names;
  std::string known;
  for (const llm::Dialect& one : llm::dialects()) {
    names.push_back(one.name);
    known += joined({known.empty() ? "" : ", ", one.name});
  }
  return make_error("bad_config",
                    {path, ": there is no dialect ", dialect, did_you_mean(dialect, names),
                     "; known are ", known},
                    {path}, {"one of ", known}, {dialect});
}

}  // namespace

Result<std::unique_ptr<RoutePlans>> RoutePlans::make(const GatewayOptions& options,
                                                     llm::ModelTable models, Aliases aliases,
                                                     const auth::CurrentKeys& keys,
                                                     observe::Metrics& metrics) {
  std::unique_ptr<RoutePlans> plans(
      new RoutePlans(options, std::move(models), std::move(aliases), keys));
  if (auto added = plans->add_providers(); !added) return added.error();
  plans->add_targets(metrics);
  return plans;
}

Result<void> RoutePlans::add_providers() {
  for (std::size_t i = 0; i < options_.providers.size(); ++i) {
    const ProviderOptions& given = options_.providers[i];
    Provider provider;
    provider.name = given.name;
    const std::string path = joined({"providers[", i, "]"});
    const std::string dialect = given.dialect.empty() ? given.name : given.dialect;
    provider.dialect = llm::find_dialect(dialect);
    if (!provider.dialect)
      return unknown_dialect(path + (given.dialect.empty() ? ".name" : ".dialect"), dialect);
    if (given.base_url.empty() && !has_own_address(*provider.dialect))
      return make_error(
          "bad_config",
          {path, ".base_url: expected the address of ", given.name,
           ", such as http://127.0.0.1:8001/v1: the dialect ", dialect, " has none of its own"},
          {path, ".base_url"}, {"an address"}, {});
    provider.base_url =
        given.base_url.empty() ? std::string(provider.dialect->base_url) : given.base_url;
    // A server of one's own may want no key.
    provider.free_of_charge = given.free;
    provider.key_needed = given.base_url.empty() && provider.dialect->auth != llm::AuthKind::none;
    auto destination = destination_of({.base_url = provider.base_url,
                                       .authorities_file = given.authorities_file,
                                       .proxy = given.proxy});
    if (!destination) {
      Error fault = destination.error();
      fault.path = joined({path, ".", fault.path});
      fault.message = fault.path + ": " + fault.message;
      return fault;
    }
    provider.destination = std::move(*destination);
    providers_.push_back(std::move(provider));
  }
  return {};
}

void RoutePlans::add_target(const std::string& name, observe::Metrics& metrics) {
  if (name == "engine" || find(name)) return;
  const std::size_t slash = name.find('/');
  const std::string provider = name.substr(0, slash);
  for (std::uint32_t i = 0; i < providers_.size(); ++i) {
    if (providers_[i].name != provider) continue;
    TargetPlan plan;
    plan.provider = i;
    plan.model = name.substr(slash + 1);
    plan.card = models_.find(providers_[i].dialect->name, plan.model);
    plan.concurrent_max = options_.providers[i].concurrent_max;
    if (plan.card) plan.tariff = &plan.card->tariff;
    if (!plan.card)
      plan.embedding = models_.find_embedding(providers_[i].dialect->name, plan.model);
    if (plan.embedding) plan.tariff = &embedding_tariffs_.emplace_back(tariff_of(*plan.embedding));
    if (providers_[i].free_of_charge) plan.tariff = free_tariff();
    plan.metrics = GatewayMetrics::series(metrics, name);
    plans_.push_back(plan);
    names_.push_back(name);
  }
}

void RoutePlans::add_targets(observe::Metrics& metrics) {
  for (const Alias& alias : aliases_.list()) {
    for (const std::string& target : alias.targets)
      add_target(target, metrics);
  }
  if (!options_.direct_targets) return;
  const auto add_called = [&](const auto& cards) {
    for (const auto& card : cards) {
      for (const Provider& provider : providers_) {
        if (card.is_called(provider.dialect->name, card.model))
          add_target(provider.name + "/" + card.model, metrics);
      }
    }
  };
  add_called(models_.cards());
  add_called(models_.embeddings());
}

std::optional<std::uint32_t> RoutePlans::find(std::string_view name) const {
  const auto at = std::find(names_.begin(), names_.end(), name);
  if (at == names_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(at - names_.begin());
}

std::vector<TargetOptions> RoutePlans::target_options() const {
  std::vector<TargetOptions> targets;
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    TargetOptions options;
    options.name = names_[i];
    options.concurrent_max = plans_[i].concurrent_max;
    targets.push_back(std::move(options));
  }
  return targets;
}

RoutePlan RoutePlans::plan_route(const Route& route, const Order& order) const {
  const bool money = budgeted(order);
  RoutePlan planned;
  for (const std::string& name : route.targets) {
    const auto target = find(name);
    if (!target) {  // a client's own words, of a model that no card knows
      if (planned.why.empty())
        planned.why = "the price of " + name + " is not known, and no alias names it";
      continue;
    }
    if (auto left = left_out(*target, order, money)) {
      if (planned.why.empty()) planned.why = left->message;
      planned.left_out.push_back(std::move(*left));
      continue;
    }
    planned.targets.push_back({*target, provider(*target).dialect->stops_on_disconnect});
  }
  return planned;
}

std::optional<LeftOut> RoutePlans::left_out(std::uint32_t target, const Order& order,
                                            bool money) const {
  const TargetPlan& plan = plans_[target];
  const Provider& from = providers_[plan.provider];
  if (from.key_needed && !has_key(from.name))
    return LeftOut{names_[target], "no_key", "the relay has no key for " + from.name};
  if (money && !plan.tariff) {
    return LeftOut{names_[target], "no_price",
                   "the price of " + names_[target] +
                       " is not known, and a budget limits what calls may cost"};
  }
  if (lacks_bound(plan, order)) {
    return LeftOut{names_[target], "no_output_bound",
                   "nothing bounds the output of " + names_[target] +
                       ": the request has to name a limit of tokens"};
  }
  return std::nullopt;
}

/// Does a call lack a bound of its output that somebody needs: the limits, or a format that has no
/// request without it?
bool RoutePlans::lacks_bound(const TargetPlan& plan, const Order& order) const {
  if (plan.card || plan.embedding || order.embedding || order.request.output_tokens_max ||
      options_.unknown_output_tokens_max > 0)
    return false;
  return providers_[plan.provider].dialect->format == llm::WireFormat::anthropic ||
         counts_tokens(order);
}

bool RoutePlans::budgeted(const Order& order) const {
  return has_budget(options_.all) || has_budget(options_.model) ||
         has_budget(options_.provider_key) ||
         has_budget(with_own(options_.player, order.own_limits)) ||
         (order.identity.is_anonymous() && has_budget(options_.anonymous));
}

bool RoutePlans::counts_tokens(const Order& order) const {
  return has_token_limit(options_.all) || has_token_limit(options_.model) ||
         has_token_limit(options_.provider_key) ||
         has_token_limit(with_own(options_.player, order.own_limits)) ||
         (order.identity.is_anonymous() && has_token_limit(options_.anonymous));
}

bool RoutePlans::has_key(std::string_view provider) const {
  const auth::KeyRingPtr ring = keys_.get();
  return ring && std::any_of(ring->keys().begin(), ring->keys().end(),
                             [&](const auto& key) { return key.provider == provider; });
}

TokenLimits RoutePlans::token_limits(std::uint32_t target) const {
  if (const llm::ModelCard* card = plans_[target].card)
    return {card->context_tokens, card->output_tokens_max, card->image_tokens_max};
  if (const llm::EmbeddingCard* card = plans_[target].embedding)
    return {.context = card->input_tokens_max};
  const std::int64_t most = options_.unknown_output_tokens_max;
  return {unknown_context_tokens, most > 0 ? most : unknown_output_tokens, unknown_image_tokens};
}

AttemptTarget RoutePlans::attempt_target(std::uint32_t target, llm::WireFormat client,
                                         bool stream) const {
  const Provider& to = provider(target);
  return {.dialect = to.dialect,
          .base_url = to.base_url,
          .model = plans_[target].model,
          .card = plans_[target].card,
          .embedding = plans_[target].embedding,
          .most = token_limits(target),
          .unknown_output_tokens_max = options_.unknown_output_tokens_max,
          .answer_bytes_max = static_cast<std::int64_t>(
              options_.answers ? options_.answers->answer_bytes_max() : llm::whole_body_bytes_max),
          .stream = stream,
          .passes_sound = options_.pass_through.passes_sound(client)};
}

bool RoutePlans::may_cost(std::string_view model) const {
  const auto route = aliases_.resolve(model);
  if (!route) return true;
  return std::any_of(route->targets.begin(), route->targets.end(), [&](const std::string& target) {
    const auto at = find(target);
    return at && !provider(*at).free_of_charge;
  });
}

limits::Picodollars RoutePlans::cost(std::uint32_t target, const Charge& charge,
                                     const AttemptBound& bound, llm::CallTime when) const {
  const llm::Usage& usage = charge.usage;
  const TargetPlan& plan = plans_[target];
  const Provider& from = providers_[plan.provider];
  if (from.dialect->tells_cost && usage.reported_picodollars && !from.free_of_charge)
    return *usage.reported_picodollars;
  return plan.tariff ? price_of(charge, bound, *plan.tariff, when) : 0;
}

SecretTexts RoutePlans::secrets(std::uint32_t target, const auth::KeyRing& ring) const {
  SecretTexts secrets;
  for (const auth::ProviderKey& key : ring.keys())
    secrets.push_back(key.key.text());
  const net::DestinationPtr& to = provider(target).destination;
  if (to && to->proxy && !to->proxy->authorization.empty())
    secrets.push_back(to->proxy->authorization);
  return secrets;
}

KnownModel RoutePlans::known(std::string name, std::span<const std::string> targets) const {
  KnownModel model{.name = std::move(name)};
  bool goes = true;
  std::size_t found = 0;
  std::size_t embedding = 0;
  for (const std::string& target : targets) {
    const auto at = find(target);
    if (!at) continue;
    const TargetPlan& plan = plans_[*at];
    ++found;
    embedding += plan.embedding ? 1 : 0;
    model.price_known = model.price_known && plan.tariff;
    const auto day = plan.card        ? plan.card->shut_off_day
                     : plan.embedding ? plan.embedding->shut_off_day
                                      : std::nullopt;
    goes = goes && day;
    if (day) model.shut_off_day = std::max(model.shut_off_day.value_or(*day), *day);
  }
  if (!goes) model.shut_off_day.reset();
  model.embeds = found > 0 && embedding == found;
  return model;
}

std::vector<KnownModel> RoutePlans::models() const {
  std::vector<KnownModel> models;
  for (const Alias& alias : aliases_.list())
    models.push_back(known(alias.name, alias.targets));
  if (!options_.direct_targets) return models;
  for (const std::string& name : names_)
    models.push_back(known(name, {&name, 1}));
  return models;
}

std::vector<std::string> RoutePlans::aliases_of(std::string_view target) const {
  std::vector<std::string> names;
  for (const Alias& alias : aliases_.list()) {
    const auto& targets = alias.targets;
    if (std::find(targets.begin(), targets.end(), target) != targets.end())
      names.push_back(alias.name);
  }
  return names;
}

LongestAnswer RoutePlans::longest_answer(std::uint32_t target) const {
  const std::int64_t now_s = wall_s();
  LongestAnswer longest{.output_tokens = token_limits(target).output};
  const llm::Tariff* tariff = plans_[target].tariff;
  if (tariff != nullptr)
    longest.cost =
        llm::cost_bound_picodollars(0, longest.output_tokens, {}, *tariff, {now_s, now_s});
  return longest;
}

std::vector<ModelNote> RoutePlans::model_notes(std::int64_t today) const {
  std::vector<ModelNote> notes;
  const NamedRules rules[] = {
      {"all", options_.all}, {"anonymous", options_.anonymous}, {"player", options_.player}};
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    const std::vector<std::string> aliases = aliases_of(names_[i]);
    // Direct targets that no alias names are the table's, not the operator's choice.
    if (aliases.empty()) continue;
    const Provider& from = providers_[plans_[i].provider];
    if (keys_.get() && from.key_needed && !has_key(from.name))
      notes.push_back(note_without_key(names_[i], aliases, from.name));
    const bool needs_bound =
        providers_[plans_[i].provider].dialect->format == llm::WireFormat::anthropic &&
        options_.unknown_output_tokens_max == 0;
    if (auto note = note_of(names_[i], aliases, plans_[i].card, plans_[i].tariff != nullptr,
                            needs_bound, today))
      notes.push_back(std::move(*note));
    const auto target = static_cast<std::uint32_t>(i);
    // How long the answers of an unknown model are, nobody knows.
    if (plans_[i].card == nullptr) continue;
    if (auto note = note_of_limits(names_[i], aliases, longest_answer(target), rules))
      notes.push_back(std::move(*note));
  }
  return notes;
}

}  // namespace redoubt::upstream
