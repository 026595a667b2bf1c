#include "diagnose/tcp_wrappers.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "support/evidence.h"

namespace diagnose {
namespace {

using evidence::ip;
using model::WrapperRule;
using Clients = std::vector<std::string>;

WrapperRule deny(Clients clients) { return {false, std::move(clients), "/etc/hosts.deny:1"}; }
WrapperRule allow(Clients clients) { return {true, std::move(clients), "/etc/hosts.allow:1"}; }

WrapperVerdict denies(const Clients& clients, std::string_view source) {
  return ask_wrappers({deny(clients)}, ip(source)).verdict;
}

WrapperVerdict denies_everybody(const Clients& clients) {
  return ask_wrappers({deny(clients)}, std::nullopt).verdict;
}

constexpr auto kYes = WrapperVerdict::denied;
constexpr auto kNo = WrapperVerdict::allowed;
constexpr auto kMaybe = WrapperVerdict::unknown;

TEST(tcp_wrappers, without_rules_all_are_allowed) {
  const auto answer = ask_wrappers({}, ip("192.0.2.1"));
  EXPECT_EQ(answer.verdict, kNo);
  EXPECT_EQ(answer.rule, nullptr);
  EXPECT_EQ(ask_wrappers({}, std::nullopt).verdict, kNo);
}

TEST(tcp_wrappers, patterns_of_addresses) {
  struct Row {
    std::string pattern;
    std::string_view source;
    WrapperVerdict verdict;
  };
  const std::vector<Row> rows{
      {"ALL", "192.0.2.1", kYes},
      {"ALL", "2001:db8::1", kYes},
      {"192.0.2.1", "192.0.2.1", kYes},
      {"192.0.2.1", "192.0.2.10", kNo},
      {"192.0.2.", "192.0.2.255", kYes},
      {"192.0.2.", "192.0.20.1", kNo},
      {"10.", "10.255.0.1", kYes},
      {"10.", "110.0.0.1", kNo},
      {"192.0.2.0/24", "192.0.2.77", kYes},
      {"192.0.2.0/24", "192.0.3.77", kNo},
      {"192.0.2.0/255.255.255.0", "192.0.2.77", kYes},
      {"192.0.2.0/255.255.255.128", "192.0.2.129", kNo},
      {"0.0.0.0/0.0.0.0", "198.51.100.1", kYes},
      {"[2001:db8::]/32", "2001:db8:1::1", kYes},
      {"[2001:db8::]/32", "2001:db9::1", kNo},
      {"[2001:db8::1]", "2001:db8::1", kYes},
      {"[2001:db8::1]", "192.0.2.1", kNo},
      {"192.0.2.1", "2001:db8::1", kNo},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(denies({row.pattern}, row.source), row.verdict) << row.pattern << " " << row.source;
  }
}

TEST(tcp_wrappers, names_cannot_be_decided) {
  for (const auto* pattern :
       {".example.net", "host.example.net", "LOCAL", "KNOWN", "UNKNOWN", "PARANOID", "@group",
        "/etc/denied", "user@192.0.2.1", "192.0.2.0/255.0.255.0", "1.2.3.4.", "999.", "", "*.*"}) {
    EXPECT_EQ(denies({pattern}, "192.0.2.1"), kMaybe) << pattern;
    EXPECT_EQ(denies_everybody({pattern}), kMaybe) << pattern;
    EXPECT_EQ(denies({pattern, "ALL"}, "192.0.2.1"), kYes) << pattern;
  }
}

TEST(tcp_wrappers, except_nests_to_the_right) {
  const Clients nested{"ALL", "EXCEPT", "192.0.2.", "EXCEPT", "192.0.2.7"};
  EXPECT_EQ(denies(nested, "198.51.100.1"), kYes);
  EXPECT_EQ(denies(nested, "192.0.2.1"), kNo);
  EXPECT_EQ(denies(nested, "192.0.2.7"), kYes);
  EXPECT_EQ(denies({"192.0.2.", "EXCEPT", "ALL"}, "192.0.2.1"), kNo);
  EXPECT_EQ(denies({"ALL", "EXCEPT", ".example.net"}, "192.0.2.1"), kMaybe);
  EXPECT_EQ(denies({"10.", "EXCEPT", ".example.net"}, "192.0.2.1"), kNo);
  EXPECT_EQ(denies({"ALL", "EXCEPT"}, "192.0.2.1"), kYes);
  EXPECT_EQ(denies({"EXCEPT", "ALL"}, "192.0.2.1"), kNo);
  EXPECT_EQ(denies({}, "192.0.2.1"), kNo);
}

TEST(tcp_wrappers, everybody_is_denied_only_where_nobody_is_spared) {
  EXPECT_EQ(denies_everybody({"ALL"}), kYes);
  EXPECT_EQ(denies_everybody({"0.0.0.0/0"}), kYes);
  EXPECT_EQ(denies_everybody({"192.0.2.0/24"}), kNo);
  EXPECT_EQ(denies_everybody({"ALL", "EXCEPT", "192.0.2."}), kMaybe);
  // The usual way to let only one's own networks in.
  EXPECT_EQ(ask_wrappers({allow({"10."}), deny({"ALL"})}, std::nullopt).verdict, kMaybe);
  EXPECT_EQ(ask_wrappers({deny({"ALL"}), allow({"10."})}, std::nullopt).verdict, kYes);
}

TEST(tcp_wrappers, words_in_any_case) {
  EXPECT_EQ(denies({"all", "except", "10.0.0.0/8"}, "10.1.2.3"), kNo);
  EXPECT_EQ(denies({"All", "Except", "10.0.0.0/8"}, "11.1.2.3"), kYes);
}

TEST(tcp_wrappers, the_first_that_matches_decides) {
  const std::vector<WrapperRule> rules{allow({"10."}), deny({"ALL"})};
  EXPECT_EQ(ask_wrappers(rules, ip("10.1.1.1")).verdict, kNo);
  EXPECT_EQ(ask_wrappers(rules, ip("10.1.1.1")).rule, &rules[0]);
  EXPECT_EQ(ask_wrappers(rules, ip("11.1.1.1")).verdict, kYes);
  EXPECT_EQ(ask_wrappers(rules, ip("11.1.1.1")).rule, &rules[1]);
  const std::vector<WrapperRule> turned{deny({"ALL"}), allow({"10."})};
  EXPECT_EQ(ask_wrappers(turned, ip("10.1.1.1")).verdict, kYes);
}

TEST(tcp_wrappers, a_doubt_matters_only_if_it_would_change_the_verdict) {
  const std::vector<WrapperRule> rules{allow({".example.net"}), deny({"ALL"})};
  EXPECT_EQ(ask_wrappers(rules, ip("192.0.2.1")).verdict, kMaybe);
  EXPECT_EQ(ask_wrappers(rules, ip("192.0.2.1")).rule, &rules[0]);
  EXPECT_EQ(ask_wrappers({deny({".example.net"}), deny({"ALL"})}, ip("192.0.2.1")).verdict, kYes);
  EXPECT_EQ(ask_wrappers({allow({".example.net"})}, ip("192.0.2.1")).verdict, kNo);
}

TEST(tcp_wrappers, a_rule_that_runs_a_command_is_a_doubt) {
  auto rule = deny({"ALL"});
  rule.certain = false;
  EXPECT_EQ(ask_wrappers({rule}, ip("192.0.2.1")).verdict, kMaybe);
  EXPECT_EQ(ask_wrappers({rule, deny({"ALL"})}, ip("192.0.2.1")).verdict, kYes);
}

TEST(tcp_wrappers, takes_any_words) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same words each time
  const std::string letters = "0123456789./[]:aEXCPTL@*-\x01\xff";
  for (int round = 0; round < 5000; ++round) {
    Clients clients(random() % 6);
    for (auto& word : clients) {
      for (auto length = random() % 12; length > 0; --length) {
        word += letters[random() % letters.size()];
      }
      if (random() % 5 == 0) word = "EXCEPT";
    }
    const std::vector<WrapperRule> rules{allow(clients), deny(clients)};
    const auto answer = ask_wrappers(rules, ip("192.0.2.1"));
    // Whatever matches both is allowed first.
    EXPECT_NE(answer.verdict, kYes);
  }
}

}  // namespace
}  // namespace diagnose
