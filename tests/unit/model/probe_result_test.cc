#include "model/probe_result.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace model {
namespace {

using std::chrono::milliseconds;

IcmpError error(base::IpFamily family, int type, int code) {
  IcmpError icmp;
  icmp.family = family;
  icmp.type = static_cast<std::uint8_t>(type);
  icmp.code = static_cast<std::uint8_t>(code);
  return icmp;
}

TEST(probe_result, stages_and_outcomes_are_label_values) {
  std::set<std::string> stages;
  for (int i = 0; i <= static_cast<int>(Stage::done); ++i) {
    stages.insert(name_of(static_cast<Stage>(i)));
  }
  EXPECT_EQ(stages, (std::set<std::string>{"resolve", "connect", "banner", "kexinit", "done"}));
  std::set<std::string> outcomes;
  for (int i = 0; i <= static_cast<int>(Outcome::ok); ++i) {
    outcomes.insert(name_of(static_cast<Outcome>(i)));
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{
                          "dns_not_found", "dns_failed", "refused_rst", "rejected_icmp", "timeout",
                          "local_error", "closed", "reset", "turned_away", "not_ssh",
                          "unsupported_version", "malformed", "no_common_algorithm", "ok"}));
}

TEST(probe_result, checks_have_names) {
  EXPECT_STREQ(name_of(CheckRole::control), "control");
  EXPECT_STREQ(name_of(CheckRole::alternative), "alternative");
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(CheckOutcome::skipped); ++i) {
    names.insert(name_of(static_cast<CheckOutcome>(i)));
  }
  EXPECT_EQ(names, (std::set<std::string>{"accepted", "refused_rst", "rejected_icmp", "timeout",
                                          "local_error", "skipped"}));
}

TEST(probe_result, signals_name_family_type_and_code) {
  EXPECT_EQ(signal_name(error(base::IpFamily::ipv4, 3, 13)), "icmp_3_13");
  EXPECT_EQ(signal_name(error(base::IpFamily::ipv6, 1, 1)), "icmp6_1_1");
  EXPECT_EQ(signal_name(error(base::IpFamily::ipv4, 255, 255)), "icmp_255_255");
}

TEST(probe_result, icmp_errors_are_described_in_the_words_of_the_rfcs) {
  auto v4 = base::IpFamily::ipv4;
  EXPECT_EQ(describe(error(v4, 3, 1)), "host unreachable (3/1)");
  EXPECT_EQ(describe(error(v4, 3, 13)), "communication administratively prohibited (3/13)");
  EXPECT_EQ(describe(error(v4, 3, 16)), "destination unreachable (3/16)");
  EXPECT_EQ(describe(error(v4, 11, 0)), "time to live exceeded (11/0)");
  EXPECT_EQ(describe(error(v4, 12, 0)), "parameter problem (12/0)");
  EXPECT_EQ(describe(error(v4, 99, 0)), "ICMP error (99/0)");
  auto v6 = base::IpFamily::ipv6;
  EXPECT_EQ(describe(error(v6, 1, 4)), "port unreachable (1/4)");
  EXPECT_EQ(describe(error(v6, 2, 0)), "packet too big (2/0)");
  EXPECT_EQ(describe(error(v6, 3, 0)), "hop limit exceeded (3/0)");
  EXPECT_EQ(describe(error(v6, 4, 1)), "parameter problem (4/1)");
  EXPECT_EQ(describe(error(v6, 1, 99)), "destination unreachable (1/99)");
  EXPECT_EQ(describe(error(v6, 99, 0)), "ICMPv6 error (99/0)");
}

TEST(probe_result, every_icmp_error_has_words) {
  for (auto family : {base::IpFamily::ipv4, base::IpFamily::ipv6}) {
    for (int type = 0; type <= 255; ++type) {
      for (int code = 0; code <= 255; ++code) {
        auto suffix = " (" + std::to_string(type) + "/" + std::to_string(code) + ")";
        ASSERT_TRUE(describe(error(family, type, code)).ends_with(suffix));
      }
    }
  }
}

TEST(probe_result, phases_are_absent_until_set) {
  PhaseTimes times;
  for (auto phase : {Stage::resolve, Stage::connect, Stage::banner, Stage::kexinit}) {
    EXPECT_EQ(times.get(phase), std::nullopt);
    times.set(phase, milliseconds(static_cast<int>(phase)));
    EXPECT_EQ(times.get(phase), milliseconds(static_cast<int>(phase)));
  }
}

}  // namespace
}  // namespace model
