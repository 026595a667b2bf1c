#include "app/own_host.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <future>

#include "support/evidence.h"

namespace app {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;

TEST(OwnHostTest, SettingsOfTheWatch) {
  config::LocalSettings settings;
  settings.interval = 3s;
  settings.root = "/host";
  settings.state_directory = "/var/lib/here";
  const local::WatchSettings expected{3s, "/host", "/var/lib/here"};
  EXPECT_EQ(watch_settings(settings), expected);
}

TEST(OwnHostTest, TheStateDirectoryIsSystemdsUnlessConfigured) {
  const config::LocalSettings settings;
  ::setenv("STATE_DIRECTORY", "/var/lib/first:/var/lib/second", 1);
  EXPECT_EQ(watch_settings(settings).state_directory, "/var/lib/first");
  ::unsetenv("STATE_DIRECTORY");
  EXPECT_EQ(watch_settings(settings).state_directory, "");
}

TEST(OwnHostTest, ALookThatEndsKeepsNothing) {
  config::LocalSettings settings;
  settings.root = "/host";
  settings.state_directory = "/var/lib/here";
  EXPECT_EQ(once_settings(settings).root, "/host");
  EXPECT_EQ(once_settings(settings).state_directory, "");
}

// The real collectors look at this machine, whatever it is.
TEST(OwnHostTest, AConsultedWatchAnswersWithTheHostsOwnFacts) {
  const evidence::Probe probe =
      evidence::Probe("127.0.0.1", 1).saw(evidence::Address("127.0.0.1").refused());
  model::Diagnosis umbrella;
  umbrella.cause = model::Cause::port_closed;
  umbrella.stage = model::Stage::connect;
  umbrella.outcome = model::Outcome::refused_rst;
  umbrella.addresses = {{model::Cause::port_closed, model::Confidence::possible}};
  umbrella.evidence = {"what the probe saw"};
  auto answered = std::make_shared<std::promise<model::Diagnosis>>();
  auto answer = answered->get_future();
  const auto watch = watch_host(once_settings({}), [](const auto&) {});
  consult_host(
      *watch, probe.target(), probe.result(), umbrella,
      [answered](model::Diagnosis diagnosis) { answered->set_value(std::move(diagnosis)); });
  ASSERT_EQ(answer.wait_for(30s), std::future_status::ready);
  const auto diagnosis = answer.get();
  EXPECT_EQ(diagnosis.evidence.front(), "what the probe saw");
  EXPECT_THAT(diagnosis.evidence, Contains(HasSubstr("this host itself")));
}

}  // namespace
}  // namespace app
