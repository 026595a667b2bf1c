// What hosts.allow and hosts.deny say to a source, as far as addresses decide: hosts_access(5).
// Pure: no name is looked up.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "model/host_facts.h"

namespace diagnose {

enum class WrapperVerdict : std::uint8_t { allowed, denied, unknown };

struct WrapperAnswer {
  WrapperVerdict verdict = WrapperVerdict::allowed;
  const model::WrapperRule* rule = nullptr;  // that decided or cannot be decided; null for none
};

// Without a source: for everybody; unknown where some are allowed and others denied.
WrapperAnswer ask_wrappers(const std::vector<model::WrapperRule>& rules,
                           const std::optional<base::IpAddress>& source);

}  // namespace diagnose
