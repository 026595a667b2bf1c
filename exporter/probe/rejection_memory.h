// The ICMP rejections of the last minutes, by address and port. Kernels limit how many ICMP errors
// they send (Linux: bursts of six, then one per second and peer), so a known rejection may look
// like silence.
#pragma once

#include <chrono>
#include <optional>
#include <unordered_map>

#include "base/clock.h"
#include "base/ip.h"
#include "model/probe_result.h"

namespace probe {

class RejectionMemory {
 public:
  // Long enough for the slowest usual interval; a rule that is gone shows by another answer at
  // once.
  static constexpr base::Duration kLifetime = std::chrono::minutes(10);
  // So many silences in a row are no longer bad luck with a limit that lets one error per second
  // through: each probe sends several SYNs, and others may use up the peer's allowance too.
  static constexpr int kSilenceLimit = 8;
  // An entry takes about 100 bytes; the oldest make room.
  static constexpr std::size_t kEntryLimit = 65536;

  // `waited`: from the SYN to the error.
  void remember(const base::IpAddress& address, std::uint16_t port, const model::IcmpError& icmp,
                base::Duration waited, base::SteadyTime now);
  // The port answered in another way.
  void forget(const base::IpAddress& address, std::uint16_t port);
  // The port was silent just now: the rejection that may explain it, if one is known.
  std::optional<model::EarlierRejection> explain_silence(const base::IpAddress& address,
                                                         std::uint16_t port, base::SteadyTime now);

 private:
  struct Key {
    base::IpAddress address;
    std::uint16_t port = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const {
      return base::IpAddressHash{}(key.address) * 31 + key.port;
    }
  };
  struct Entry {
    model::IcmpError icmp;
    base::Duration waited{0};
    base::SteadyTime seen;
    int silences = 0;  // since then
  };

  std::unordered_map<Key, Entry, KeyHash> entries_;
};

}  // namespace probe
