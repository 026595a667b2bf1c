#include "model/cause.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace model {
namespace {

TEST(cause, rows_are_complete_and_in_order) {
  std::set<std::string_view> names;
  std::size_t i = 0;
  for (const auto& row : all_causes()) {
    EXPECT_EQ(static_cast<std::size_t>(row.cause), i++);
    EXPECT_EQ(&info(row.cause), &row);
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.meaning.ends_with(".")) << row.name;
    EXPECT_EQ(row.fix.empty(), row.cause == Cause::none) << row.name;
  }
}

TEST(cause, names_are_label_values) {
  for (const auto& row : all_causes()) {
    EXPECT_TRUE(std::all_of(row.name.begin(), row.name.end(), [](char c) {
      return c == '_' || (c >= 'a' && c <= 'z');
    })) << row.name;
  }
}

TEST(cause, only_none_has_layer_none) {
  for (const auto& row : all_causes()) {
    EXPECT_EQ(row.layer == Layer::none, row.cause == Cause::none) << row.name;
    EXPECT_EQ(row.layer == Layer::unknown, row.cause == Cause::unknown) << row.name;
  }
}

TEST(cause, layers_and_confidences_have_names) {
  EXPECT_STREQ(name_of(Layer::none), "none");
  EXPECT_STREQ(name_of(Layer::dns), "dns");
  EXPECT_STREQ(name_of(Layer::client), "client");
  EXPECT_STREQ(name_of(Layer::network), "network");
  EXPECT_STREQ(name_of(Layer::host_firewall), "host_firewall");
  EXPECT_STREQ(name_of(Layer::access_policy), "access_policy");
  EXPECT_STREQ(name_of(Layer::service), "service");
  EXPECT_STREQ(name_of(Layer::binding), "binding");
  EXPECT_STREQ(name_of(Layer::overload), "overload");
  EXPECT_STREQ(name_of(Layer::protocol), "protocol");
  EXPECT_STREQ(name_of(Layer::unknown), "unknown");
  EXPECT_STREQ(name_of(Confidence::possible), "possible");
  EXPECT_STREQ(name_of(Confidence::likely), "likely");
  EXPECT_STREQ(name_of(Confidence::certain), "certain");
}

TEST(cause, confidences_are_ordered) {
  EXPECT_LT(Confidence::possible, Confidence::likely);
  EXPECT_LT(Confidence::likely, Confidence::certain);
}

}  // namespace
}  // namespace model
