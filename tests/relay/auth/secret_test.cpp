#include "relay/auth/secret.hpp"

#include <doctest/doctest.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <type_traits>
#include <vector>

#include "relay/auth/secret_file.hpp"
#include "tests/relay/storage/folder.hpp"

namespace redoubt::auth {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept Comparable = requires(const T& value) {
  value == value;
};

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(!Printable<Secret>);
static_assert(!Comparable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

TEST_CASE("a secret lies in the secure heap, and is moved, not copied") {
  Secret secret(std::string_view("sk-hidden"));
  CHECK(CRYPTO_secure_allocated(secret.bytes().data()) == 1);
  const auto* where = secret.bytes().data();
  Secret moved = std::move(secret);
  CHECK(moved.bytes().data() == where);
  CHECK(moved.text() == "sk-hidden");
  const Secret copy = moved.copy();
  CHECK(copy.text() == "sk-hidden");
  CHECK(copy.bytes().data() != where);
}

TEST_CASE("what is cut off is overwritten") {
  Secret secret(std::string_view("abcdef \r\n"));
  secret.trim_end();
  CHECK(secret.text() == "abcdef");
  const std::uint8_t* data = secret.bytes().data();
  secret.shrink(2);
  CHECK(secret.text() == "ab");
  for (int i = 2; i < 9; ++i)
    CHECK(data[i] == 0);
}

TEST_CASE("more than the secure heap holds is held all the same") {
  constexpr std::size_t large = 20'000;
  std::vector<Secret> many;
  for (int i = 0; i < 8; ++i)
    many.push_back(Secret(std::string(large, static_cast<char>('a' + i))));
  for (int i = 0; i < 8; ++i) {
    const std::string expected(large, static_cast<char>('a' + i));
    CHECK(many[static_cast<std::size_t>(i)].text() == expected);
  }
}

TEST_CASE("a file of a secret is read where it is kept like one") {
  const storage::Folder folder;
  const auto write = [&](const std::string& name, const std::string& text, mode_t mode) {
    const std::string path = folder.file(name);
    std::ofstream(path) << text;
    REQUIRE(chmod(path.c_str(), mode) == 0);
    return path;
  };
  const auto good = read_secret_file(write("good", "hush\n", 0600));
  REQUIRE(good.ok());
  CHECK(good->text() == "hush");
  CHECK(read_secret_file(write("group", "hush", 0440)).ok());

  struct Row {
    const char* name;
    std::string text;
    mode_t mode;
    const char* message;
  };
  const Row rows[] = {{"open", "hush", 0644, "chmod 600"},
                      {"writable", "hush", 0620, "chmod 600"},
                      {"empty", " \n", 0600, "empty"},
                      {"large", std::string(secret_file_bytes_max + 1, 'x'), 0600, "more than"}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto refused = read_secret_file(write(row.name, row.text, row.mode));
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find(row.message) != std::string::npos);
    CHECK(refused.error().message.find("hush") == std::string::npos);
  }
  CHECK_FALSE(read_secret_file(folder.file("missing")).ok());
  CHECK_FALSE(read_secret_file(folder.path()).ok());
}

TEST_CASE("a command's output is a secret, its failure is none") {
  const auto good = read_secret_command("printf 'hush\\n'");
  REQUIRE(good.ok());
  CHECK(good->text() == "hush");
  CHECK(read_secret_command("echo hush; exit 3").error().message.find("status 3") !=
        std::string::npos);
  CHECK(read_secret_command("true").error().message.find("empty") != std::string::npos);
  CHECK(read_secret_command("cat /dev/zero").error().message.find("more than") !=
        std::string::npos);
  CHECK_FALSE(read_secret_command("no-such-program 2>&-").ok());
}

}  // namespace
}  // namespace redoubt::auth
