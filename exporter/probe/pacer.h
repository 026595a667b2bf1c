// No more than one connection per second to one address, whoever asks: sshd since 9.8 charges one
// second per connection without authentication and turns away who comes faster
// (PerSourcePenalties).
#pragma once

#include <chrono>
#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "base/ip.h"

namespace probe {

class Pacer {
 public:
  static constexpr base::Duration kGap = std::chrono::seconds(1);

  // The earliest time from `now` at which a connection to `address` may start; it is taken.
  // nullopt, and nothing is taken, if that would be after `latest`.
  std::optional<base::SteadyTime> reserve(const base::IpAddress& address, base::SteadyTime now,
                                          base::SteadyTime latest);

 private:
  void forget_old(base::SteadyTime now);

  std::unordered_map<base::IpAddress, base::SteadyTime, base::IpAddressHash> free_from_;
  std::size_t forget_at_ = 1024;  // size at which past entries are dropped
};

}  // namespace probe
