// redoubt-mock-upstream: see README.md.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>

#include "tools/mock-upstream/server.hpp"

namespace {

std::optional<std::string> read_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

int refuse(const std::string& what) {
  std::fprintf(stderr, "redoubt-mock-upstream: %s\n", what.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A stand-in for model providers, for tests and load on the loopback.");
  redoubt::mock::Options options;
  std::string script;
  std::vector<std::string> recordings;
  app.add_option("--port", options.port, "0 takes a free one and prints it")->capture_default_str();
  app.add_option("--script", script, "what to do with which call (JSON)");
  app.add_option("--recordings", recordings, "recorded exchanges (JSON lines)");
  app.add_option("--certificate", options.certificate_file, "serve TLS with this PEM file");
  app.add_option("--key", options.key_file, "the certificate's key");
  app.footer(
      "Examples:\n"
      "  redoubt-mock-upstream --port 9100\n"
      "  OPENAI_API_KEY=any OPENAI_BASE_URL=http://127.0.0.1:9100/v1 redoubt-relay");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    return refuse(std::string(error.what()) + "\nRun with --help for more information.");
  }
  if (!script.empty()) {
    const auto text = read_file(script);
    if (!text) return refuse("cannot read " + script);
    auto read = redoubt::mock::read_script(*text);
    if (!read) return refuse(script + ": " + read.error().message);
    options.script = std::move(*read);
  }
  for (const std::string& name : recordings) {
    const auto text = read_file(name);
    if (!text) return refuse("cannot read " + name);
    auto read = redoubt::mock::read_recordings(*text);
    if (!read) return refuse(name + ": " + read.error().message);
    options.recordings.insert(options.recordings.end(), read->begin(), read->end());
  }
  if (const auto served = redoubt::mock::serve(std::move(options)); !served)
    return refuse(served.error().message);
  return 0;
}
