// Files that hold secrets: read whole into a Secret, and only where they are kept like one.
#pragma once

#include <string>

#include "engine/base/result.hpp"
#include "relay/auth/secret.hpp"

namespace redoubt::auth {

constexpr std::size_t secret_file_bytes_max = 64 * 1024;

/// Reads a file without white space at its end. Error bad_secret: it cannot be read, is empty or
/// too large, or its mode lets everybody read it or others than its owner write it (what the group
/// may read is allowed: container platforms hand secrets over that way).
Result<Secret> read_secret_file(const std::string& path);

/// Writes a new file with mode 0600. Error bad_secret where there is one already: a key is never
/// overwritten.
Result<void> write_secret_file(const std::string& path, const Secret& secret);

/// What a shell command prints on its standard output (a password manager, a cloud's key service).
/// Error bad_secret where it fails, prints nothing or too much, or takes over command_ms_max.
constexpr int command_ms_max = 30'000;
Result<Secret> read_secret_command(const std::string& command);

}  // namespace redoubt::auth
