#include "probe/rejection_memory.h"

#include <algorithm>

namespace probe {

void RejectionMemory::remember(const base::IpAddress& address, std::uint16_t port,
                               const model::IcmpError& icmp, base::Duration waited,
                               base::SteadyTime now) {
  if (entries_.size() >= kEntryLimit) {
    std::erase_if(entries_, [now](const auto& row) { return now - row.second.seen > kLifetime; });
  }
  if (entries_.size() >= kEntryLimit) {
    entries_.erase(std::min_element(
        entries_.begin(), entries_.end(),
        [](const auto& a, const auto& b) { return a.second.seen < b.second.seen; }));
  }
  entries_[{address, port}] = {icmp, waited, now, 0};
}

void RejectionMemory::forget(const base::IpAddress& address, std::uint16_t port) {
  if (!entries_.empty()) entries_.erase({address, port});
}

std::optional<model::EarlierRejection> RejectionMemory::explain_silence(
    const base::IpAddress& address, std::uint16_t port, base::SteadyTime now) {
  auto found = entries_.find({address, port});
  if (found == entries_.end()) return std::nullopt;
  auto& entry = found->second;
  if (now - entry.seen > kLifetime || ++entry.silences > kSilenceLimit) {
    entries_.erase(found);
    return std::nullopt;
  }
  return model::EarlierRejection{entry.icmp, now - entry.seen, entry.waited};
}

}  // namespace probe
