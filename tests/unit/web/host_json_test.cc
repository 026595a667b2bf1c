#include "web/host_json.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/snapshots.h"

namespace web {
namespace {

using testing::HasSubstr;
using testing::Not;

nlohmann::json parsed(const model::HostReport& report) {
  return nlohmann::json::parse(to_json(report, {}, report.diagnosis));
}

TEST(HostJsonTest, NamesWhatUsersRelyOn) {
  const auto json = parsed(*test_support::busy_host());
  EXPECT_EQ(json["cause"], "port_conflict");
  EXPECT_EQ(json["layer"], "binding");
  EXPECT_EQ(json["confidence"], "certain");
  EXPECT_EQ(json["evidence"].size(), 2U);
  EXPECT_EQ(json["fix"], "Move one of the two.");
  EXPECT_EQ(json["units"][0]["name"], "ssh.service");
  EXPECT_EQ(json["listeners"][0]["port"], 22);
  EXPECT_EQ(json["conflicts"][0]["process"], "nginx");
  EXPECT_EQ(json["configuration"]["check"]["valid"], true);
}

TEST(HostJsonTest, WhatIsNotKnownIsAbsent) {
  model::HostReport empty;
  const auto json = parsed(empty);
  EXPECT_EQ(json["cause"], "unknown");
  for (const char* key : {"units", "configuration", "processes", "log", "kernel", "guards"}) {
    EXPECT_FALSE(json.contains(key)) << key;
  }
}

// People type passwords where a user name is wanted.
TEST(HostJsonTest, LinesThatMayNameAUserAreCountedAndNotShown) {
  const auto text = to_json(*test_support::busy_host(), {}, {});
  EXPECT_THAT(text, HasSubstr(R"("invalid_user":{"count":42)"));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, HasSubstr("Address already in use"));
}

TEST(HostJsonTest, StaysValidWhateverTheHostSays) {
  auto report = *test_support::busy_host();
  report.diagnosis.evidence = {"\xff\xfe \x01 \" \\ </script>"};
  auto configuration = *report.facts.configuration;
  configuration.version = "\xc3\x28";
  report.facts.configuration = std::make_shared<const model::SshdConfig>(configuration);
  EXPECT_NO_THROW(parsed(report));
}

}  // namespace
}  // namespace web
