// The text of a configuration or target file.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace config {

// At most kFileBytesLimit bytes; never waits for another program's pipe. Errors begin with the
// path.
base::Result<std::string> read_text(const std::filesystem::path& file);

}  // namespace config
