// Builds what a probe saw, a word for each fact:
// Probe("host").saw(Address("192.0.2.10").refused()).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ip.h"
#include "model/probe_result.h"
#include "model/target.h"

namespace evidence {

// The address of the imagined prober, by family; other addresses are the test's choice.
inline constexpr std::string_view kProberV4 = "198.51.100.5";
inline constexpr std::string_view kProberV6 = "2001:db8:5::5";

base::IpAddress ip(std::string_view text);  // asserts that it is one
model::IcmpError icmp(std::uint8_t type, std::uint8_t code, std::string_view offender);

class Address {
 public:
  explicit Address(std::string_view text);

  Address& reached();
  Address& refused(base::Duration after = std::chrono::milliseconds(1));
  // `offender` decides whether the types and codes are those of ICMP or of ICMPv6.
  Address& rejected(std::uint8_t type, std::uint8_t code, std::string_view offender,
                    base::Duration after = std::chrono::milliseconds(2));
  Address& silent(base::Duration waited = std::chrono::seconds(9));
  Address& local_error(int error, base::Duration after = std::chrono::microseconds(20));
  // Accepted, and then an end at this stage.
  Address& ended(model::Stage stage, model::Outcome outcome,
                 base::Duration waited = std::chrono::milliseconds(3));
  Address& said(std::string line);
  Address& unfinished(std::string text);
  Address& bytes(std::uint64_t count);
  Address& identified(std::string software);
  Address& other_protocol(std::string name);
  Address& mismatch(std::string kind, std::string offered);

  Address& control(std::uint16_t port, model::CheckOutcome outcome);
  Address& control_rejected(std::uint16_t port, const model::IcmpError& error);
  Address& alternative(std::uint16_t port, model::CheckOutcome outcome, bool ssh = false);
  Address& earlier(const model::IcmpError& error, base::Duration age,
                   std::optional<base::Duration> waited = std::nullopt);

  [[nodiscard]] const model::AddressResult& result() const { return result_; }
  model::AddressResult& result() { return result_; }

 private:
  model::AddressResult result_;
};

class Probe {
 public:
  // A host that is an address literal makes a probe without resolution.
  explicit Probe(std::string host = "bastion.example.net", std::uint16_t port = 22);

  Probe& saw(const Address& address);
  Probe& skipped(std::string_view address, model::SkipReason reason);
  Probe& local_name();
  Probe& resolve_failure(model::Outcome outcome, std::string detail);
  Probe& settings(model::ProbeSettings settings);

  [[nodiscard]] const model::Target& target() const { return target_; }
  [[nodiscard]] const model::ProbeResult& result() const { return result_; }
  model::ProbeResult& result() { return result_; }

 private:
  model::Target target_;
  model::ProbeResult result_;
};

}  // namespace evidence
