// One address of a target, with everything the rules ask about it. Refers to what it was made from.
#pragma once

#include <initializer_list>
#include <optional>

#include "diagnose/rejection.h"
#include "model/diagnosis.h"
#include "model/probe_result.h"
#include "model/target.h"

namespace diagnose {

// Linux limits ICMP errors to a peer to about one a second, and refills slowly; a rule that
// rejected minutes ago is still the best explanation of silence now. Longer ago it may have been
// replaced.
inline constexpr base::Duration kRejectionMemory = std::chrono::minutes(10);
// connect() reports its own machine's refusals before it returns; a neighbour takes 3 s to fail.
inline constexpr base::Duration kLocalErrorLimit = std::chrono::seconds(1);
// libwrap sleeps 5 s before it closes. The margins cover timer slack, and half a second of network.
inline constexpr base::Duration kWrapperEarliest = std::chrono::milliseconds(4900);
inline constexpr base::Duration kWrapperLatest = std::chrono::milliseconds(5600);
// A router that has no route says so within a round trip; one that asks its last hop for the host's
// link address gives up after 1 to 3 s (RFC 4861 10: 3 times 1 s; Linux does the same for ARP).
inline constexpr base::Duration kRoundTripLimit = std::chrono::milliseconds(500);
// RFC 6298 2.1: a SYN is sent again after one second.
inline constexpr base::Duration kFirstRetransmission = std::chrono::seconds(1);

struct Case {
  Case(const model::Target& target, const model::ProbeResult& probe,
       const model::AddressResult& address);

  const model::Target& target;
  const model::ProbeResult& probe;
  const model::AddressResult& address;
  const model::Observation& seen;
  // The ICMP error to judge: this connection's or, after silence, a recent one; null if none.
  const model::IcmpError* icmp = nullptr;
  bool icmp_is_remembered = false;

  [[nodiscard]] bool reached() const;
  [[nodiscard]] bool at(model::Stage stage, std::initializer_list<model::Outcome> outcomes) const;
  // Whether a probe can end like this at all.
  [[nodiscard]] bool possible_ending() const;
  // An ICMP outcome without its message, or with the message of the other address family.
  [[nodiscard]] bool icmp_contradicts() const;

  [[nodiscard]] bool local_error(std::initializer_list<int> errors) const;
  [[nodiscard]] bool late() const { return seen.waited >= kLocalErrorLimit; }
  [[nodiscard]] bool bogus_address() const;
  [[nodiscard]] bool rejected(std::initializer_list<Rejection> kinds,
                              model::ResponderRole role) const;
  [[nodiscard]] model::ResponderRole sender_role() const;  // unknown without an ICMP error
  // The ICMP error came within a round trip; false if it is not known when.
  [[nodiscard]] bool rejected_at_once() const;
  [[nodiscard]] bool refused_by_reset() const;
  [[nodiscard]] bool silent() const;
  // Another port of the same address answered.
  [[nodiscard]] bool host_answers() const;
  [[nodiscard]] std::optional<std::uint16_t> ssh_elsewhere() const;
  // Another address of the name was reached, of this or of the other family.
  [[nodiscard]] const model::AddressResult* reached_same_family() const;
  [[nodiscard]] const model::AddressResult* reached_other_family() const;

  [[nodiscard]] bool without_a_byte() const;
  [[nodiscard]] bool says_max_startups() const;
  // Something that began like an identification but was none.
  [[nodiscard]] bool began_identification() const;
};

bool reached(const model::AddressResult& address);
// Loopback, unspecified, or the range for benchmarks (RFC 2544) that proxies hand out as fake ones.
bool cannot_be_a_remote_host(const base::IpAddress& address);

}  // namespace diagnose
