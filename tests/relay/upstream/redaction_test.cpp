#include "relay/upstream/redaction.hpp"

#include <doctest/doctest.h>

#include <string>

#include "relay/auth/base64.hpp"
#include "relay/auth/crypto.hpp"

using namespace redoubt;
using namespace redoubt::upstream;

namespace {
const std::string key = "sk-proj-Qz7xK2m9_vB4tLw8RfYc1HdJ6nPs3Ga5";
const std::string other = "AIzaSyD3k8f2m1x9c7v5b4n6q0w2e4r6t8y1u";
const SecretTexts keys{key, other};

std::string backwards(std::string_view text) {
  return {text.rbegin(), text.rend()};
}
std::string hex(std::string_view text) {
  return auth::to_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}
std::string each(std::string_view text, std::string_view before, std::string_view after = "") {
  std::string out;
  for (const char c : text)
    out.append(before).append(hex({&c, 1})).append(after);
  return out;
}
std::string case_turned(std::string text) {
  for (char& c : text)
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) c = static_cast<char>(c ^ 0x20);
  return text;
}
}  // namespace

TEST_SUITE("redaction") {
  TEST_CASE("a key is found however it is written") {
    const std::string texts[] = {
        "Incorrect key: " + key + ". See the console",
        "Bearer " + other,
        "it begins " + key.substr(8, 8),
        "and ends " + key.substr(key.size() - 8),
        case_turned(key),
        backwards(key),
        hex(key),
        each(key, "%"),
        "sk%2Dproj%2D" + key.substr(8),
        each(key, "\\u00"),
        each(key, "&#x", ";"),
        each(each(key, "%"), "%"),
        auth::to_base64url("Bearer " + key),
        auth::to_base64url("x" + key),
        auth::to_base64url("xy" + key + "z"),
        key.substr(8, 5) + " \xE2\x80\x8B- " + key.substr(13, 9),
        "first " + key.substr(8, 6) + ", then " + key.substr(14, 6) + ", and so on",
        key.substr(20, 4) + " or " + key.substr(26, 4) + " or " + key.substr(32, 4),
    };
    for (const std::string& text : texts) {
      CAPTURE(text);
      CHECK(shows_secret(text, keys));
    }
  }

  TEST_CASE("a text without one stays as it is") {
    for (const std::string text :
         {"", "messages.0.content: Field required", "The model `gpt-5-mini` does not take top_k.",
          "sk-", "Q7 z9 xK", "AIza", "This model's maximum context length is 128000 tokens."}) {
      CAPTURE(text);
      CHECK_FALSE(shows_secret(text, keys));
      CHECK(redacted(text, keys) == text);
    }
    CHECK_FALSE(shows_secret(key, {}));
  }

  TEST_CASE("the log has the rest of the text") {
    CHECK(redacted("key " + key + " is not good; " + other + "!", keys) ==
          "key [redacted] is not good; [redacted]!");
    CHECK(redacted("it begins " + key.substr(8, 8) + " they say", keys) ==
          "it begins [redacted] they say");
    CHECK(redacted(key + key, keys) == "[redacted]");
    CHECK(redacted("at " + each(key, "%") + ".", keys) == "at [redacted].");
  }

  TEST_CASE("the end of a key that a provider masked") {
    const auto tail = [](std::size_t size) { return key.substr(key.size() - size); };
    for (const std::string mask : {"...", "***", "*************", "\xE2\x80\xA6", "\xE2\x80\xA2"}) {
      for (std::size_t size = masked_tail_bytes_min; size <= masked_tail_bytes_max; ++size) {
        CAPTURE(mask);
        CAPTURE(size);
        CHECK(redacted("key " + key.substr(0, 12) + mask + tail(size) + ".", keys) ==
              "key [redacted].");
        CHECK(redacted("key sk-" + mask + tail(size), keys) == "key sk-[redacted]");
        CHECK(shows_secret("sk-" + mask + tail(size) + " is wrong", keys));
      }
    }
    // A word of its own, at the key's end, behind a mask.
    for (const std::string& text :
         {"wait..." + tail(1), "..." + tail(4) + "x", "..." + key.substr(20, 4), ".." + tail(4),
          "..." + tail(3).substr(0, 2), tail(4) + "...", std::string("..."), "a " + tail(4)})
      CHECK(redacted(text, keys) == text);
  }

  TEST_CASE("a short key counts as a word") {
    const SecretTexts none{"none"};
    CHECK(shows_secret("the key none is wrong", none));
    CHECK_FALSE(shows_secret("nonetheless", none));
    CHECK(redacted("none, or nonesuch", none) == "[redacted], or nonesuch");
  }
}
