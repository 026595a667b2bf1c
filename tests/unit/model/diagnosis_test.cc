#include "model/diagnosis.h"

#include <gtest/gtest.h>

namespace model {
namespace {

TEST(diagnosis, roles_are_label_values) {
  EXPECT_STREQ(name_of(ResponderRole::target), "target");
  EXPECT_STREQ(name_of(ResponderRole::path), "path");
  EXPECT_STREQ(name_of(ResponderRole::self), "self");
  EXPECT_STREQ(name_of(ResponderRole::unknown), "unknown");
}

TEST(diagnosis, nothing_is_claimed_by_default) {
  Diagnosis diagnosis;
  EXPECT_FALSE(diagnosis.success);
  EXPECT_EQ(diagnosis.cause, Cause::unknown);
  EXPECT_EQ(diagnosis.confidence, Confidence::possible);
}

}  // namespace
}  // namespace model
