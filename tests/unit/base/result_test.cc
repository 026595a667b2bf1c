#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace base {
namespace {

TEST(Result, IsAValueOrAnError) {
  Result<std::string> good(std::string("value"));
  ASSERT_TRUE(good.ok());
  EXPECT_TRUE(good);
  EXPECT_EQ(*good, "value");
  EXPECT_EQ(good->size(), 5U);
  *good += "s";
  EXPECT_EQ(good.value(), "values");
  Result<std::string> bad(Error{"what is wrong"});
  EXPECT_FALSE(bad.ok());
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.error(), "what is wrong");
}

TEST(Result, HandsOverWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> made(std::make_unique<int>(7));
  auto taken = std::move(made).value();
  EXPECT_EQ(*taken, 7);
}

TEST(Result, OfNothing) {
  Result<void> good;
  EXPECT_TRUE(good.ok());
  Result<void> bad(Error{"no"});
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.error(), "no");
}

}  // namespace
}  // namespace base
