// What the kernel says about this process, for the usual process_* metrics.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace metrics {

// What could not be read is absent.
struct ProcessFacts {
  std::optional<double> cpu_seconds;
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;
  std::optional<std::uint64_t> virtual_memory_bytes;
  std::optional<std::uint64_t> resident_memory_bytes;
  std::optional<std::uint64_t> threads;
  std::optional<double> start_time_seconds;  // Unix time
};

// The Unix time at which the kernel started. Reading it costs milliseconds on machines with many
// processors (all of /proc/stat), and it does not change.
std::optional<double> read_boot_time(const std::filesystem::path& proc);
// `proc` is where procfs is mounted; the process is the calling one.
ProcessFacts read_process(const std::filesystem::path& proc, std::optional<double> boot_time);

}  // namespace metrics
