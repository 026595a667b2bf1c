// The sections at the top of the configuration file: how each is read and printed as a whole.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "config/configuration.h"
#include "config/document.h"

namespace config {

struct SectionContext {
  const std::filesystem::path& directory;  // that relative paths start from
  Problems& problems;
};

struct Section {
  std::string_view key;
  std::string_view type;
  std::string_view help;
  void (*read)(const Node& node, Configuration& into, const SectionContext& context);
  void (*print)(const Configuration& from, std::string& yaml);
};

// In reading order: `probe` is what the others start from.
std::span<const Section> sections();

}  // namespace config
