#include "diagnose/diagnose.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>
#include <map>
#include <random>

#include "base/text.h"
#include "support/evidence.h"

namespace diagnose {
namespace {

using evidence::Address;
using evidence::Probe;
using model::Cause;
using model::Confidence;
using model::Diagnosis;
using model::Outcome;
using model::Stage;
using std::chrono::milliseconds;

Diagnosis run(const Probe& probe) { return diagnose(probe.target(), probe.result()); }

// Evidence of every kind and none: what a prober could send, and what it never should.
class Chaos {
 public:
  explicit Chaos(unsigned seed) : random_(seed) {}

  Probe probe() {
    Probe probe(pick(kHosts));
    std::size_t addresses = below(4);
    for (std::size_t i = 0; i < addresses; ++i) probe.saw(address());
    if (below(4) == 0) probe.local_name();
    if (below(4) == 0 || (addresses == 0 && below(4) != 0)) {
      probe.resolve_failure(static_cast<Outcome>(below(kOutcomes)), "w\x01rds");
    }
    if (below(8) == 0) probe.skipped("2001:db8::99", model::SkipReason::no_route);
    if (below(8) == 0) probe.result().resolve_time.reset();
    return probe;
  }

 private:
  static constexpr std::size_t kOutcomes = static_cast<std::size_t>(Outcome::ok) + 1;
  static constexpr std::size_t kStages = static_cast<std::size_t>(Stage::done) + 1;
  static constexpr std::array kHosts{"bastion.example.net", "192.0.2.10", "localhost"};
  static constexpr std::array kAddresses{
      "192.0.2.10", "192.0.2.11", "127.0.0.1",    "0.0.0.0", "198.18.0.1",       "198.51.100.5",
      "::1",        "10.1.2.3",   "2001:db8::10", "fe80::1", "::ffff:192.0.2.10"};
  static constexpr std::array kErrors{0,      EPERM,     EACCES,        ENETUNREACH,
                                      EINVAL, EMFILE,    EADDRNOTAVAIL, EHOSTUNREACH,
                                      EIO,    ETIMEDOUT, ECONNREFUSED,  -1};
  static constexpr std::array kWaits{0, 1, 499, 500, 999, 1000, 3000, 4899, 4900, 5600, 5601, 9000};
  static constexpr std::array kLines{"",     "Exceeded MaxStartups", "Not allowed at this time",
                                     "SSH-", "HTTP/1.1 400",         "\x1b]0;x\x07"};

  std::size_t below(std::size_t limit) { return random_() % limit; }
  template <typename T, std::size_t size>
  T pick(const std::array<T, size>& list) {
    return list.at(below(size));
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(below(2) == 0 ? below(16) : below(256)); }

  model::IcmpError icmp() {
    auto error = evidence::icmp(below(2) == 0 ? std::uint8_t{3} : byte(), byte(), pick(kAddresses));
    if (error.family == base::IpFamily::ipv6 && below(2) == 0) error.type = 1;
    if (below(8) == 0) error.family = base::IpFamily::ipv4;
    return error;
  }

  Address address() {
    Address address(pick(kAddresses));
    auto& seen = address.result().seen;
    address.ended(static_cast<Stage>(below(kStages)), static_cast<Outcome>(below(kOutcomes)),
                  milliseconds(pick(kWaits)));
    if (below(4) == 0) address.reached();
    if (below(2) == 0) seen.stage = Stage::connect;
    seen.error = pick(kErrors);
    if (below(2) == 0) seen.icmp = icmp();
    if (below(4) == 0) seen.local_address.reset();
    if (below(2) == 0) address.said(pick(kLines));
    if (below(4) == 0) address.unfinished(pick(kLines));
    if (below(4) == 0) address.bytes(below(3));
    if (below(4) == 0) address.identified("x");
    if (below(2) == 0) address.other_protocol("HTTP");
    if (below(2) == 0) address.mismatch("host key", "ssh-dss");
    if (below(4) == 0) address.earlier(icmp(), milliseconds(pick(kWaits)) * 100);
    auto check = [&] { return static_cast<model::CheckOutcome>(below(6)); };
    if (below(2) == 0) address.control(443, check());
    if (below(4) == 0) address.control_rejected(80, icmp());
    if (below(4) == 0) address.alternative(2222, check(), below(2) == 0);
    return address;
  }

  std::mt19937 random_;
};

// The facts of CAUSES that no other cause can produce, told without the rules.
bool provable(const model::AddressResult& address, Cause cause) {
  const auto& seen = address.seen;
  bool said_max = false;
  for (const auto& line : seen.text) said_max |= line == "Exceeded MaxStartups";
  bool own = seen.icmp && (seen.icmp->offender == seen.local_address ||
                           seen.icmp->offender == evidence::ip("127.0.0.1") ||
                           seen.icmp->offender == evidence::ip("::1"));
  bool local = seen.stage == Stage::connect && seen.outcome == Outcome::local_error;
  bool silent_error = local && !seen.icmp;
  auto at = [&](Stage stage, Outcome outcome) {
    return seen.stage == stage && seen.outcome == outcome;
  };
  auto error_is_one_of = [&](std::initializer_list<int> errors) {
    return std::find(errors.begin(), errors.end(), seen.error) != errors.end();
  };
  bool at_once = silent_error && seen.waited < milliseconds(1000);
  bool own_rule = own && seen.icmp->offender != address.address &&
                  (local || at(Stage::connect, Outcome::rejected_icmp));
  const std::map<Cause, bool> proofs{
      {Cause::none, at(Stage::done, Outcome::ok)},
      {Cause::client_resource, silent_error && error_is_one_of({EMFILE, EADDRNOTAVAIL})},
      {Cause::client_no_route, at_once && error_is_one_of({ENETUNREACH, EHOSTUNREACH, EINVAL})},
      {Cause::client_blocked, (at_once && error_is_one_of({EPERM, EACCES})) || own_rule},
      {Cause::max_startups, seen.stage == Stage::banner && said_max},
      {Cause::not_ssh, at(Stage::banner, Outcome::not_ssh) && !seen.other_protocol.empty()},
      {Cause::protocol_version, at(Stage::banner, Outcome::unsupported_version)},
      {Cause::kex_mismatch, at(Stage::kexinit, Outcome::no_common_algorithm) && seen.mismatch},
  };
  auto proof = proofs.find(cause);
  return proof != proofs.end() && proof->second;
}

void expect_sound(const Probe& probe, const Diagnosis& diagnosis) {
  const auto& result = probe.result();
  ASSERT_EQ(diagnosis.addresses.size(), result.addresses.size());
  ASSERT_EQ(diagnosis.decided_by.has_value(), !result.addresses.empty());
  bool all_reached = !result.addresses.empty();
  for (std::size_t i = 0; i < result.addresses.size(); ++i) {
    const auto& found = diagnosis.addresses[i];
    const auto& address = result.addresses[i];
    if (found.confidence == Confidence::certain) {
      EXPECT_TRUE(provable(address, found.cause)) << model::info(found.cause).name;
    }
    bool reached = address.seen.stage == Stage::done && address.seen.outcome == Outcome::ok;
    EXPECT_EQ(reached, found.cause == Cause::none);
    all_reached &= reached;
  }
  EXPECT_EQ(diagnosis.success, all_reached);
  EXPECT_EQ(diagnosis.success, diagnosis.cause == Cause::none);
  EXPECT_EQ(diagnosis.fix.empty(), diagnosis.success);
  if (diagnosis.decided_by) {
    const auto& decider = diagnosis.addresses.at(*diagnosis.decided_by);
    EXPECT_EQ(decider.cause, diagnosis.cause);
    EXPECT_EQ(decider.confidence, diagnosis.confidence);
    const auto& seen = result.addresses.at(*diagnosis.decided_by).seen;
    EXPECT_EQ(diagnosis.stage, seen.stage);
    EXPECT_EQ(diagnosis.outcome, seen.outcome);
    if (diagnosis.responder) {
      EXPECT_EQ(seen.stage, Stage::connect);
    }
  } else if (diagnosis.confidence == Confidence::certain) {
    EXPECT_EQ(result.resolve_failure, diagnosis.outcome);
  }
  for (const auto& line : diagnosis.evidence) EXPECT_EQ(line, base::printable(line, 700));
  EXPECT_FALSE(diagnosis.evidence.empty());
}

TEST(diagnose, any_evidence_gets_one_sound_diagnosis) {
  Chaos chaos(20240601);
  for (int i = 0; i < 5000 && !testing::Test::HasFailure(); ++i) {
    Probe probe = chaos.probe();
    SCOPED_TRACE(i);
    Diagnosis diagnosis = run(probe);
    expect_sound(probe, diagnosis);
    Diagnosis again = run(probe);
    EXPECT_EQ(diagnosis.evidence, again.evidence);
    EXPECT_EQ(diagnosis.fix, again.fix);
    EXPECT_EQ(diagnosis.decided_by, again.decided_by);
  }
}

TEST(diagnose, every_icmp_type_and_code_from_every_sender) {
  for (auto target : {"192.0.2.10", "2001:db8::10"}) {
    bool v4 = evidence::ip(target).is_v4();
    auto self = v4 ? evidence::kProberV4 : evidence::kProberV6;
    std::string_view router = v4 ? "203.0.113.1" : "2001:db8:1::1";
    for (auto sender : {std::string_view(target), self, router}) {
      for (int type = 0; type <= 255; ++type) {
        for (int code = 0; code <= 255; code += type < 6 || type == 11 ? 1 : 51) {
          Probe probe = Probe(target).saw(Address(target).rejected(
              static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(code), sender));
          Diagnosis diagnosis = run(probe);
          ASSERT_NO_FATAL_FAILURE(expect_sound(probe, diagnosis));
          ASSERT_TRUE(diagnosis.responder);
        }
      }
    }
  }
}

// The order in which a name's addresses come may not change what is concluded of any of them.
TEST(diagnose, the_resolvers_order_changes_no_address) {
  Chaos chaos(7);
  for (int i = 0; i < 2000; ++i) {
    Probe probe = chaos.probe();
    Probe turned = probe;
    auto& addresses = turned.result().addresses;
    std::reverse(addresses.begin(), addresses.end());
    Diagnosis forth = run(probe);
    Diagnosis back = run(turned);
    for (std::size_t j = 0; j < addresses.size(); ++j) {
      EXPECT_EQ(forth.addresses[j].cause, back.addresses[addresses.size() - 1 - j].cause);
    }
    EXPECT_EQ(forth.cause, back.cause);
    EXPECT_EQ(forth.confidence, back.confidence);
  }
}

Diagnosis choose(const Address& a, const Address& b) { return run(Probe().saw(a).saw(b)); }

bool says(const Diagnosis& diagnosis, std::string_view words) {
  for (const auto& line : diagnosis.evidence) {
    if (line.find(words) != std::string::npos) return true;
  }
  return false;
}

TEST(diagnose, the_surest_cause_decides) {
  auto diagnosis = choose(Address("192.0.2.10").ended(Stage::banner, Outcome::closed),
                          Address("192.0.2.11").rejected(3, 13, "192.0.2.11"));
  EXPECT_EQ(diagnosis.decided_by, 1U);
  EXPECT_EQ(diagnosis.cause, Cause::host_firewall_reject);
  EXPECT_TRUE(says(diagnosis, "its cause is the surest"));
  EXPECT_TRUE(says(diagnosis, "The others: 192.0.2.10: closed_before_banner (possible)."));
}

TEST(diagnose, then_the_furthest_stage) {
  auto diagnosis = choose(Address("192.0.2.10").silent(),
                          Address("192.0.2.11").ended(Stage::banner, Outcome::closed));
  EXPECT_EQ(diagnosis.decided_by, 1U);
  EXPECT_TRUE(says(diagnosis, "it got furthest"));
}

TEST(diagnose, then_the_order_of_rules) {
  auto diagnosis = choose(Address("192.0.2.10").silent(), Address("192.0.2.11").refused());
  EXPECT_EQ(diagnosis.cause, Cause::port_closed);
  EXPECT_EQ(diagnosis.decided_by, 1U);
  EXPECT_TRUE(says(diagnosis, "its cause is the most basic"));
}

TEST(diagnose, then_the_resolvers_order) {
  auto diagnosis = choose(Address("192.0.2.10").refused(), Address("192.0.2.11").refused());
  EXPECT_EQ(diagnosis.decided_by, 0U);
  EXPECT_TRUE(says(diagnosis, "it is the first"));
}

TEST(diagnose, hostile_text_stays_bounded_and_printable) {
  std::string mad(100000, '\xff');
  auto address = Address("192.0.2.10").ended(Stage::banner, Outcome::not_ssh).said(mad);
  address.unfinished(mad).other_protocol(mad);
  address.result().seen.detail = mad;
  Probe probe = Probe().saw(address);
  Diagnosis diagnosis = run(probe);
  for (const auto& line : diagnosis.evidence) {
    EXPECT_LE(line.size(), 700U);
    EXPECT_EQ(line, base::printable(line, 700));
  }
}

TEST(diagnose, a_target_without_settings_is_survived) {
  Probe probe = Probe().saw(Address("192.0.2.10").reached());
  model::Target target = probe.target();
  target.settings = nullptr;
  EXPECT_EQ(diagnose(target, probe.result()).cause, Cause::none);
}

}  // namespace
}  // namespace diagnose
