#include "tests/bench/gateway/servers.hpp"

#include <cstdlib>
#include <vector>

#include "engine/base/json.hpp"
#include "tests/bench/gateway/load.hpp"

namespace redoubt::bench {

namespace {

constexpr std::size_t long_prompt_bytes = 24 << 10;
constexpr std::size_t paced_text_bytes = 1'600;
constexpr int paced_piece_bytes = 8;
constexpr int paced_every_ms = 5;

// Models whose price is known, one for each way in which the mock behaves.
constexpr const char* plain_model = "gpt-5-mini";
constexpr const char* paced_model = "gpt-5-nano";
constexpr const char* held_model = "gpt-4.1-mini";
constexpr const char* service_secret = "only-for-benchmarks-0123456789abcdef";

/// Prose of so many bytes: words, and a line end now and then.
std::string prose(std::size_t bytes) {
  constexpr std::string_view sentence =
      "The red team holds the northern ridge; two collectors wait for energy near the bridge.\n";
  std::string text;
  while (text.size() < bytes)
    text += sentence;
  text.resize(bytes);
  return text;
}

std::string mock_script() {
  const Json chunk{{"id", "chatcmpl-held"},
                   {"object", "chat.completion.chunk"},
                   {"created", 1},
                   {"model", held_model},
                   {"choices", Json::array({{{"index", 0},
                                             {"delta", {{"role", "assistant"}, {"content", "So"}}},
                                             {"finish_reason", nullptr}}})}};
  const Json head{{"head", 200}, {"headers", {{"content-type", "text/event-stream"}}}};
  const Json send{{"send", "data: " + chunk.dump() + "\n\n"}};
  const Json held{{"when", {{"model", held_model}}},
                  {"do", Json::array({head, send, {{"hold", true}}})}};
  const Json answer{{"text", prose(paced_text_bytes)},
                    {"piece_bytes", paced_piece_bytes},
                    {"every_ms", paced_every_ms}};
  const Json paced{{"when", {{"model", paced_model}}}, {"do", Json::array({{{"answer", answer}}})}};
  return Json{{"rules", Json::array({held, paced})}}.dump();
}

/// Every kind of rule with a figure that no run reaches.
std::string wide_limits(const std::string& whose) {
  return "  " + whose + "_requests_per_minute: 1000000000\n  " + whose +
         "_tokens_per_minute: 1000000000000\n  " + whose + "_concurrent_max: 1000000\n  " + whose +
         "_day_microusd: 4000000000000\n  " + whose + "_month_microusd: 4000000000000\n";
}

std::string body_of(Ask ask) {
  const bool streamed = ask != Ask::small && ask != Ask::long_prompt;
  const char* model = ask == Ask::paced_stream  ? paced_model
                      : ask == Ask::held_stream ? held_model
                                                : plain_model;
  const std::string prompt = ask == Ask::long_prompt ? prose(long_prompt_bytes) : "Where to?";
  Json body{{"model", model},
            {"messages", Json::array({{{"role", "system"}, {"content", "You lead the red team."}},
                                      {{"role", "user"}, {"content", prompt}}})},
            {"max_tokens", 1'000}};
  if (streamed) {
    body["stream"] = true;
    body["stream_options"] = {{"include_usage", true}};
  }
  return body.dump();
}

}  // namespace

ServerProcess start_mock(const ScratchFolder& folder, const Programs& programs) {
  const std::uint16_t port = free_port();
  const std::string script = folder.write("script.json", mock_script());
  return {
      "mock",
      std::vector<std::string>{programs.mock, "--port", std::to_string(port), "--script", script},
      port,
      {.processor = load_processor, .output = folder.at("mock.out")}};
}

ServerProcess start_nginx(const ScratchFolder& folder, std::uint16_t mock_port) {
  const std::uint16_t port = free_port();
  const std::string name = "nginx-" + std::to_string(port);
  const std::string at = folder.at(name);
  std::filesystem::create_directory(at);
  const std::string config = folder.write(
      name + ".conf",
      "daemon off; master_process off; pid " + at + "/pid; error_log " + at +
          "/error.log;\nworker_rlimit_nofile 1048576;\nevents { worker_connections 65536; }\n"
          "http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;\n"
          "client_body_temp_path " +
          at + "/b; proxy_temp_path " + at + "/p; fastcgi_temp_path " + at +
          "/f; uwsgi_temp_path " + at + "/u; scgi_temp_path " + at +
          "/s;\nclient_max_body_size 8m; client_body_buffer_size 64k;\n"
          "upstream mock { server 127.0.0.1:" +
          std::to_string(mock_port) +
          "; keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 600s; }\n"
          "server { listen 127.0.0.1:" +
          std::to_string(port) +
          " backlog=4096; location / { proxy_pass http://mock; proxy_http_version 1.1;\n"
          "proxy_set_header Connection \"\"; proxy_buffering off; proxy_read_timeout 3600s; } } "
          "}\n");
  return {"nginx", std::vector<std::string>{"nginx", "-c", config, "-p", at}, port};
}

ServerProcess start_relay(const ScratchFolder& folder, const Programs& programs,
                          std::uint16_t mock_port) {
  const std::uint16_t port = free_port();
  const std::string name = "relay-" + std::to_string(port);
  const std::string secret = folder.write("service.secret", service_secret);
  std::string text =
      "listeners:\n  - address: 127.0.0.1\n    port: " + std::to_string(port) +
      "\n    anonymous: \"off\"\nadmin:\n  port: 0\nserver:\n  connections_max: 100000\n"
      "  connections_per_address_max: 100000\nlimits:\n  requests_per_minute: 6000000\n"
      "  burst: 1000000\nstore:\n  path: " +
      folder.at(name + ".db") + "\ntokens:\n  service_secret_file: " + secret +
      "\n  lifetime_s: 86400\nproviders:\n  - name: openai\n    base_url: http://127.0.0.1:" +
      std::to_string(mock_port) + "/v1\n    concurrent_max: 1000000\naliases:\n";
  for (const std::string model : {plain_model, paced_model, held_model})
    text += "  - name: " + model + "\n    targets: [openai/" + model + "]\n";
  text +=
      "models:\n  first_token_timeout_s: 3600\n  progress_timeout_s: 3600\n  deadline_s: 3600\n";
  for (const char* whose : {"all", "player", "anonymous"})
    text += wide_limits(whose);
  const std::string config = folder.write(name + ".yaml", text);
  return {"relay",
          std::vector<std::string>{programs.relay, "--config", config},
          port,
          {.output = folder.at(name + ".log")}};
}

ServerProcess start_portkey(const ScratchFolder& folder, const Programs& programs) {
  const std::uint16_t port = free_port();
  // It calls no address of this machine unless it is told to trust it.
  ::setenv("TRUSTED_CUSTOM_HOSTS", "127.0.0.1", 1);
  ::setenv("NODE_ENV", "production", 1);
  return {"portkey",
          std::vector<std::string>{"node", programs.portkey, "--headless",
                                   "--port=" + std::to_string(port)},
          port,
          {.output = folder.at("portkey.out")}};
}

std::string player_token(const ServerProcess& relay) {
  const std::string body = R"({"sub":"player-1","limits":{"requests_per_minute":1000000}})";
  const std::string answer = ask_once(
      relay.port(),
      "POST /api/session HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(relay.port()) +
          "\r\nAuthorization: Bearer " + service_secret + "\r\nContent-Type: application/json\r\n" +
          "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  const auto json = parse_json(answer, {.bytes_max = 64 << 10, .depth_max = 8});
  if (!json || !json->is_object()) return "";
  const auto token = json->find("token");
  return token != json->end() && token->is_string() ? token->get<std::string>() : "";
}

std::string request_bytes(Ask ask, const std::string& token, std::uint16_t mock_port) {
  const std::string body = body_of(ask);
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + token +
         "\r\nContent-Type: application/json\r\nx-portkey-provider: openai\r\n"
         "x-portkey-custom-host: http://127.0.0.1:" +
         std::to_string(mock_port) + "/v1\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

}  // namespace redoubt::bench
