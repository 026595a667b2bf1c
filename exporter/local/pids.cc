#include "local/pids.h"

#include <algorithm>

#include "base/text.h"

namespace local {

namespace {

constexpr std::size_t kNameLimit = 15;  // TASK_COMM_LEN without its end

}  // namespace

Pids pids(const Host& host) {
  Pids result;
  for (const auto& name : host.list("/proc")) {
    if (const auto pid = base::parse_integer<pid_t>(name); pid && *pid > 0) {
      result.all.push_back(*pid);
    }
  }
  std::sort(result.all.begin(), result.all.end());
  result.hidden = result.all.empty() || result.all.front() != 1;
  return result;
}

std::string process_name(const Host& host, pid_t pid) {
  // One byte more than a name and its line end, so that one read sees the end.
  auto text = host.read("/proc/" + std::to_string(pid) + "/comm", kNameLimit + 2).text;
  if (text.ends_with('\n')) text.pop_back();
  return base::printable(text, kNameLimit);
}

}  // namespace local
