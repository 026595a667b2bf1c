#include "model/host_facts.h"

#include <gtest/gtest.h>

namespace {

TEST(HostFactsTest, NamesAreThoseOfTheJson) {
  EXPECT_STREQ(model::name_of(model::ConfigSource::effective), "effective");
  EXPECT_STREQ(model::name_of(model::ConfigSource::parsed), "parsed");
  EXPECT_STREQ(model::name_of(model::ConfigSource::command_line), "command_line");
  EXPECT_STREQ(model::name_of(model::ConfigProblem::none), "none");
  EXPECT_STREQ(model::name_of(model::ConfigProblem::configuration), "configuration");
  EXPECT_STREQ(model::name_of(model::ConfigProblem::host_keys), "host_keys");
  EXPECT_STREQ(model::name_of(model::ConfigProblem::runtime_directory), "runtime_directory");
  EXPECT_STREQ(model::name_of(model::ConfigProblem::program), "program");
  EXPECT_STREQ(model::name_of(model::ConfigProblem::other), "other");
}

TEST(HostFactsTest, EventsAreFoundByTheirPlace) {
  model::LogFacts log;
  log.events.resize(model::all_log_events().size());
  log.events.at(static_cast<std::size_t>(model::LogEvent::sd_failed)).count = 3;
  EXPECT_EQ(log.of(model::LogEvent::sd_failed).count, 3U);
  EXPECT_EQ(log.of(model::LogEvent::listen_ok).count, 0U);
}

TEST(HostFactsTest, MergeKeepsWhatIsNotGiven) {
  model::HostFacts all;
  all.guards = std::make_shared<const model::GuardFacts>();
  model::HostFacts one;
  one.kernel = std::make_shared<const model::KernelFacts>();
  model::merge(one, all);
  EXPECT_EQ(all.kernel, one.kernel);
  EXPECT_TRUE(all.guards);
  EXPECT_FALSE(all.systemd);
}

}  // namespace
