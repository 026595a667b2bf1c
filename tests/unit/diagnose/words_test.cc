#include "diagnose/words.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "support/evidence.h"

namespace diagnose {
namespace {

using evidence::Address;
using evidence::Probe;
using std::chrono::seconds;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

TEST(words, concat_joins) {
  EXPECT_EQ(concat({"a", std::string("b"), "", "c"}), "abc");
  EXPECT_EQ(concat({}), "");
}

TEST(words, quotes_are_bounded_and_printable) {
  EXPECT_EQ(quote("hello"), "'hello'");
  EXPECT_EQ(quote("a\x1b[2Jb"), "'a?[2Jb'");
  EXPECT_EQ(quote(std::string(kQuoteLimit, 'x')).size(), kQuoteLimit + 2);
  EXPECT_EQ(quote(std::string(kQuoteLimit + 1, 'x')).size(), kQuoteLimit + 2);
}

TEST(words, errors_have_name_and_meaning) {
  EXPECT_EQ(errno_words(EHOSTUNREACH), "No route to host (EHOSTUNREACH)");
  EXPECT_EQ(errno_words(-1), "error -1");
  EXPECT_EQ(errno_words(100000), "error 100000");
}

TEST(words, a_name_lists_eight_addresses_at_most) {
  Probe probe;
  for (int i = 1; i <= 9; ++i) probe.saw(Address("192.0.2." + std::to_string(i)));
  std::vector<std::string> lines;
  explain_name(probe.target(), probe.result(), lines);
  EXPECT_NE(joined(lines).find("192.0.2.8, … (in 12 ms)."), std::string::npos) << joined(lines);
  EXPECT_EQ(joined(lines).find("192.0.2.9"), std::string::npos);
}

TEST(words, a_literal_is_not_resolved) {
  Probe probe = Probe("192.0.2.10").saw(Address("192.0.2.10"));
  std::vector<std::string> lines;
  explain_name(probe.target(), probe.result(), lines);
  EXPECT_TRUE(lines.empty()) << joined(lines);
}

TEST(words, skipped_addresses_are_bounded_too) {
  Probe probe;
  for (int i = 1; i <= 9; ++i) {
    probe.skipped("2001:db8::" + std::to_string(i), model::SkipReason::no_route);
    probe.skipped("192.0.2." + std::to_string(i), model::SkipReason::over_limit);
  }
  std::vector<std::string> lines;
  explain_skipped(probe.result(), lines);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find("2001:db8::8"), std::string::npos) << lines[0];
  EXPECT_EQ(lines[0].find("2001:db8::9"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("9 more"), std::string::npos) << lines[1];
}

TEST(words, silence_tells_of_the_earlier_rejection) {
  Probe probe = Probe().saw(
      Address("192.0.2.10").silent().earlier(evidence::icmp(3, 3, "192.0.2.10"), seconds(30)));
  std::vector<std::string> lines;
  explain_connection(Case(probe.target(), probe.result(), probe.result().addresses[0]), lines);
  EXPECT_EQ(joined(lines),
            "No answer to the SYN to 192.0.2.10:22 within 9.00 s.\n"
            "30.0 s ago the same port was rejected by ICMP port unreachable (3/3) from 192.0.2.10, "
            "the target itself. Senders limit the rate of ICMP errors, so silence now does not "
            "take that back.\n");
}

}  // namespace
}  // namespace diagnose
