#include "engine/strategy/opponent_model.hpp"

#include <algorithm>
#include <cmath>

namespace redoubt::strategy {
namespace {

constexpr double fade_per_second = 0.02;
constexpr int fade_seconds_max = 600;  // more than that has faded altogether
// An observation counts in full when it is this long after the last one.
constexpr double full_trust_seconds = 5;
constexpr double rush_late = 0.05;          // of the prior
constexpr double mix_width = 0.22;          // of a role's share among the agents
constexpr double growth_width_percent = 2;  // points of share in 10 s
constexpr double action_weight = 2;
constexpr double belief_min = 0.01;  // no style is ever ruled out

// What each style typically looks like: shares of collector, explorer, defender, attacker, and the
// growth of its ground in points of share in 10 s.
struct Portrait {
  std::array<double, territory::roles> mix;
  double growth_percent;
};
constexpr std::array<Portrait, styles> portraits{{
    {{0.25, 0.10, 0.10, 0.55}, 1.0},
    {{0.65, 0.20, 0.10, 0.05}, 1.5},
    {{0.40, 0.10, 0.45, 0.05}, 0.3},
    {{0.35, 0.45, 0.10, 0.10}, 4.0},
}};

// How much of the early phase is left: 1, then falling to 0.
double earliness(double seconds) {
  const double left = (prior_late_seconds - seconds) / (prior_late_seconds - prior_early_seconds);
  return std::clamp(left, 0.0, 1.0);
}

// 1 at 0, a half at 1, falling off as the square.
double bell(double distance) {
  return 1 / (1 + distance * distance);
}

double counted(const Observation& seen) {
  double sum = 0;
  for (double count : seen.agents)
    sum += count > 0 ? count : 0;
  return sum;
}

struct Keyword {
  std::string_view word;
  Style style;
};
constexpr std::array<Keyword, 22> keywords{{
    {"rush", Style::rush},        {"raid", Style::rush},         {"attack", Style::rush},
    {"siege", Style::rush},       {"kill", Style::rush},         {"attacker", Style::rush},
    {"collect", Style::boom},     {"harvest", Style::boom},      {"deposit", Style::boom},
    {"gather", Style::boom},      {"mine", Style::boom},         {"boom", Style::boom},
    {"guard", Style::turtle},     {"defend", Style::turtle},     {"hold", Style::turtle},
    {"retreat", Style::turtle},   {"fortify", Style::turtle},    {"turtle", Style::turtle},
    {"expand", Style::expansion}, {"explore", Style::expansion}, {"capture", Style::expansion},
    {"claim", Style::expansion},
}};

}  // namespace

std::optional<Style> style_of_action(std::string_view action) {
  for (const Keyword& keyword : keywords) {
    if (action.find(keyword.word) != std::string_view::npos) return keyword.style;
  }
  return std::nullopt;
}

StyleBelief style_prior_at(double seconds) {
  const double rush = rush_late + (style_prior[0] - rush_late) * earliness(seconds);
  const double rest = (1 - rush) / (styles - 1);
  return {rush, rest, rest, rest};
}

void OpponentModel::fade(double seconds) {
  const StyleBelief prior = style_prior_at(last_.tick / ticks_per_second + seconds);
  const int whole = static_cast<int>(std::min<double>(fade_seconds_max, seconds));
  for (int i = 0; i < whole; ++i) {
    for (std::size_t s = 0; s < styles; ++s)
      belief_[s] += fade_per_second * (prior[s] - belief_[s]);
  }
}

// Attackers and raids late in a match are attackers and raids: the threat to the base counts them.
void OpponentModel::end_with_the_phase(StyleBelief& likelihood, double seconds) {
  constexpr auto rush = static_cast<std::size_t>(Style::rush);
  double others = 0;
  for (std::size_t s = 0; s < styles; ++s)
    others += s == rush ? 0 : likelihood[s] / (styles - 1);
  likelihood[rush] = others + (likelihood[rush] - others) * earliness(seconds);
}

void OpponentModel::weigh(const StyleBelief& likelihood, double trust) {
  double sum = 0;
  for (std::size_t s = 0; s < styles; ++s) {
    belief_[s] = std::max(belief_min, belief_[s] * (1 + trust * (likelihood[s] - 1)));
    sum += belief_[s];
  }
  for (double& belief : belief_)
    belief /= sum;
}

void OpponentModel::observe(const Observation& seen) {
  const double seconds =
      observations_ > 0 ? std::max(0.0, seen.tick - last_.tick) / ticks_per_second : 0;
  if (observations_ == 0) belief_ = style_prior_at(seen.tick / ticks_per_second);
  fade(seconds);
  const double trust = observations_ > 0 ? std::min(1.0, seconds / full_trust_seconds) : 1;

  StyleBelief likelihood{1, 1, 1, 1};
  const double agents = counted(seen);
  if (agents > 0) {
    for (std::size_t s = 0; s < styles; ++s) {
      double square = 0;
      for (std::size_t r = 0; r < territory::roles; ++r) {
        const double off = std::max(0.0, seen.agents[r]) / agents - portraits[s].mix[r];
        square += off * off;
      }
      likelihood[s] *= bell(std::sqrt(square) / mix_width);
    }
  }
  growth_known_ =
      observations_ > 0 && seconds > 0 && seen.share_percent >= 0 && last_.share_percent >= 0;
  if (growth_known_) {
    growth_percent_ = (seen.share_percent - last_.share_percent) * 10 / seconds;
    for (std::size_t s = 0; s < styles; ++s) {
      const double off = (growth_percent_ - portraits[s].growth_percent) / growth_width_percent;
      likelihood[s] *= 0.5 + 0.5 * bell(off);
    }
  }
  double acts = 0;
  for (double count : seen.actions)
    acts += count;
  for (std::size_t s = 0; s < styles && acts > 0; ++s) {
    likelihood[s] *= (1 + action_weight * seen.actions[s]) / (1 + action_weight * acts);
  }
  end_with_the_phase(likelihood, seen.tick / ticks_per_second);
  weigh(likelihood, trust);
  last_ = seen;
  ++observations_;
}

Style OpponentModel::likeliest() const {
  std::size_t best = 0;
  for (std::size_t s = 1; s < styles; ++s) {
    if (belief_[s] > belief_[best]) best = s;
  }
  return static_cast<Style>(best);
}

std::vector<Reason> OpponentModel::reasons() const {
  std::vector<Reason> out;
  if (observations_ == 0) return out;
  const auto best = static_cast<std::size_t>(likeliest());
  const double agents = counted(last_);
  if (agents > 0) {
    // The role whose share differs most from an even team's.
    std::size_t role = 0;
    double most = -1;
    for (std::size_t r = 0; r < territory::roles; ++r) {
      const double off = std::abs(std::max(0.0, last_.agents[r]) / agents - 0.25);
      if (off > most) {
        most = off;
        role = r;
      }
    }
    const double share = 100 * std::max(0.0, last_.agents[role]) / agents;
    const double off = share / 100 - portraits[best].mix[role];
    out.push_back({"opponent_mix",
                   fixed(share, 0) + " % of the rival's seen agents are " +
                       std::string(role_names[role]) + "s.",
                   share,
                   "percent",
                   2 * bell(off / mix_width) - 1,
                   {}});
  }
  if (growth_known_) {
    const double off = (growth_percent_ - portraits[best].growth_percent) / growth_width_percent;
    out.push_back(
        {"opponent_growth",
         "The rival's ground changes by " + fixed(growth_percent_, 1) + " points of share in 10 s.",
         growth_percent_,
         "points",
         2 * bell(off) - 1,
         {}});
  }
  double acts = 0;
  for (double count : last_.actions)
    acts += count;
  if (acts > 0) {
    const double speaking = last_.actions[best] / acts;
    out.push_back({"opponent_actions",
                   fixed(100 * speaking, 0) + " % of the rival's seen actions are those of " +
                       std::string(style_names[best]) + ".",
                   100 * speaking,
                   "percent",
                   2 * speaking - 1,
                   {}});
  }
  return out;
}

void OpponentModel::save(ByteWriter& out) const {
  const auto put = [&out](double v) { out.u64(__builtin_bit_cast(std::uint64_t, v)); };
  for (double belief : belief_)
    put(belief);
  put(last_.tick);
  put(last_.share_percent);
  for (double count : last_.agents)
    put(count);
  for (double count : last_.actions)
    put(count);
  put(growth_percent_);
  out.u8(growth_known_ ? 1 : 0);
  out.i32(observations_);
}

bool OpponentModel::restore(ByteReader& in) {
  bool finite = true;
  const auto get = [&]() {
    const double v = __builtin_bit_cast(double, in.u64());
    if (!std::isfinite(v)) finite = false;
    return v;
  };
  OpponentModel read;
  double sum = 0;
  for (double& belief : read.belief_) {
    belief = get();
    if (!(belief >= 0)) finite = false;
    sum += belief;
  }
  read.last_.tick = get();
  read.last_.share_percent = get();
  for (double& count : read.last_.agents)
    count = get();
  for (double& count : read.last_.actions)
    count = get();
  read.growth_percent_ = get();
  read.growth_known_ = in.u8() != 0;
  read.observations_ = in.i32();
  if (in.failed() || !finite || read.observations_ < 0 || std::abs(sum - 1) > 1e-6) return false;
  *this = read;
  return true;
}

}  // namespace redoubt::strategy
