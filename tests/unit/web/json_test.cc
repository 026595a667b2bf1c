#include "web/json.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "support/snapshots.h"

namespace web {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

json parsed(const std::shared_ptr<const model::TargetState>& state) {
  return json::parse(to_json(*state));
}

TEST(Json, BeforeTheFirstProbeThereIsLittle) {
  EXPECT_EQ(to_json(*test_support::never_probed("a:22", {{"site", "ams"}})),
            R"({"target":"a:22","labels":{"site":"ams"},"probes":0})");
}

TEST(Json, SaysWhatRefusedAndHowItIsKnown) {
  const auto state = parsed(test_support::rejected("192.0.2.20:22"));
  EXPECT_EQ(state["cause"], "host_firewall_reject");
  EXPECT_EQ(state["summary"], model::info(model::Cause::host_firewall_reject).meaning);
  EXPECT_EQ(state["addresses"][0]["errno"], "EHOSTUNREACH");
  EXPECT_EQ(state["addresses"][0]["icmp"],
            json::parse(R"({"family":4,"type":3,"code":13,"offender":"192.0.2.20"})"));
  EXPECT_EQ(state["addresses"][0]["earlier_rejection"]["age_seconds"], 61);
  EXPECT_EQ(state["checks"][0]["port"], 443);
  EXPECT_EQ(state["responder"]["role"], "target");
  EXPECT_FALSE(state.contains("server"));
  EXPECT_FALSE(state.contains("alternative_port"));
}

TEST(Json, HasAllAddressesAndWhatWasSkipped) {
  const auto state = parsed(test_support::half_reachable("both:22"));
  EXPECT_EQ(state["addresses"][0]["cause"], "none");
  EXPECT_EQ(state["addresses"][1]["cause"], "wrong_port");
  EXPECT_EQ(state["ip_protocol"], 6);
  EXPECT_EQ(state["alternative_port"], 2222);
  EXPECT_EQ(state["skipped"][0]["reason"], "over_limit");
}

TEST(Json, IsOneLineOfValidUtf8WhateverPeersSent) {
  const auto text = to_json(*test_support::hostile("a:22", {{"note", "\xff\n\"\\"}}));
  EXPECT_TRUE(base::is_valid_utf8(text));
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  EXPECT_EQ(json::parse(text)["addresses"][0]["other_protocol"], "HTTP");
}

TEST(Json, ANameWithoutAddressHasNone) {
  const auto state = parsed(test_support::unresolved("gone:22"));
  EXPECT_EQ(state["addresses"], json::array());
  EXPECT_FALSE(state.contains("ip_protocol"));
  EXPECT_EQ(state["resolve_detail"], "Domain name not found");
}

}  // namespace
}  // namespace web
