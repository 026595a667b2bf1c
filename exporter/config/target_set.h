// Targets as they are read from one file: gives each its name and finds the second of two equal
// ones.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "config/document.h"
#include "config/value.h"
#include "model/target.h"

namespace config {

class TargetSet {
 public:
  // Where an equal target is already; nullopt if there was none and this one was added.
  std::optional<Mark> add(const base::HostPort& endpoint, const Labels& labels,
                          std::shared_ptr<const model::ProbeSettings> settings, Mark mark);
  [[nodiscard]] const std::vector<std::shared_ptr<const model::Target>>& targets() const {
    return targets_;
  }
  [[nodiscard]] std::vector<std::shared_ptr<const model::Target>> take() {
    return std::move(targets_);
  }

 private:
  std::vector<std::shared_ptr<const model::Target>> targets_;
  std::unordered_map<std::string_view, Mark> places_;  // by name; views into targets_
};

}  // namespace config
