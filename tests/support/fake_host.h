// A host whose files are a folder of the test's and whose programs answer what the test says.
#pragma once

#include <cerrno>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "local/host.h"

namespace test_support {

class FakeHost : public local::Host {
 public:
  using Program = std::function<local::ProgramEnd(const std::vector<std::string>& argv)>;

  explicit FakeHost(std::filesystem::path root) : Host(std::move(root)) {}

  // Answers for every program; without it none exists.
  void program(Program program) { program_ = std::move(program); }
  // What was run, in order.
  [[nodiscard]] std::vector<std::vector<std::string>> calls() const {
    std::lock_guard lock(mutex_);
    return calls_;
  }

  [[nodiscard]] local::ProgramEnd run(const local::ProgramRun& wanted) const override {
    {
      std::lock_guard lock(mutex_);
      calls_.push_back(wanted.argv);
    }
    if (program_) return program_(wanted.argv);
    local::ProgramEnd missing;
    missing.error = ENOENT;
    return missing;
  }

 private:
  Program program_;
  mutable std::mutex mutex_;
  mutable std::vector<std::vector<std::string>> calls_;
};

}  // namespace test_support
