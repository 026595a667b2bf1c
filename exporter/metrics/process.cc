#include "metrics/process.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "base/text.h"

namespace metrics {

namespace {

std::optional<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The rest of the first line that starts with `key`.
std::optional<std::string> find_line(const std::filesystem::path& path, std::string_view key) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(key)) return line.substr(key.size());
  }
  return std::nullopt;
}

std::optional<std::uint64_t> first_number(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  std::istringstream words(*text);
  std::string word;
  words >> word;
  return base::parse_integer<std::uint64_t>(word);
}

// Since Linux 6.2 the directory's size is the number of descriptors; before, it has to be read.
std::optional<std::uint64_t> count_descriptors(const std::filesystem::path& directory) {
  struct stat status {};
  if (stat(directory.c_str(), &status) != 0) return std::nullopt;
  if (status.st_size > 0 && directory.string().starts_with("/proc/")) {
    return static_cast<std::uint64_t>(status.st_size);
  }
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    ++count;
  }
  if (error) return std::nullopt;
  return count;
}

// proc(5): the numbers of /proc/[pid]/stat after the command's name, which may hold anything; the
// first one here is field 4.
std::vector<std::uint64_t> stat_numbers(const std::filesystem::path& path) {
  constexpr std::size_t kAfterState = 4;  // ") S "
  std::vector<std::uint64_t> numbers;
  auto text = read_file(path);
  if (!text) return numbers;
  auto name_end = text->rfind(')');
  if (name_end == std::string::npos || name_end + kAfterState > text->size()) return numbers;
  std::istringstream words(text->substr(name_end + kAfterState));
  std::string word;
  while (words >> word) {
    // Negative numbers (tty_nr, priority) are not asked for.
    numbers.push_back(base::parse_integer<std::uint64_t>(word).value_or(0));
  }
  return numbers;
}

}  // namespace

std::optional<double> read_boot_time(const std::filesystem::path& proc) {
  auto seconds = first_number(find_line(proc / "stat", "btime "));
  if (!seconds) return std::nullopt;
  return static_cast<double>(*seconds);
}

ProcessFacts read_process(const std::filesystem::path& proc, std::optional<double> boot_time) {
  ProcessFacts facts;
  const auto self = proc / "self";
  facts.open_fds = count_descriptors(self / "fd");
  facts.max_fds = first_number(find_line(self / "limits", "Max open files"));
  const auto numbers = stat_numbers(self / "stat");
  constexpr std::size_t kFirstField = 4;
  auto field = [&](std::size_t number) -> std::optional<std::uint64_t> {
    if (number - kFirstField >= numbers.size()) return std::nullopt;
    return numbers[number - kFirstField];
  };
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  if (auto user = field(14), system = field(15); user && system) {
    facts.cpu_seconds = static_cast<double>(*user + *system) / ticks_per_second;
  }
  facts.threads = field(20);
  if (auto started = field(22); started && boot_time) {
    facts.start_time_seconds = *boot_time + static_cast<double>(*started) / ticks_per_second;
  }
  facts.virtual_memory_bytes = field(23);
  if (auto pages = field(24)) {
    facts.resident_memory_bytes = *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }
  return facts;
}

}  // namespace metrics
