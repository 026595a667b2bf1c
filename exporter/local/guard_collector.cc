// Which programs run here that ban addresses: fail2ban, CrowdSec, sshguard. A process is known by
// its command line, which anybody can imitate: a hint where to look, no proof of a ban.
#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "local/collector.h"
#include "local/pids.h"

namespace local {

namespace {

// A command line is cut behind its first words; paths have at most 4096 bytes.
constexpr std::size_t kCommandLimit = 3 * 4096;

struct Guard {
  std::string_view program;  // a file's name
  std::string_view name;
};

constexpr std::array<Guard, 6> kGuards{{{"fail2ban-server", "fail2ban"},
                                        {"crowdsec", "crowdsec"},
                                        {"crowdsec-firewall-bouncer", "crowdsec"},
                                        {"cs-firewall-bouncer", "crowdsec"},
                                        {"sshguard", "sshguard"},
                                        {"sshg-blocker", "sshguard"}}};

// A process name is a file name cut to 15 bytes; of a script it is the script's, unless its
// interpreter was called by name.
bool may_be_guard(std::string_view process) {
  constexpr std::size_t kCut = 15;
  return process.starts_with("python") ||
         std::any_of(kGuards.begin(), kGuards.end(),
                     [&](const Guard& guard) { return process == guard.program.substr(0, kCut); });
}

// The guard that a command line of words, each with a NUL at its end, starts: by its program, or by
// the script behind an interpreter and its options. Empty if none.
std::string_view guard_of(std::string_view command) {
  bool first = true;
  while (!command.empty()) {
    const auto word = command.substr(0, command.find('\0'));
    command.remove_prefix(std::min(word.size() + 1, command.size()));
    const auto file = word.substr(word.rfind('/') + 1);
    for (const auto& guard : kGuards) {
      if (file == guard.program) return guard.name;
    }
    if (!first && !word.starts_with('-')) break;
    first = false;
  }
  return {};
}

class GuardCollector : public Collector {
 public:
  explicit GuardCollector(const CollectorContext& context) : host_(context.host) {}

  std::string collect(const model::HostFacts& /*known*/, model::HostFacts& mine) override {
    auto seen = pids(host_);
    if (seen.hidden) {
      return "other users' processes are hidden: /proc is mounted with hidepid, or the unit has "
             "ProtectProc=";
    }
    look(seen.all);
    older_ = std::exchange(newer_, std::move(seen.all));
    std::set<std::string_view> running;
    for (const auto& [pid, guard] : guards_) running.insert(guard);
    auto facts = std::make_shared<model::GuardFacts>();
    facts->running.assign(running.begin(), running.end());
    mine.guards = std::move(facts);
    return {};
  }

 private:
  // A name costs 8 µs to read (measured), so that of an old process is read in turn: a number that
  // got a new process, or a process that got a new program, is noticed some rounds later.
  static constexpr std::size_t kAgainEachRound = 128;

  void look(const std::vector<pid_t>& all) {
    std::map<pid_t, std::string_view> guards;
    auto turn = std::upper_bound(all.begin(), all.end(), last_in_turn_);
    if (turn == all.end()) turn = all.begin();
    const auto left = static_cast<std::size_t>(all.end() - turn);
    const auto end = turn + static_cast<std::ptrdiff_t>(std::min(left, kAgainEachRound));
    for (auto pid = all.begin(); pid != all.end(); ++pid) {
      // Twice at a new one: between fork and exec it has its parent's name.
      const bool known = std::binary_search(older_.begin(), older_.end(), *pid);
      if (known && !guards_.contains(*pid) && (pid < turn || pid >= end)) continue;
      if (const auto guard = guard_in(*pid); !guard.empty()) guards.emplace(*pid, guard);
    }
    last_in_turn_ = end == all.begin() ? 0 : *(end - 1);
    guards_ = std::move(guards);
  }

  [[nodiscard]] std::string_view guard_in(pid_t pid) const {
    if (!may_be_guard(process_name(host_, pid))) return {};
    // One that has ended and only waits for its parent has no command line.
    return guard_of(host_.read("/proc/" + std::to_string(pid) + "/cmdline", kCommandLimit).text);
  }

  const Host& host_;
  std::map<pid_t, std::string_view> guards_;
  std::vector<pid_t> older_;  // those of the round before the last, in order
  std::vector<pid_t> newer_;  // those of the last round
  pid_t last_in_turn_ = 0;
};

}  // namespace

std::unique_ptr<Collector> make_guard_collector(const CollectorContext& context) {
  return std::make_unique<GuardCollector>(context);
}

}  // namespace local
