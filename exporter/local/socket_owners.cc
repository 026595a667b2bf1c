#include "local/socket_owners.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "local/pids.h"

namespace local {

namespace {

// A link takes 1 to 2 µs: this many take about half of the collector's deadline.
constexpr std::size_t kLinkLimit = 500'000;
// A socket may be between two processes while we look, so look once more soon; but one of another
// pid namespace, or the kernel's own, never gets an owner and must not cost a scan each round.
constexpr base::Duration kFirstRetry = std::chrono::seconds(1);
constexpr base::Duration kRareRetry = std::chrono::minutes(10);

bool denied(int error) {
  // EPERM is what hidepid=1 says.
  return error == EACCES || error == EPERM;
}

std::optional<std::uint64_t> socket_inode(std::string_view link) {
  constexpr std::string_view kPrefix = "socket:[";
  if (!link.starts_with(kPrefix) || !link.ends_with(']')) return std::nullopt;
  link.remove_prefix(kPrefix.size());
  link.remove_suffix(1);
  return base::parse_integer<std::uint64_t>(link);
}

std::string descriptors_of(pid_t pid) { return "/proc/" + std::to_string(pid) + "/fd"; }

}  // namespace

struct SocketOwners::Scan {
  Holders& wanted;
  std::size_t missing = 0;
  std::size_t links = 0;
  Doubt doubt = Doubt::none;
};

bool SocketOwners::holds(const Holder& holder, std::uint64_t inode) const {
  return socket_inode(host_.link(descriptors_of(holder.pid) + "/" + holder.descriptor)) == inode;
}

void SocketOwners::look_into(pid_t pid, Scan& scan) const {
  auto path = descriptors_of(pid);
  errno = 0;
  const auto descriptors = host_.list(path);
  if (descriptors.empty() && denied(errno)) scan.doubt = Doubt::hidden;
  path += '/';
  const auto length = path.size();
  for (const auto& descriptor : descriptors) {
    if (++scan.links > kLinkLimit) {
      scan.doubt = Doubt::cut;
      return;
    }
    const auto link = host_.link(path.replace(length, std::string::npos, descriptor));
    if (link.empty() && denied(errno)) {
      scan.doubt = Doubt::hidden;
      return;
    }
    const auto inode = socket_inode(link);
    const auto holder = inode ? scan.wanted.find(*inode) : scan.wanted.end();
    if (holder == scan.wanted.end() || holder->second.pid != 0) continue;
    holder->second.pid = pid;
    holder->second.descriptor = descriptor;
    if (--scan.missing == 0) return;
  }
}

// The first that has a socket is its owner: process 1 has the lowest number as well.
void SocketOwners::find(Holders& wanted) const {
  Scan scan{wanted, wanted.size()};
  const auto seen = pids(host_);
  if (seen.hidden) scan.doubt = Doubt::hidden;
  for (auto pid = seen.all.begin(); pid != seen.all.end() && scan.missing > 0; ++pid) {
    look_into(*pid, scan);
    if (scan.doubt == Doubt::cut) break;
  }
  const auto now = clock_.steady();
  for (auto& [inode, holder] : wanted) {
    if (holder.pid != 0) continue;
    holder.doubt = scan.doubt;
    holder.wait = std::clamp(2 * holder.wait, kFirstRetry, kRareRetry);
    holder.retry = now + holder.wait;
  }
}

std::string SocketOwners::assign(std::vector<model::ListenerFacts::Listener>& listeners) {
  Holders current;
  Holders wanted;
  const auto now = clock_.steady();
  for (const auto& listener : listeners) {
    if (listener.inode == 0) continue;
    const auto known = holders_.find(listener.inode);
    if (known == holders_.end()) {
      wanted.try_emplace(listener.inode);
    } else if (known->second.pid != 0) {
      const bool still = holds(known->second, listener.inode);
      (still ? current : wanted).try_emplace(listener.inode, still ? known->second : Holder{});
    } else {
      (now < known->second.retry ? current : wanted).insert(*known);
    }
  }
  if (!wanted.empty()) find(wanted);
  current.merge(wanted);
  holders_ = std::move(current);

  std::unordered_map<pid_t, std::string> names;
  auto doubt = Doubt::none;
  for (auto& listener : listeners) {
    const auto holder = holders_.find(listener.inode);
    if (holder == holders_.end()) continue;
    const auto pid = holder->second.pid;
    if (pid == 0) {
      doubt = std::max(doubt, holder->second.doubt);
      continue;
    }
    auto [name, is_new] = names.try_emplace(pid);
    if (is_new) name->second = process_name(host_, pid);
    if (!name->second.empty()) listener.owner = model::SocketOwner{pid, name->second};
  }
  switch (doubt) {
    case Doubt::none:
      return {};
    case Doubt::hidden:
      return "which programs own some listening sockets is hidden: looking into other users' "
             "processes takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH";
    case Doubt::cut:
      return "which programs own some listening sockets is unknown: all processes together have "
             "more than " +
             std::to_string(kLinkLimit) + " open files";
  }
  return {};
}

}  // namespace local
