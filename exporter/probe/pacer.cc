#include "probe/pacer.h"

#include <algorithm>

namespace probe {

std::optional<base::SteadyTime> Pacer::reserve(const base::IpAddress& address, base::SteadyTime now,
                                               base::SteadyTime latest) {
  if (free_from_.size() >= forget_at_) forget_old(now);
  auto [entry, added] = free_from_.try_emplace(address, now);
  auto start = std::max(now, entry->second);
  if (start > latest) return std::nullopt;
  entry->second = start + kGap;
  return start;
}

void Pacer::forget_old(base::SteadyTime now) {
  std::erase_if(free_from_, [now](const auto& entry) { return entry.second <= now; });
  forget_at_ = std::max<std::size_t>(1024, free_from_.size() * 2);
}

}  // namespace probe
