// The effective configuration: what the YAML file says, with every default filled in and checked.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "model/target.h"

namespace config {

struct FileSdSource {
  std::vector<std::string> patterns;  // globs in the last path component; absolute after loading
};

struct ProbeEndpoint {
  bool enabled = true;
  std::vector<base::IpNetwork> allowed_networks;
};

struct Configuration {
  model::ProbeSettings probe;  // defaults of all targets
  std::vector<std::shared_ptr<const model::Target>> targets;  // static ones, in file order
  std::vector<FileSdSource> file_sd;
  std::map<std::string, std::shared_ptr<const model::ProbeSettings>> modules;  // has "default"
  ProbeEndpoint probe_endpoint;
};

// Errors read "FILE:LINE:COLUMN: what is wrong, and what to write".
base::Result<Configuration> load(const std::filesystem::path& file);
// `name` stands for the file in errors; relative file_sd patterns are resolved against `directory`.
base::Result<Configuration> parse(const std::string& yaml, const std::string& name,
                                  const std::filesystem::path& directory);
// Probes localhost:22; used when no file is named and the default file does not exist.
Configuration built_in();
// The whole effective configuration as YAML; parse(print(c)) is c again.
std::string print(const Configuration& configuration);
// Markdown: every option with its type, range, default and meaning, from the option table.
std::string reference();

// One file in Prometheus' file_sd format (YAML or JSON by content). `defaults` are the settings that
// its targets get. Errors as for load().
base::Result<std::vector<std::shared_ptr<const model::Target>>> load_file_sd(
    const std::filesystem::path& file, const std::shared_ptr<const model::ProbeSettings>& defaults);

}  // namespace config
