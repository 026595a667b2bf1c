#include "diagnose/case.h"

#include <algorithm>

namespace diagnose {

namespace {

using model::AddressResult;
using model::CheckOutcome;
using model::Outcome;
using model::PortCheck;
using model::ResponderRole;
using model::Stage;

template <typename T>
bool one_of(T value, std::initializer_list<T> list) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool same_wire(const model::IcmpError& error, const base::IpAddress& address) {
  return error.family == unmapped(address).family();
}

bool answered(const PortCheck& check, const base::IpAddress& address) {
  switch (check.outcome) {
    case CheckOutcome::accepted:
    case CheckOutcome::refused_rst:
      return true;
    case CheckOutcome::rejected_icmp:
      return check.icmp && same_address(check.icmp->offender, address);
    case CheckOutcome::timeout:
    case CheckOutcome::local_error:
    case CheckOutcome::skipped:
      return false;
  }
  return false;
}

}  // namespace

bool reached(const AddressResult& address) {
  return address.seen.stage == Stage::done && address.seen.outcome == Outcome::ok;
}

bool cannot_be_a_remote_host(const base::IpAddress& address) {
  static const auto kBenchmarks = *base::IpNetwork::parse("198.18.0.0/15");
  base::IpAddress plain = unmapped(address);
  return plain.is_loopback() || plain.is_unspecified() || kBenchmarks.contains(plain);
}

Case::Case(const model::Target& t, const model::ProbeResult& p, const AddressResult& a)
    : target(t), probe(p), address(a), seen(a.seen) {
  if (at(Stage::connect, {Outcome::rejected_icmp, Outcome::local_error})) {
    if (seen.icmp) icmp = &*seen.icmp;
    return;
  }
  const auto& earlier = address.earlier_rejection;
  if (silent() && earlier && earlier->age >= base::Duration::zero() &&
      earlier->age <= kRejectionMemory && same_wire(earlier->icmp, address.address)) {
    icmp = &earlier->icmp;
    icmp_is_remembered = true;
  }
}

bool Case::reached() const { return diagnose::reached(address); }

bool Case::at(Stage stage, std::initializer_list<Outcome> outcomes) const {
  return seen.stage == stage && one_of(seen.outcome, outcomes);
}

bool Case::possible_ending() const {
  switch (seen.stage) {
    case Stage::resolve:
      return false;  // what has an address was resolved
    case Stage::connect:
      return one_of(seen.outcome, {Outcome::refused_rst, Outcome::rejected_icmp, Outcome::timeout,
                                   Outcome::local_error});
    case Stage::banner:
      return one_of(seen.outcome,
                    {Outcome::closed, Outcome::reset, Outcome::timeout, Outcome::turned_away,
                     Outcome::not_ssh, Outcome::unsupported_version});
    case Stage::kexinit:
      return one_of(seen.outcome, {Outcome::closed, Outcome::reset, Outcome::timeout,
                                   Outcome::malformed, Outcome::no_common_algorithm});
    case Stage::done:
      return seen.outcome == Outcome::ok;
  }
  return false;
}

bool Case::icmp_contradicts() const {
  if (icmp == nullptr) return at(Stage::connect, {Outcome::rejected_icmp});
  return !same_wire(*icmp, address.address);
}

bool Case::local_error(std::initializer_list<int> errors) const {
  return at(Stage::connect, {Outcome::local_error}) && icmp == nullptr &&
         one_of(seen.error, errors);
}

bool Case::bogus_address() const {
  return !probe.name_is_address && !probe.name_is_local && cannot_be_a_remote_host(address.address);
}

bool Case::rejected(std::initializer_list<Rejection> kinds, ResponderRole role) const {
  return icmp != nullptr && sender_role() == role && one_of(classify(*icmp), kinds);
}

ResponderRole Case::sender_role() const {
  if (icmp == nullptr) return ResponderRole::unknown;
  return role_of(icmp->offender, address.address, seen.local_address);
}

bool Case::rejected_at_once() const {
  if (icmp == nullptr) return false;
  if (!icmp_is_remembered) return seen.waited < kRoundTripLimit;
  const auto& earlier = address.earlier_rejection;
  return earlier && earlier->waited && *earlier->waited < kRoundTripLimit;
}

bool Case::refused_by_reset() const { return at(Stage::connect, {Outcome::refused_rst}); }

bool Case::silent() const { return at(Stage::connect, {Outcome::timeout}); }

bool Case::host_answers() const {
  return std::any_of(address.checks.begin(), address.checks.end(),
                     [this](const PortCheck& check) { return answered(check, address.address); });
}

std::optional<std::uint16_t> Case::ssh_elsewhere() const {
  for (const PortCheck& check : address.checks) {
    bool ssh = check.outcome == CheckOutcome::accepted && check.ssh;
    if (ssh && check.port != target.port) return check.port;
  }
  return std::nullopt;
}

const AddressResult* Case::reached_same_family() const {
  for (const auto& other : probe.addresses) {
    bool mate = other.address.family() == address.address.family();
    if (mate && diagnose::reached(other)) return &other;
  }
  return nullptr;
}

const AddressResult* Case::reached_other_family() const {
  for (const auto& other : probe.addresses) {
    bool mate = other.address.family() == address.address.family();
    if (!mate && diagnose::reached(other)) return &other;
  }
  return nullptr;
}

bool Case::without_a_byte() const {
  return seen.bytes_received == 0 && seen.text.empty() && seen.unfinished.empty();
}

bool Case::says_max_startups() const {
  // OpenSSH 8.2 to 9.7, sshd.c: drop_connection(). Equal, not contained: others quote it.
  return std::find(seen.text.begin(), seen.text.end(), "Exceeded MaxStartups") != seen.text.end();
}

bool Case::began_identification() const {
  return seen.server.has_value() || seen.unfinished.starts_with("SSH-") ||
         std::any_of(seen.text.begin(), seen.text.end(),
                     [](const std::string& line) { return line.starts_with("SSH-"); });
}

}  // namespace diagnose
