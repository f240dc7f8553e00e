// Validation of an instance: the compiled schema's keywords are applied to it, subschema by
// subschema, within a number of steps. What a subschema has evaluated of the instance goes up to
// the one that applied it (`unevaluatedItems`, `unevaluatedProperties`).
#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/base/canonical_json.hpp"
#include "engine/base/hash64.hpp"
#include "engine/base/json.hpp"
#include "engine/base/message.hpp"
#include "engine/base/stable_order.hpp"
#include "engine/schema/compiled.hpp"
#include "engine/schema/numbers.hpp"
#include "engine/schema/references.hpp"

namespace redoubt::schema {
namespace {

using Seen = std::vector<char>;  // which members or items of one value a schema has evaluated

template <class C>
class Run {
 public:
  Run(const C& compiled, std::size_t faults_max, std::int64_t most)
      : c_(compiled), faults_max_(faults_max), steps_most_(most) {}

  std::int64_t steps() const { return steps_; }

  std::vector<Fault> run(const Json& instance) {
    Seen seen;
    apply(0, instance, seen);
    if (bound_ != nullptr)
      faults.assign(1, {"", "", joined({"The validation was stopped: it reached ", bound_, "."})});
    return std::move(faults);
  }

 private:
  bool fault(Pieces message) {
    if (muted_ == 0 && faults.size() < faults_max_)
      faults.push_back({instance_path_, schema_path_, joined(message)});
    return false;
  }
  bool stopped() const {
    return bound_ != nullptr || (muted_ == 0 && faults.size() >= faults_max_);
  }
  bool spend(std::int64_t amount) {
    steps_ += amount;
    if (steps_ > steps_most_) bound_ = "the most steps allowed";
    return bound_ == nullptr;
  }

  bool at(const Json& schema, const Json& value, Seen& seen, const std::string& schema_token,
          const std::string& instance_token = "") {
    const auto node = c_.index.find(&schema);
    return enter(node->second, value, seen, schema_token, instance_token);
  }
  bool enter(int node, const Json& value, Seen& seen, const std::string& schema_token,
             const std::string& instance_token) {
    const std::size_t s = schema_path_.size(), i = instance_path_.size();
    schema_path_ += schema_token;
    instance_path_ += instance_token;
    const bool good = apply(node, value, seen);
    schema_path_.resize(s);
    instance_path_.resize(i);
    return good;
  }
  bool quietly(const Json& schema, const Json& value, Seen& seen) {
    ++muted_;
    const bool good = at(schema, value, seen, "");
    --muted_;
    return good;
  }
  static void merge(Seen& into, const Seen& from) {
    for (std::size_t i = 0; i < from.size() && i < into.size(); ++i)
      into[i] |= from[i];
  }

  bool apply(int index, const Json& value, Seen& seen) {
    const Node& node = c_.nodes[index];
    // What is kept of each member or item is made anew for every subschema.
    constexpr std::size_t kKeptAStep = 64;
    const std::size_t kept = value.is_structured() ? value.size() / kKeptAStep : 0;
    if (!spend(static_cast<std::int64_t>(1 + node.keywords.size() + kept))) return false;
    if (depth_ >= evaluation_depth_max) {
      bound_ = "the deepest nesting allowed";
      return false;
    }
    if (node.json->is_boolean())
      return node.json->get<bool>() || fault({"The schema allows no value here."});
    ++depth_;
    scope_.push_back(node.resource);
    Seen own(value.is_structured() ? value.size() : 0, 0);
    const bool good = keywords(node, value, own);
    if (good) {
      seen.resize(own.size(), 0);
      merge(seen, own);
    }
    scope_.pop_back();
    --depth_;
    return good;
  }

  bool keywords(const Node& node, const Json& value, Seen& own) {
    Seen local(own.size(), 0);  // what properties, patternProperties and prefixItems reached
    bool good = true;
    for (const Application& a : node.keywords) {
      if (stopped() || (!good && muted_ != 0)) return false;
      const std::size_t length = schema_path_.size();
      schema_path_ += '/';
      schema_path_ += keyword_table[static_cast<int>(a.keyword)].name;
      const bool passed = a.keyword < Keyword::all_of && a.keyword > Keyword::dynamic_ref
                              ? assertion(a.keyword, *a.value, value)
                              : applicator(node, a.keyword, *a.value, value, own, local);
      good = passed && good;
      schema_path_.resize(length);
    }
    return good && bound_ == nullptr;
  }

  bool equal(const Json& a, const Json& b, int depth = 0) {
    if (!spend(1)) return false;
    if (a.is_number() && b.is_number()) return compare(a, b) == 0;
    if (a.type() != b.type()) return false;
    if (!a.is_structured()) return a == b;
    if (depth >= evaluation_depth_max) {
      bound_ = "the deepest nesting allowed";
      return false;
    }
    if (a.size() != b.size()) return false;
    auto y = b.begin();
    for (auto x = a.begin(); x != a.end(); ++x, ++y) {
      if (a.is_object() && x.key() != y.key()) return false;
      if (!equal(*x, *y, depth + 1)) return false;
    }
    return true;
  }

  bool size_is(const char* what, std::size_t size, const Json& limit, bool most) {
    const int order = compare(Json(static_cast<std::uint64_t>(size)), limit);
    if (most ? order <= 0 : order >= 0) return true;
    return fault({"The value has ", size, " ", what, ", but must have at ",
                  most ? "most " : "least ", canonical(limit), "."});
  }
  bool number_is(const Json& value, const Json& limit, const char* relation, bool good) {
    return good || fault({"The number ", canonical(value), " must be ", relation, " ",
                          canonical(limit), "."});
  }

  bool assertion(Keyword keyword, const Json& k, const Json& value) {
    switch (keyword) {
      case Keyword::type: {
        if (k.is_string()) {
          if (has_type(value, text_of(k))) return true;
        } else {
          for (const Json& name : k)
            if (has_type(value, text_of(name))) return true;
        }
        return fault(
            {"The value must be of type ", describe(k), ", but is ", describe(value), "."});
      }
      case Keyword::constant:
        return equal(k, value) || fault({"The value must be ", describe(k), "."});
      case Keyword::enumeration: {
        for (const Json& one : k)
          if (equal(one, value)) return true;
        const std::string allowed = canonical_utf8(k);
        return fault({"The value must be one of ", std::string_view(allowed).substr(0, 400), "."});
      }
      default:
        break;
    }
    if (value.is_number()) return number(keyword, k, value);
    if (value.is_string()) return text(keyword, k, text_of(value));
    if (value.is_array()) return array(keyword, k, value);
    if (value.is_object()) return object(keyword, k, value);
    return true;
  }
  bool number(Keyword keyword, const Json& k, const Json& value) {
    switch (keyword) {
      case Keyword::multiple_of:
        return number_is(value, k, "a multiple of", is_multiple(value, k));
      case Keyword::maximum:
        return number_is(value, k, "at most", compare(value, k) <= 0);
      case Keyword::minimum:
        return number_is(value, k, "at least", compare(value, k) >= 0);
      case Keyword::exclusive_maximum:
        return number_is(value, k, "less than", compare(value, k) < 0);
      case Keyword::exclusive_minimum:
        return number_is(value, k, "more than", compare(value, k) > 0);
      default:
        return true;
    }
  }
  bool text(Keyword keyword, const Json& k, const std::string& value) {
    constexpr std::size_t kBytesAStep = 256;
    if (!spend(static_cast<std::int64_t>(value.size() / kBytesAStep))) return false;
    std::size_t points = 0;
    for (const char c : value)
      points += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
    if (keyword == Keyword::max_length) return size_is("characters", points, k, true);
    if (keyword == Keyword::min_length) return size_is("characters", points, k, false);
    if (keyword != Keyword::pattern) return true;
    return matches(text_of(k), value) ||
           fault({"The string must match the pattern \"", text_of(k), "\"."});
  }
  bool matches(const std::string& source, const std::string& value) {
    // As many states may be open at every character as the pattern has instructions.
    constexpr std::size_t kStatesAStep = 32;
    const Pattern& pattern = c_.patterns.find(source)->second;
    const std::size_t states = value.size() * pattern.instructions();
    return spend(1 + static_cast<std::int64_t>(states / kStatesAStep)) && pattern.found_in(value);
  }
  bool array(Keyword keyword, const Json& k, const Json& value) {
    if (keyword == Keyword::max_items) return size_is("items", value.size(), k, true);
    if (keyword == Keyword::min_items) return size_is("items", value.size(), k, false);
    if (keyword != Keyword::unique_items || k == false) return true;
    return unique(value);
  }
  // What is equal has the same hash; deep inside, things are not looked at any more.
  void add(Hash64& hash, const Json& value, int depth) {
    constexpr int kDepth = 16;
    const double number = value.is_number() && value != 0 ? value.get<double>() : 0.0;
    std::uint64_t bits = 0;
    std::memcpy(&bits, &number, sizeof(bits));
    hash.add(value.is_number() ? 1 : value.is_structured() ? 2 : 3);
    if (value.is_number()) {
      hash.add(bits);
    } else if (value.is_string()) {
      hash.add_bytes(text_of(value));
    } else if (!value.is_structured()) {
      hash.add(value.is_null() ? 2 : value == true ? 1 : 0);
    } else if (spend(1) && depth < kDepth) {
      for (auto it = value.begin(); it != value.end() && bound_ == nullptr; ++it) {
        if (value.is_object()) hash.add_bytes(it.key());
        add(hash, *it, depth + 1);
      }
    }
  }
  // Only items of one hash are compared. What is told is the first item that repeats one before it.
  bool unique(const Json& value) {
    struct Item {
      std::uint64_t hash;
      std::size_t place;
    };
    std::vector<Item> items;
    for (std::size_t i = 0; i < value.size() && spend(1); ++i) {
      Hash64 hash;
      add(hash, value[i], 0);
      items.push_back({hash.value(), i});
    }
    sort_stable(items, [](const Item& a, const Item& b) { return a.hash < b.hash; });
    std::size_t first = value.size(), earlier = 0;
    for (std::size_t i = 1; i < items.size(); ++i) {
      if (items[i].place >= first) continue;
      for (std::size_t j = i; j-- > 0 && items[j].hash == items[i].hash && bound_ == nullptr;) {
        if (!equal(value[items[i].place], value[items[j].place])) continue;
        first = items[i].place;
        earlier = items[j].place;
        break;
      }
    }
    if (bound_ != nullptr || first == value.size()) return bound_ == nullptr;
    return fault({"The items ", earlier, " and ", first, " are equal, but items must be unique."});
  }
  bool all_present(const Json& names, const Json& value) {
    bool good = spend(static_cast<std::int64_t>(names.size()));
    for (const Json& name : names)
      if (value.find(text_of(name)) == value.end())
        good = fault({"The member \"", text_of(name), "\" is missing."});
    return good;
  }
  bool object(Keyword keyword, const Json& k, const Json& value) {
    if (keyword == Keyword::max_properties) return size_is("members", value.size(), k, true);
    if (keyword == Keyword::min_properties) return size_is("members", value.size(), k, false);
    if (keyword == Keyword::required) return all_present(k, value);
    bool good = true;
    if (keyword == Keyword::dependent_required)
      for (auto it = k.begin(); it != k.end(); ++it)
        if (value.contains(it.key())) good = all_present(*it, value) && good;
    return good;
  }

  bool applicator(const Node& node, Keyword keyword, const Json& k, const Json& value, Seen& own,
                  Seen& local) {
    switch (keyword) {
      case Keyword::ref:
        return enter(node.target, value, own, "", "");
      case Keyword::dynamic_ref:
        return enter(dynamic(node), value, own, "", "");
      case Keyword::negation: {
        Seen ignored;
        return !quietly(k, value, ignored) || fault({"The value must not match this schema."});
      }
      case Keyword::all_of:
      case Keyword::any_of:
      case Keyword::one_of:
        return combine(keyword, k, value, own);
      case Keyword::condition: {
        const bool holds = quietly(k, value, own);
        const Json* branch = member(*node.json, holds ? "then" : "else");
        return branch == nullptr || at(*branch, value, own, holds ? "/then" : "/else");
      }
      default:
        break;
    }
    if (value.is_object()) return members(keyword, k, value, own, local);
    if (value.is_array()) return elements(node, keyword, k, value, own);
    return true;
  }
  int dynamic(const Node& node) const {
    if (!node.dynamic_name.empty())
      for (const int resource : scope_) {
        const auto& anchors = c_.resources[resource].dynamic_anchors;
        const auto found = anchors.find(node.dynamic_name);
        if (found != anchors.end()) return found->second;
      }
    return node.dynamic_target;
  }
  bool combine(Keyword keyword, const Json& k, const Json& value, Seen& own) {
    std::size_t good = 0;
    const bool all = keyword == Keyword::all_of;
    for (std::size_t i = 0; i < k.size() && !stopped(); ++i) {
      Seen one;
      const bool passed =
          all ? at(k[i], value, one, "/" + std::to_string(i)) : quietly(k[i], value, one);
      if (!passed) continue;
      ++good;
      merge(own, one);
    }
    if (all) return good == k.size();
    if (keyword == Keyword::any_of)
      return good > 0 || fault({"The value matches none of the ", k.size(), " schemas."});
    return good == 1 || fault({"The value matches ", good, " of the ", k.size(),
                               " schemas, but must match exactly one."});
  }

  bool members(Keyword keyword, const Json& k, const Json& value, Seen& own, Seen& local) {
    bool good = true;
    std::size_t i = 0;
    Seen ignored;
    if (keyword == Keyword::dependent_schemas) {
      for (auto it = k.begin(); it != k.end(); ++it)
        if (value.contains(it.key()))
          good = at(*it, value, own, "/" + pointer_token(it.key())) && good;
      return good;
    }
    for (auto it = value.begin(); it != value.end() && !stopped(); ++it, ++i) {
      const std::string place = "/" + pointer_token(it.key());
      ignored.clear();
      if (keyword == Keyword::properties) {
        const auto schema = k.find(it.key());
        if (schema == k.end()) continue;
        good = at(*schema, *it, ignored, place, place) && good;
        local[i] = 1;
      } else if (keyword == Keyword::pattern_properties) {
        for (auto schema = k.begin(); schema != k.end(); ++schema) {
          if (!matches(schema.key(), it.key())) continue;
          ignored.clear();
          good = at(*schema, *it, ignored, "/" + pointer_token(schema.key()), place) && good;
          local[i] = 1;
        }
      } else if (keyword == Keyword::property_names) {
        good = at(k, Json(it.key()), ignored, "", place) && good;
        continue;
      } else if (keyword == Keyword::additional_properties) {
        if (local[i] != 0) continue;
        good = at(k, *it, ignored, "", place) && good;
        own[i] = 1;
      } else if (keyword == Keyword::unevaluated_properties) {
        if (own[i] != 0) continue;
        good = at(k, *it, ignored, "", place) && good;
        own[i] = 1;
      } else {
        return true;
      }
      own[i] |= local[i];
    }
    return good;
  }

  bool elements(const Node& node, Keyword keyword, const Json& k, const Json& value, Seen& own) {
    if (keyword == Keyword::contains) return contains(node, k, value, own);
    const bool prefix = keyword == Keyword::prefix_items;
    const bool rest = keyword == Keyword::items;
    if (!prefix && !rest && keyword != Keyword::unevaluated_items) return true;
    const Json* before = rest ? member(*node.json, "prefixItems") : nullptr;
    const std::size_t end = prefix ? std::min(k.size(), value.size()) : value.size();
    bool good = true;
    for (std::size_t i = before != nullptr ? before->size() : 0; i < end && !stopped(); ++i) {
      if (!prefix && !rest && own[i] != 0) continue;
      const std::string place = "/" + std::to_string(i);
      Seen ignored;
      good = at(prefix ? k[i] : k, value[i], ignored, prefix ? place : "", place) && good;
      own[i] = 1;
    }
    return good;
  }
  bool contains(const Node& node, const Json& k, const Json& value, Seen& own) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < value.size() && bound_ == nullptr; ++i) {
      Seen ignored;
      if (!quietly(k, value[i], ignored)) continue;
      ++count;
      own[i] = 1;
    }
    const bool counted = c_.resources[node.resource].validates;
    const Json* least = counted ? member(*node.json, "minContains") : nullptr;
    const Json* most = counted ? member(*node.json, "maxContains") : nullptr;
    const Json one = 1U;
    return size_is("matching items", count, least != nullptr ? *least : one, false) &&
           (most == nullptr || size_is("matching items", count, *most, true));
  }

  const C& c_;
  std::size_t faults_max_;
  std::int64_t steps_most_;
  std::vector<Fault> faults;
  std::string instance_path_;
  std::string schema_path_;
  std::vector<int> scope_;
  std::int64_t steps_ = 0;
  int depth_ = 0;
  int muted_ = 0;
  const char* bound_ = nullptr;  ///< the bound that was reached
};

}  // namespace

std::vector<Fault> Schema::validate(const Json& instance, std::size_t faults_max) const {
  return Run<Compiled>(*compiled_, faults_max, steps_max).run(instance);
}

std::vector<Fault> Schema::validate(const Json& instance, std::size_t faults_max,
                                    std::int64_t steps_max_here, std::uint64_t& steps) const {
  Run<Compiled> run(*compiled_, faults_max, steps_max_here);
  auto faults = run.run(instance);
  steps += static_cast<std::uint64_t>(run.steps());
  return faults;
}

bool Schema::accepts(const Json& instance) const {
  return validate(instance, 1).empty();
}

}  // namespace redoubt::schema
