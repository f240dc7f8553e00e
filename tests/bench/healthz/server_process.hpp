// A server as a child process of the benchmark: started, watched through /proc, ended.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace redoubt::bench {

class ServerProcess {
 public:
  /// Runs `command` (looked up on the PATH) on one processor.
  ServerProcess(std::string name, std::vector<std::string> command, std::uint16_t port);
  /// Runs `serve` in a forked child on one processor.
  ServerProcess(std::string name, const std::function<void()>& serve, std::uint16_t port);
  ~ServerProcess();
  ServerProcess(ServerProcess&& other) noexcept;
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& name() const { return name_; }
  std::uint16_t port() const { return port_; }
  /// Waits until the port answers; false after some seconds or when the process ended.
  bool wait_ready() const;
  /// User and system time of the process so far, in seconds.
  double cpu_seconds() const;
  /// Resident memory in bytes.
  std::size_t resident_bytes() const;

 private:
  std::string name_;
  std::uint16_t port_;
  pid_t pid_ = -1;
};

/// A port that was free a moment ago.
std::uint16_t free_port();
/// A blocking connection on the loopback, or -1.
int connect_loopback(std::uint16_t port);
/// The processors that this process may use.
int processors();
/// Restricts this process to one processor, where there are at least two.
void pin(int processor);

}  // namespace redoubt::bench
