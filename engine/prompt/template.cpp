#include "engine/prompt/template.hpp"

#include "engine/prompt/evaluator.hpp"
#include "engine/prompt/template_parser.hpp"

namespace redoubt::prompt {
namespace {

/// Carries out a template's steps.
class Renderer {
 public:
  template <class Scope>
  Renderer(const Program& program, Scope& scope, const Limits& limits)
      : program_(program), limits_(limits), run_(program, scope, limits) {
    // Loops borrow from variables, which therefore never move.
    run_.variables.reserve(program.variables_max);
  }

  bool render() {
    while (at_ < program_.steps.size()) {
      const Step& step = program_.steps[at_++];
      if (!run_.charge(0, 1) || !carry_out(step)) return false;
    }
    return true;
  }

  std::size_t work() const { return run_.work(); }

  Result<std::string> finish(bool rendered) {
    if (!rendered) return run_.take_error();
    return std::move(out_);
  }

 private:
  bool carry_out(const Step& step) {
    switch (step.action) {
      case Action::text:
        out_.append(program_.source, step.a, step.b);
        return fits(step.a);
      case Action::print:
        return print(step);
      case Action::set:
        return set(step);
      case Action::jump:
        at_ = step.target;
        return true;
      case Action::jump_unless: {
        bool truth = false;
        if (!run_.condition(step.a, truth)) return false;
        if (!truth) at_ = step.target;
        return true;
      }
      case Action::for_begin:
        return begin_loop(step);
      case Action::for_next:
        return next(step);
    }
    return false;
  }

  bool fits(std::uint32_t at) {
    return out_.size() <= limits_.output_bytes_max ||
           run_.over_limit(at, "output_bytes_max", limits_.output_bytes_max);
  }

  bool print(const Step& step) {
    const std::uint32_t at = program_.nodes[step.a].at;
    Value value;
    return run_.need(step.a, value) && run_.print(at, *value, out_) && fits(at);
  }

  // A name set in a loop's body is gone with its turn; one set elsewhere lives on.
  bool set(const Step& step) {
    const Node& node = program_.nodes[step.b];
    Value value;
    if (!run_.need(step.b, value)) return false;
    // What points into a variable must not outlive it; the scope and the program stay.
    const bool stays = node.kind == Kind::constant || (node.kind == Kind::path && node.op == 0);
    if (value.borrowed() && !stays) {
      Json copy;
      if (!run_.take(node.at, value, copy)) return false;
      value.set(std::move(copy));
    }
    const std::size_t from = run_.loops.empty() ? 0 : run_.loops.back().variables;
    for (std::size_t i = from; i < run_.variables.size(); ++i) {
      if (program_.names[run_.variables[i].name] != program_.names[step.a]) continue;
      run_.variables[i].value = std::move(value);
      return true;
    }
    run_.variables.push_back({step.a, std::move(value)});
    return true;
  }

  bool begin_loop(const Step& step) {
    const std::uint32_t at = program_.nodes[step.c].at;
    LoopState loop;
    if (!run_.need(step.c, loop.items)) return false;
    if (loop.items->is_object() && !keys(at, loop.items)) return false;
    if (!loop.items->is_array()) return run_.wrong(at, "a loop", "a list or a dict", *loop.items);
    loop.count = loop.items->size();
    if (loop.count == 0) {
      at_ = step.target;
      return true;
    }
    loop.variables = run_.variables.size();
    run_.loops.push_back(std::move(loop));
    return bind(step);
  }

  bool keys(std::uint32_t at, Value& items) {
    if (!run_.charge_items(at, items->size())) return false;
    Json keys = Json::array();
    for (auto member = items->begin(); member != items->end(); ++member)
      keys.push_back(member.key());
    items.set(std::move(keys));
    return true;
  }

  // The body begins right after its for_begin.
  bool next(const Step& step) {
    LoopState& loop = run_.loops.back();
    run_.variables.resize(loop.variables);
    if (++loop.place == loop.count) {
      run_.loops.pop_back();
      return true;
    }
    at_ = step.target;
    return bind(program_.steps[step.target - 1]);
  }

  bool bind(const Step& begin) {
    const LoopState& loop = run_.loops.back();
    const Json& item = (*loop.items)[loop.place];
    if (begin.b == none) {
      add(begin.a, item);
      return true;
    }
    if (!item.is_array() || item.size() != 2)
      return run_.wrong(program_.nodes[begin.c].at, "a loop over two names", "lists of two", item);
    add(begin.a, item[0]);
    add(begin.b, item[1]);
    return true;
  }

  void add(std::uint32_t name, const Json& value) {
    run_.variables.emplace_back().name = name;
    run_.variables.back().value.borrow(value);
  }

  const Program& program_;
  const Limits& limits_;
  Evaluator run_;
  std::string out_;
  std::size_t at_ = 0;
};

}  // namespace

Result<Template> Template::compile(std::string_view text) {
  if (text.size() > source_bytes_max)
    return make_error("bad_template", {"the template has more than ", source_bytes_max, " bytes"},
                      {}, {}, {});
  auto program = std::make_shared<Program>();
  program->source = text;
  TemplateParser parser(*program);
  if (!parser.read()) return parser.take_error();
  ExpressionParser::settle_reads(*program);
  return Template(std::move(program));
}

Result<std::string> Template::render(const Json& scope, const Limits& limits) const {
  Renderer renderer(*program_, scope, limits);
  return renderer.finish(renderer.render());
}

Result<std::string> Template::render(Lookup& names, const Limits& limits,
                                     std::uint64_t& work) const {
  Renderer renderer(*program_, names, limits);
  auto out = renderer.finish(renderer.render());
  work += renderer.work();
  return out;
}

std::vector<std::string> Template::names() const {
  return program_->free_names();
}

const std::vector<Read>& Template::reads() const {
  return program_->reads;
}

std::uint64_t Template::bytes() const {
  return program_->bytes();
}

bool Template::constant() const {
  for (const Step& step : program_->steps) {
    if (step.action != Action::text) return false;
  }
  return true;
}

}  // namespace redoubt::prompt
