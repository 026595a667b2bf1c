// The client of D-Bus by itself: what it calls absent, and that no wait outlasts its deadline.

#include "local/system_bus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_systemd.h"

namespace {

using local::SystemBus;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test_support::FakeSystemd;
using testing::HasSubstr;

base::SteadyTime in(base::Duration time) { return std::chrono::steady_clock::now() + time; }

class Bus : public testing::Test {
 protected:
  Bus() {
    std::string pattern = testing::TempDir() + "bus_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    fake_ = std::make_unique<FakeSystemd>(root_ / "bus", true);
  }
  ~Bus() override {
    fake_.reset();
    std::filesystem::remove_all(root_);
  }
  base::Result<SystemBus> connect(base::Duration limit = seconds(20)) {
    return SystemBus::connect(local::Host(root_), "/bus", SystemBus::Kind::bus, in(limit),
                              &refused_);
  }

  std::filesystem::path root_;
  std::unique_ptr<FakeSystemd> fake_;
  int refused_ = -1;
  const SystemBus::Call get_{"org.freedesktop.systemd1",
                             "/org/freedesktop/systemd1",
                             "org.freedesktop.DBus.Properties",
                             "Get",
                             {"org.freedesktop.systemd1.Manager", "Version"},
                             {}};
};

TEST_F(Bus, CallIsAnswered) {
  auto bus = connect();
  ASSERT_TRUE(bus) << bus.error();
  EXPECT_EQ(refused_, 0);
  const auto answer = bus->call(get_, in(seconds(20)));
  ASSERT_TRUE(answer) << answer.error();
  const char* version = nullptr;
  ASSERT_GE(sd_bus_message_read(answer->get(), "v", "s", &version), 0);
  EXPECT_STREQ(version, "252.39-1~deb12u2");
  EXPECT_TRUE(bus->alive());
}

TEST_F(Bus, WhatIsAbsentIsAnErrorUnlessItMayBe) {
  auto bus = connect();
  ASSERT_TRUE(bus) << bus.error();
  auto call = get_;
  call.path = "/org/freedesktop/systemd1/unit/none_2eservice";
  EXPECT_EQ(bus->call(call, in(seconds(20))).error(), "Get fails at /bus: no such unit");
  const auto answer = bus->call(call, in(seconds(20)), true);
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_FALSE(*answer);
  fake_->manner("Get", FakeSystemd::Manner::refuse);
  EXPECT_EQ(bus->call(call, in(seconds(20)), true).error(), "Get fails at /bus: not?for you");
}

TEST_F(Bus, DeadlinesHold) {
  fake_->door(FakeSystemd::Door::silence);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(connect(milliseconds(100)).error(), HasSubstr("does not answer in time"));
  EXPECT_THAT(connect(milliseconds(-100)).error(), HasSubstr("does not answer in time"));
  fake_->door(FakeSystemd::Door::serve);
  fake_->manner("Get", FakeSystemd::Manner::say_nothing);
  auto bus = connect();
  ASSERT_TRUE(bus) << bus.error();
  for (const auto limit : {milliseconds(100), milliseconds(0), milliseconds(-100)}) {
    EXPECT_THAT(bus->call(get_, in(limit)).error(), HasSubstr("does not answer in time"));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(15));
}

TEST_F(Bus, AliveUntilTheOtherEndLeaves) {
  fake_->signals(100);
  auto bus = connect();
  ASSERT_TRUE(bus) << bus.error();
  ASSERT_TRUE(bus->call(get_, in(seconds(20))));
  EXPECT_TRUE(bus->alive());
  fake_.reset();
  EXPECT_FALSE(bus->alive());
  EXPECT_FALSE(bus->call(get_, in(seconds(20))));
}

TEST_F(Bus, WhyItCannotBeReached) {
  fake_.reset();
  EXPECT_THAT(connect().error(), HasSubstr("nothing listens on /bus"));
  EXPECT_EQ(refused_, ECONNREFUSED);
  std::filesystem::remove(root_ / "bus");
  EXPECT_THAT(connect().error(), HasSubstr("no D-Bus socket /bus"));
  EXPECT_EQ(refused_, ENOENT);
  std::filesystem::create_symlink("/outside/bus", root_ / "bus");
  EXPECT_THAT(connect().error(), HasSubstr("no D-Bus socket /bus"));
}

}  // namespace
