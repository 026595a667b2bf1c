// The effective configuration: what the YAML file says, with every default filled in and checked.
// Hides the format; all of it is pure but for load(), load_file_sd() and expand_patterns(), which
// read files. Errors are for people: "FILE:LINE:COLUMN: what is wrong, and what to write".
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "model/target.h"

namespace config {

struct FileSdSource {
  std::vector<std::string> patterns;  // globs in the last path component; absolute after loading
  bool operator==(const FileSdSource&) const = default;
};

// 0.0.0.0/0 and ::/0
std::vector<base::IpNetwork> all_networks();

struct ProbeEndpoint {
  bool enabled = true;
  std::vector<base::IpNetwork> allowed_networks = all_networks();
  bool operator==(const ProbeEndpoint&) const = default;
};

// The agent: what is watched of this host itself.
struct LocalSettings {
  bool enabled = true;
  base::Duration interval = std::chrono::seconds(15);
  std::string root = "/";  // absolute
  // Absolute; empty: $STATE_DIRECTORY, which systemd sets for StateDirectory=, or none.
  std::string state_directory;
  bool operator==(const LocalSettings&) const = default;
};

struct Configuration {
  model::ProbeSettings probe;                                 // defaults of all targets
  std::vector<std::shared_ptr<const model::Target>> targets;  // static ones, in file order
  std::vector<FileSdSource> file_sd;
  std::map<std::string, std::shared_ptr<const model::ProbeSettings>> modules;  // has "default"
  ProbeEndpoint probe_endpoint;
  LocalSettings local;
};

base::Result<Configuration> load(const std::filesystem::path& file);
// `name` stands for the file in errors; relative file_sd patterns are resolved against `directory`.
base::Result<Configuration> parse(const std::string& yaml, const std::string& name,
                                  const std::filesystem::path& directory);
// Probes localhost:22; used when no file is named and the default file does not exist.
Configuration built_in();
// The whole effective configuration as YAML; parse(print(c)) is c again. Targets and modules print
// what differs from `probe`.
std::string print(const Configuration& configuration);
// Markdown: every option with its type, range, default and meaning, from the option table.
std::string reference();

struct FileSdContent {
  std::vector<std::shared_ptr<const model::Target>> targets;  // in file order, each name once
  std::vector<std::string> warnings;                          // "FILE:LINE:COLUMN: …", bounded
};

// One file in Prometheus' file_sd format (YAML or JSON by content). `defaults` are the settings
// that its targets share. Of equal targets the first stays, with a warning. Labels that begin with
// __ are dropped, as Prometheus does after relabelling.
base::Result<FileSdContent> load_file_sd(
    const std::filesystem::path& file, const std::shared_ptr<const model::ProbeSettings>& defaults);
base::Result<FileSdContent> parse_file_sd(
    const std::string& yaml, const std::string& name,
    const std::shared_ptr<const model::ProbeSettings>& defaults);

// The files that the patterns name now, sorted, each once; without directories. A directory that
// does not exist holds none. One that cannot be read adds a message to `failures`: the files that
// it held may still be there.
std::vector<std::filesystem::path> expand_patterns(const FileSdSource& source,
                                                   std::vector<std::string>* failures = nullptr);

struct TargetList {
  std::string source;  // for warnings: a file, "the configuration"
  std::vector<std::shared_ptr<const model::Target>> targets;
};

// All targets in the order of the lists; the first of equal names stays. Replaces `warnings`.
std::vector<std::shared_ptr<const model::Target>> merge(std::span<const TargetList> lists,
                                                        std::vector<std::string>& warnings);

}  // namespace config
