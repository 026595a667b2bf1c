#include "model/log_event.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace {

using model::LogEvent;

TEST(LogEventTest, EachHasItsOwnName) {
  std::set<std::string> names;
  for (const auto event : model::all_log_events()) {
    const std::string name = model::name_of(event);
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string::npos) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_TRUE(names.contains("listen_ok"));
  EXPECT_TRUE(names.contains("sd_failed"));
}

TEST(LogEventTest, LinesOfAuthenticationMayNameAUser) {
  EXPECT_TRUE(model::may_name_user(LogEvent::invalid_user));
  EXPECT_TRUE(model::may_name_user(LogEvent::auth_result));
  EXPECT_TRUE(model::may_name_user(LogEvent::closed));
  EXPECT_FALSE(model::may_name_user(LogEvent::bind_failed));
  EXPECT_FALSE(model::may_name_user(LogEvent::cfg_bad));
}

}  // namespace
