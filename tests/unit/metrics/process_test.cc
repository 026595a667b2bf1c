#include "metrics/process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/fd.h"

namespace metrics {
namespace {

// A procfs of our own making, removed with the object.
class FakeProc {
 public:
  FakeProc() {
    std::string path = "/tmp/process_test.XXXXXX";
    root_ = mkdtemp(path.data());
    std::filesystem::create_directories(root_ / "self/fd");
  }
  ~FakeProc() { std::filesystem::remove_all(root_); }
  FakeProc(const FakeProc&) = delete;
  FakeProc& operator=(const FakeProc&) = delete;

  void write(const std::string& path, const std::string& text) const {
    std::ofstream(root_ / path) << text;
  }
  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_;
};

TEST(Process, ReadsTheKernelsWords) {
  const FakeProc proc;
  proc.write("stat", "cpu  1 2 3\nintr 5 6\nbtime 1700000000\nprocesses 9\n");
  // The name may hold parentheses and spaces.
  proc.write("self/stat",
             "42 (a) b (c) S 1 42 42 -1 -1 4194304 100 0 0 0 250 50 0 0 20 0 37 0 12345 1000000 "
             "256 18446744073709551615 1 1\n");
  proc.write("self/limits",
             "Limit                     Soft Limit           Hard Limit           Units     \n"
             "Max open files            1024                 4096                 files     \n");
  for (const char* fd : {"0", "1", "2"}) proc.write("self/fd/" + std::string(fd), "");
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));

  const auto facts = read_process(proc.root(), read_boot_time(proc.root()));
  EXPECT_DOUBLE_EQ(facts.cpu_seconds.value(), 300 / ticks);
  EXPECT_EQ(facts.threads, 37U);
  EXPECT_DOUBLE_EQ(facts.start_time_seconds.value(), 1.7e9 + 12345 / ticks);
  EXPECT_EQ(facts.virtual_memory_bytes, 1'000'000U);
  EXPECT_EQ(facts.resident_memory_bytes, 256U * static_cast<unsigned>(sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(facts.open_fds, 3U);
  EXPECT_EQ(facts.max_fds, 1024U);
}

TEST(Process, WhatIsMissingIsAbsent) {
  const FakeProc proc;
  proc.write("self/stat", "42 (cut off");
  proc.write("self/limits", "Max open files            unlimited            unlimited\n");
  const auto facts = read_process(proc.root(), read_boot_time(proc.root()));
  EXPECT_FALSE(facts.cpu_seconds);
  EXPECT_FALSE(facts.start_time_seconds);
  EXPECT_FALSE(facts.max_fds);
  EXPECT_FALSE(read_process("/nowhere", 0).open_fds);
}

TEST(Process, CountsThisProcesssDescriptors) {
  const auto before = read_process("/proc", read_boot_time("/proc"));
  const base::Fd one(dup(0));
  const base::Fd two(dup(0));
  const auto after = read_process("/proc", read_boot_time("/proc"));
  EXPECT_EQ(*after.open_fds, *before.open_fds + 2);
  EXPECT_GT(*after.resident_memory_bytes, 1'000'000U);
  EXPECT_GT(*after.start_time_seconds, 1.6e9);
}

}  // namespace
}  // namespace metrics
