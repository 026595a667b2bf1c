// Deep equality of configurations, whose targets and modules are behind shared pointers.
#pragma once

#include <algorithm>

#include "config/configuration.h"

namespace config {

inline bool same(const model::Target& a, const model::Target& b) {
  return a.name == b.name && a.host == b.host && a.port == b.port && a.labels == b.labels &&
         *a.settings == *b.settings;
}

inline bool same(const Configuration& a, const Configuration& b) {
  return a.probe == b.probe && a.file_sd == b.file_sd && a.probe_endpoint == b.probe_endpoint &&
         std::equal(a.targets.begin(), a.targets.end(), b.targets.begin(), b.targets.end(),
                    [](const auto& x, const auto& y) { return same(*x, *y); }) &&
         std::equal(a.modules.begin(), a.modules.end(), b.modules.begin(), b.modules.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first && *x.second == *y.second;
                    });
}

}  // namespace config
