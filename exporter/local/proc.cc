#include "local/proc.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <limits>

#include "base/text.h"

namespace local {

namespace {

std::string_view next_word(std::string_view& text) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  const auto end = std::min(text.find_first_of(" \t", begin), text.size());
  const auto word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

bool is_unit_name(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kSuffixes{".service", ".scope", ".socket",
                                                             ".mount",   ".swap",  ".slice"};
  return std::any_of(kSuffixes.begin(), kSuffixes.end(), [name](std::string_view suffix) {
    return name.size() > suffix.size() && name.ends_with(suffix);
  });
}

std::string unit_of_path(std::string_view path) {
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    auto name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    // systemd puts an underscore before names that the kernel would take for its own.
    if (name.starts_with('_')) name.remove_prefix(1);
    if (!is_unit_name(name)) return "";
    if (!name.ends_with(".slice")) return std::string(name);
  }
  return "";
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  // The name may contain parentheses and spaces: its end is the last one.
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  ProcessStat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  auto rest = text.substr(close + 1);
  const auto state = next_word(rest);
  const auto parent = base::parse_integer<pid_t>(next_word(rest));
  if (state.size() != 1 || !parent) return std::nullopt;
  stat.state = state.front();
  stat.parent = *parent;
  constexpr int kFieldsBetween = 17;  // proc(5): starttime is field 22, ppid is field 4
  for (int i = 0; i < kFieldsBetween; ++i) next_word(rest);
  const auto start = base::parse_integer<std::uint64_t>(next_word(rest));
  if (!start) return std::nullopt;
  stat.start_ticks = *start;
  return stat;
}

bool is_roots(std::string_view status) {
  while (!status.empty()) {
    auto line = base::take_line(status);
    if (!line.starts_with("Uid:")) continue;
    line.remove_prefix(4);
    for (int i = 0; i < 4; ++i) {
      if (next_word(line) != "0") return false;
    }
    return true;
  }
  return false;
}

std::uint64_t parse_open_files_limit(std::string_view limits) {
  constexpr std::string_view kName = "Max open files ";
  while (!limits.empty()) {
    auto line = base::take_line(limits);
    if (!line.starts_with(kName)) continue;
    line.remove_prefix(kName.size());
    const auto soft = next_word(line);
    if (soft == "unlimited") return std::numeric_limits<std::uint64_t>::max();
    return base::parse_integer<std::uint64_t>(soft).value_or(0);
  }
  return 0;
}

std::string unit_of_cgroup(std::string_view cgroup) {
  // Hybrid systems have both; systemd's own hierarchy is then the one that it keeps in order.
  std::string unified;
  while (!cgroup.empty()) {
    const auto line = base::take_line(cgroup);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto rest = line.substr(colon + 1);
    constexpr std::string_view kNamed = "name=systemd:";
    if (rest.starts_with(kNamed)) {
      if (auto unit = unit_of_path(rest.substr(kNamed.size())); !unit.empty()) return unit;
    } else if (line.starts_with("0::")) {
      unified = unit_of_path(rest.substr(1));
    }
  }
  return unified;
}

base::WallTime boot_time(const base::Clock& clock) {
  timespec passed{};
  ::clock_gettime(CLOCK_BOOTTIME, &passed);
  const auto up = std::chrono::seconds(passed.tv_sec) + std::chrono::nanoseconds(passed.tv_nsec);
  return clock.wall() - std::chrono::duration_cast<base::WallTime::duration>(up);
}

std::vector<std::uint64_t> parse_listening_inodes(std::string_view table) {
  std::vector<std::uint64_t> inodes;
  base::take_line(table);  // the heading
  while (table.find('\n') != std::string_view::npos) {
    auto line = base::take_line(table);
    for (int i = 0; i < 3; ++i) next_word(line);  // sl local_address rem_address
    if (next_word(line) != "0A") break;           // TCP_LISTEN
    for (int i = 0; i < 5; ++i) next_word(line);  // queues, timer, retransmits, uid, timeout
    if (const auto inode = base::parse_integer<std::uint64_t>(next_word(line))) {
      inodes.push_back(*inode);
    }
  }
  return inodes;
}

std::vector<std::string> parse_library_directories(std::string_view maps) {
  std::vector<std::string> directories;
  while (!maps.empty()) {
    const auto line = base::take_line(maps);
    const auto slash = line.find('/');
    if (slash == std::string_view::npos) continue;
    const auto path = line.substr(slash);
    const auto end = path.rfind('/');
    if (path.find(".so", end) == std::string_view::npos || end == 0) continue;
    std::string directory(path.substr(0, end));
    if (std::find(directories.begin(), directories.end(), directory) == directories.end()) {
      directories.push_back(std::move(directory));
    }
  }
  return directories;
}

std::string root_of_process(const Host& host, pid_t pid) {
  const auto name = "proc/" + std::to_string(pid) + "/root";
  auto below = (host.root() / name).string();
  return ::access(below.c_str(), F_OK) == 0 || host.root() == "/" ? below : "/" + name;
}

}  // namespace local
