#include "model/labels.h"

#include <gtest/gtest.h>

namespace model {
namespace {

TEST(Labels, TheExportersOwnAreReserved) {
  for (const auto* name : {"target", "cause", "layer", "le", "port"}) {
    EXPECT_TRUE(is_reserved_label(name)) << name;
  }
  for (const auto* name : {"", "site", "job", "instance", "Target", "targets"}) {
    EXPECT_FALSE(is_reserved_label(name)) << name;
  }
}

}  // namespace
}  // namespace model
