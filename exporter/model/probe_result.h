// What one probe saw, before anybody concludes anything. Refused is a result here, not an error.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"

namespace model {

// Where a probe stopped. All but `done` are also the phases whose durations are published.
enum class Stage : std::uint8_t { resolve, connect, banner, kexinit, done };
inline constexpr std::size_t kPhaseCount = 4;

enum class Outcome : std::uint8_t {
  dns_not_found,
  dns_failed,
  refused_rst,
  rejected_icmp,
  timeout,
  local_error,
  closed,
  reset,
  turned_away,
  not_ssh,
  unsupported_version,
  malformed,
  no_common_algorithm,
  ok,
};

const char* name_of(Stage stage);
const char* name_of(Outcome outcome);

// An ICMP or ICMPv6 error from the socket's error queue.
struct IcmpError {
  base::IpFamily family = base::IpFamily::ipv4;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  base::IpAddress offender;  // source address of the error message
  bool operator==(const IcmpError&) const = default;
};
// "icmp_3_13", "icmp6_1_1": the value of the `signal` label.
std::string signal_name(const IcmpError& error);
// "administratively prohibited (3/13)": in the words of the RFCs 792, 1812 and 4443.
std::string describe(const IcmpError& error);

// Durations by phase; absent if the phase was not completed.
class PhaseTimes {
 public:
  void set(Stage phase, base::Duration duration) { at(phase) = duration; }
  [[nodiscard]] std::optional<base::Duration> get(Stage phase) const {
    auto duration = times_.at(static_cast<std::size_t>(phase));
    if (duration < base::Duration::zero()) return std::nullopt;
    return duration;
  }

 private:
  base::Duration& at(Stage phase) { return times_.at(static_cast<std::size_t>(phase)); }
  static constexpr base::Duration kAbsent{-1};
  std::array<base::Duration, kPhaseCount> times_{kAbsent, kAbsent, kAbsent, kAbsent};
};

// What the server said about itself; printable, at most 64 bytes each.
struct ServerInfo {
  std::string protocol;  // "2.0"
  std::string software;  // "OpenSSH_9.2p1"
  std::string comments;  // "Debian-2+deb12u7"
};

// The first kind of algorithm that the client profile and the server's KEXINIT do not share.
struct AlgorithmMismatch {
  std::string kind;     // "key exchange", "host key", "cipher client to server", …
  std::string offered;  // the server's list, printable, bounded
};

// One connection to one address and how far it got.
struct Observation {
  Stage stage = Stage::connect;
  Outcome outcome = Outcome::timeout;
  int error = 0;                                 // errno of what ended it, else 0
  std::optional<IcmpError> icmp;                 // with rejected_icmp, and some local_error
  std::optional<base::IpAddress> local_address;  // source address that the kernel used
  PhaseTimes phases;                             // connect and later; resolve is the probe's
  base::Duration waited{0};                      // in the last stage, until the end or the deadline
  std::optional<ServerInfo> server;              // after a valid identification line
  std::vector<std::string> text;                 // other lines, printable, bounded
  std::string unfinished;                        // a last line without end, printable, bounded
  std::uint64_t bytes_received = 0;
  std::string other_protocol;                 // with not_ssh, if recognised: "HTTP", "TLS", …
  std::optional<AlgorithmMismatch> mismatch;  // with no_common_algorithm
  std::string detail;                         // with malformed: what was wrong, in words
};

// A short look at another port of an address after a refusal or silence.
enum class CheckRole : std::uint8_t { control, alternative };
enum class CheckOutcome : std::uint8_t {
  accepted,
  refused_rst,
  rejected_icmp,
  timeout,
  local_error,
  skipped,  // no time left before the deadline
};
const char* name_of(CheckRole role);
const char* name_of(CheckOutcome outcome);

struct PortCheck {
  CheckRole role = CheckRole::control;
  std::uint16_t port = 0;
  CheckOutcome outcome = CheckOutcome::skipped;
  bool ssh = false;               // an SSH identification line was read
  std::optional<IcmpError> icmp;  // with rejected_icmp
};

// An ICMP rejection of the same address and port by an earlier probe: kernels limit the rate of
// ICMP errors (Linux: about one per second), so silence soon after one does not take it back.
struct EarlierRejection {
  IcmpError icmp;
  base::Duration age{0};
  std::optional<base::Duration> waited;  // from that probe's SYN to the error, if still known
};

struct AddressResult {
  base::IpAddress address;
  Observation seen;
  std::vector<PortCheck> checks;
  std::optional<EarlierRejection> earlier_rejection;
};

enum class SkipReason : std::uint8_t { no_route, over_limit };

struct SkippedAddress {
  base::IpAddress address;
  SkipReason reason = SkipReason::no_route;
};

struct ProbeResult {
  base::WallTime started;
  base::WallTime completed;
  base::Duration duration{0};
  bool name_is_address = false;  // the host is an address literal
  bool name_is_local = false;    // localhost or this machine's own name
  // If the name gave no address: dns_not_found or dns_failed, and the resolver's words.
  std::optional<Outcome> resolve_failure;
  std::string resolve_detail;
  std::optional<base::Duration> resolve_time;  // absent for address literals
  std::vector<AddressResult> addresses;        // in the resolver's order
  std::vector<SkippedAddress> skipped;
};

}  // namespace model
