// Hostile configuration and target files: an error or a configuration, never an exception or a
// crash; and what is accepted is printed such that it is read back and printed the same.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "config/configuration.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto kSettings = std::make_shared<const model::ProbeSettings>();
  const std::string yaml(reinterpret_cast<const char*>(data), size);
  if (auto content = config::parse_file_sd(yaml, "file", kSettings); content.ok()) {
    for (const auto& target : content->targets) {
      if (target->name.empty() || target->settings != kSettings) std::abort();
    }
  }
  auto configuration = config::parse(yaml, "file", "/etc");
  if (!configuration.ok()) return 0;
  const auto printed = config::print(*configuration);
  auto again = config::parse(printed, "printed", "/elsewhere");
  if (!again.ok() || config::print(*again) != printed) std::abort();
  return 0;
}
