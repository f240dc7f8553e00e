// Who listens on a port of this machine, for the message that it is taken.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>

namespace redoubt::net {

/// "nginx, process 812"; "" where that is not to be known: another user's process, no /proc.
/// Looks through every process's open files: for a start that fails, not for a server at work.
std::string port_holder(std::uint16_t port);

/// Why a port cannot be had: the error's own words, and who has the port where it is taken.
std::string bind_fault_text(std::uint16_t port, const std::error_code& fault);

}  // namespace redoubt::net
