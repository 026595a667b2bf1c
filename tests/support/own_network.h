// Tests that must know every socket and every interface run where there are no others.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "support/child.h"

namespace test_support {

class OwnNetwork : public testing::Test {
 protected:
  void SetUp() override {
    if (!may_enter_network_namespace()) {
      GTEST_SKIP() << "needs the right to make a network namespace";
    }
  }
  static void inside(const std::function<void()>& body) {
    EXPECT_TRUE(succeeds_in_child([&] {
      ASSERT_TRUE(enter_network_namespace());
      body();
    }));
  }
};

}  // namespace test_support
