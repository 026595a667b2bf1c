// Tests that change what a process cannot change back: its namespaces, its user.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace test_support {

// Runs `body` in a forked child and waits for it. Its failed expectations are printed there; true
// if there were none and it ended by itself.
bool succeeds_in_child(const std::function<void()>& body);

// A new network namespace for the calling process, its loopback interface up; false without the
// right to make one.
bool enter_network_namespace();
bool may_enter_network_namespace();

// Becomes nobody, for good, as if systemd had started it so; false without the right.
bool become_nobody();

// Open descriptors of this process.
std::size_t open_descriptors();

// Ends and reaps its process when it goes out of scope.
class Process {
 public:
  // Forks; `body` runs in the child, which then waits to be ended.
  explicit Process(const std::function<void()>& body);
  // Starts a program, found by its path.
  explicit Process(std::vector<std::string> arguments);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }
  void end();

 private:
  pid_t pid_ = 0;
};

}  // namespace test_support
