// Reading answers of systemd, well-formed and not, without any systemd.

#include "local/unit_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "local/system_bus.h"
#include "support/fake_systemd.h"

namespace {

using local::UnitProperties;
using testing::ElementsAre;
using testing::IsEmpty;

// Messages need a connection that they could be sent over.
class Properties : public testing::Test {
 protected:
  Properties() {
    ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends_.data());
    sd_bus_new(&bus_);
    sd_bus_set_fd(bus_, ends_[0], ends_[0]);
    sd_bus_start(bus_);
  }
  ~Properties() override {
    sd_bus_close_unref(bus_);
    ::close(ends_[1]);
  }

  int read(const std::string& name, const test_support::BusValue& value, UnitProperties& into) {
    sd_bus_message* made = nullptr;
    sd_bus_message_new_signal(bus_, &made, "/x", "x.y", "Z");
    const local::Message message(made);
    sd_bus_message_open_container(made, 'a', "{sv}");
    sd_bus_message_open_container(made, 'e', "sv");
    sd_bus_message_append(made, "s", name.c_str());
    value(made);
    sd_bus_message_close_container(made);
    sd_bus_message_close_container(made);
    sd_bus_message_seal(made, 1, 0);
    return local::add_properties(made, into);
  }

  sd_bus* bus_ = nullptr;
  std::array<int, 2> ends_{-1, -1};
};

TEST_F(Properties, TimesThatAreNone) {
  using test_support::bus_time;
  UnitProperties unit;
  ASSERT_GE(read("StateChangeTimestamp", bus_time(0), unit), 0);
  EXPECT_FALSE(unit.unit.changed);
  ASSERT_GE(read("StateChangeTimestamp", bus_time(UINT64_MAX), unit), 0);
  EXPECT_FALSE(unit.unit.changed);
  ASSERT_GE(read("StateChangeTimestamp", bus_time(1), unit), 0);
  EXPECT_EQ(unit.unit.changed, base::WallTime(std::chrono::microseconds(1)));
}

TEST_F(Properties, ListsAreBounded) {
  const std::vector<std::string> names(256, "x");
  UnitProperties unit;
  ASSERT_GE(read("Names", test_support::bus_words(names), unit), 0);
  EXPECT_EQ(unit.unit.aliases.size(), 256U);
  EXPECT_FALSE(unit.malformed);
  ASSERT_GE(read("Names", test_support::bus_words({"one more"}), unit), 0);
  EXPECT_EQ(unit.unit.aliases.size(), 256U);
  EXPECT_TRUE(unit.malformed);
}

TEST_F(Properties, WordsAreBounded) {
  UnitProperties unit;
  ASSERT_GE(read("Environment", test_support::bus_words({std::string(16384, 'x')}), unit), 0);
  EXPECT_FALSE(unit.malformed);
  ASSERT_GE(read("Environment", test_support::bus_words({std::string(16385, 'x')}), unit), 0);
  EXPECT_TRUE(unit.malformed);
}

TEST_F(Properties, CommandsWithoutWordsHaveTheirPath) {
  UnitProperties unit;
  ASSERT_GE(read("ExecStartEx",
                 test_support::bus_array("(sasasttttuii)",
                                         {test_support::exec_command("/usr/sbin/sshd", {})}),
                 unit),
            0);
  ASSERT_EQ(unit.commands.size(), 1U);
  EXPECT_THAT(unit.commands[0].words, ElementsAre("/usr/sbin/sshd"));
}

TEST_F(Properties, OthersArePassedOver) {
  UnitProperties unit;
  EXPECT_GE(read("Description", test_support::bus_text("x"), unit), 0);
  EXPECT_THAT(unit.unit.name, IsEmpty());
}

TEST_F(Properties, AnotherTypeIsAnError) {
  UnitProperties unit;
  for (const auto* name : {"Id", "Names", "Conditions", "MainPID", "ExecStartEx", "Listen",
                           "EnvironmentFiles", "IPAddressDeny", "Accept", "NRestarts"}) {
    EXPECT_LT(read(name, test_support::bus_time(1), unit), 0) << name;
  }
}

TEST(NetworkText, FamiliesSizesAndLengths) {
  const std::array<unsigned char, 16> bytes{192, 0, 2, 1};
  EXPECT_EQ(local::network_text(AF_INET, bytes.data(), 4, 32), "192.0.2.1/32");
  EXPECT_EQ(local::network_text(AF_INET, bytes.data(), 4, 33), "");
  EXPECT_EQ(local::network_text(AF_INET, bytes.data(), 16, 32), "");
  EXPECT_EQ(local::network_text(AF_INET6, bytes.data(), 16, 128), "c000:201::/128");
  EXPECT_EQ(local::network_text(AF_INET6, bytes.data(), 16, 129), "");
  EXPECT_EQ(local::network_text(AF_UNIX, bytes.data(), 4, 8), "");
}

}  // namespace
