// The web configuration file in the format of Prometheus's exporter-toolkit, as far as this server
// keeps its promises: every other key is an error.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "model/web_config.h"

namespace config {

// Errors read "FILE:LINE:COLUMN: what is wrong, and what to write". Relative paths in the file
// start from its directory. The certificates themselves are read when the server starts.
base::Result<model::WebConfig> load_web_config(const std::filesystem::path& file);
// `name` stands for the file in errors.
base::Result<model::WebConfig> parse_web_config(const std::string& yaml, const std::string& name,
                                                const std::filesystem::path& directory);

}  // namespace config
