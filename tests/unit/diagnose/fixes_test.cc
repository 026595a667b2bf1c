#include "diagnose/fixes.h"

#include <gtest/gtest.h>

#include "diagnose/rules.h"
#include "support/evidence.h"

namespace diagnose {
namespace {

using evidence::Address;
using evidence::Probe;

// A rule asks for its words only after its proof; still, none may rely on it to survive.
TEST(fixes, every_rule_finds_words_for_a_bare_case) {
  Probe probe = Probe("bastion.example.net", 2200).saw(Address("192.0.2.10").silent());
  Case c(probe.target(), probe.result(), probe.result().addresses[0]);
  for (const Rule& rule : rules()) {
    std::string fix = rule.fix(c);
    if (rule.cause == model::Cause::none) {
      EXPECT_EQ(fix, "");
      continue;
    }
    EXPECT_TRUE(fix.ends_with(".")) << fix;
    if (rule.particulars != nullptr) {
      std::string text = rule.particulars(c);
      EXPECT_TRUE(text.empty() || text.ends_with(".")) << text;
    }
  }
}

// Specific: what to do names the address, the target or this machine's setting.
TEST(fixes, every_fix_names_something_of_the_case) {
  Probe probe = Probe("bastion.example.net", 2200).saw(Address("192.0.2.10").silent());
  Case c(probe.target(), probe.result(), probe.result().addresses[0]);
  for (const Rule& rule : rules()) {
    if (rule.cause == model::Cause::none || rule.cause == model::Cause::client_resource ||
        rule.cause == model::Cause::kex_mismatch) {
      continue;
    }
    std::string fix = rule.fix(c);
    bool specific = fix.find("192.0.2.10") != std::string::npos ||
                    fix.find("bastion.example.net") != std::string::npos;
    EXPECT_TRUE(specific) << fix;
  }
}

}  // namespace
}  // namespace diagnose
