// What evaluating a workflow's condition and rendering a prompt cost, beside Jinja itself
// (Python's, where `import jinja2` works) on the same texts in the same run.
//
//     redoubt_prompt_bench [rounds]
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "engine/base/json.hpp"
#include "engine/prompt/template.hpp"

using namespace redoubt;

namespace {

constexpr const char* scope_text =
    R"({"state":{"count":2,"phase":"expand"},"limit":3,"team":"red","units":[)"
    R"({"role":"scout","hp":7},{"role":"guard","hp":12},{"role":"miner","hp":9},{"role":"scout","hp":3}]})";
constexpr const char* conditions[] = {
    "state.count < 3",
    "state.count < limit and state.phase in ['expand', 'attack']",
    "units|selectattr('hp', 'lt', 8)|list|length > 1",
};
constexpr const char* prompt_text =
    "You lead {{ team }} in phase {{ state.phase|upper }}.\n"
    "{% for unit in units %}{{ loop.index }}. {{ unit.role }} with {{ unit.hp }} hp"
    "{% if unit.hp < 8 %} (weak){% endif %}\n{% endfor %}"
    "In all {{ units|map(attribute='hp')|sum }} hp; answer in JSON.\n";

template <class Work>
double microseconds(int rounds, const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < rounds; ++i)
    work();
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - begin;
  return spent.count() / rounds;
}

}  // namespace

int main(int count, char** arguments) {
  const int rounds = count > 1 ? std::atoi(arguments[1]) : 200'000;
  const Json scope = *parse_json(scope_text);
  std::printf("%-62s %12s\n", "redoubt::prompt", "us each");
  std::size_t kept = 0;
  for (const char* text : conditions) {
    const auto compiled = prompt::Expression::compile(text);
    const double us = microseconds(rounds, [&] { kept += *compiled->test(scope) ? 1 : 0; });
    std::printf("%-62s %12.3f\n", text, us);
  }
  const auto compiled = prompt::Template::compile(prompt_text);
  const double render = microseconds(rounds / 4, [&] { kept += compiled->render(scope)->size(); });
  std::printf("%-62s %12.3f\n", "render a prompt of 4 units", render);
  const double compile = microseconds(
      rounds / 10, [&] { kept += prompt::Template::compile(prompt_text)->names().size(); });
  std::printf("%-62s %12.3f\n", "compile it", compile);
  if (kept == 0) return 1;
#ifndef __EMSCRIPTEN__
  std::fflush(stdout);
  FILE* peer = popen("python3 -", "w");
  if (peer == nullptr) return 1;
  std::fprintf(peer,
               "try: import jinja2\n"
               "except ImportError: print('the peer, jinja2, is not installed'); raise SystemExit\n"
               "import json, time\n"
               "scope = json.loads('''%s''')\n"
               "env = jinja2.Environment(undefined=jinja2.StrictUndefined)\n"
               "def cost(name, call, rounds=20000):\n"
               "    begin = time.perf_counter()\n"
               "    for _ in range(rounds): call()\n"
               "    print(f'{name:62} {(time.perf_counter() - begin) / rounds * 1e6:12.3f}')\n"
               "print('jinja2 ' + jinja2.__version__)\n",
               scope_text);
  for (const char* text : conditions)
    std::fprintf(peer, "e = env.compile_expression(\"%s\"); cost(\"%s\", lambda: e(scope))\n", text,
                 text);
  std::fprintf(peer, "t = '''%s'''\nc = env.from_string(t)\n", prompt_text);
  std::fprintf(peer,
               "cost('render a prompt of 4 units', lambda: c.render(scope))\n"
               "cost('compile it', lambda: env.from_string(t), 200)\n");
  return pclose(peer) == 0 ? 0 : 1;
#endif
}
