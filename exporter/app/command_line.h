// The command line: which command, with which flags. Hides CLI11.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"

namespace app {

inline constexpr const char* kDefaultConfigFile = "/etc/ssh_refusal_exporter/exporter.yml";

struct ServeOptions {
  std::optional<std::string> config_file;  // absent: the default file, or what is built in
  bool config_check = false;
  std::vector<std::string> listen_addresses{":10062"};
  std::string telemetry_path = "/metrics";
  std::string web_config_file;
  std::string route_prefix;  // as from web::normalised_prefix()
  std::string external_url;
};

struct DiagnoseOptions {
  std::optional<std::string> config_file;
  std::vector<std::string> targets;
  std::optional<std::string> timeout;
  bool json = false;
};

struct InspectOptions {
  std::optional<std::string> config_file;
  bool json = false;
};

struct HealthcheckOptions {
  std::string url = "http://localhost:10062/-/healthy";
};

enum class ReferenceTopic { config, metrics, causes };
struct ReferenceOptions {
  ReferenceTopic topic = ReferenceTopic::config;
};

struct CommandLine {
  std::variant<ServeOptions, DiagnoseOptions, InspectOptions, HealthcheckOptions, ReferenceOptions>
      command;
  base::log::Level log_level = base::log::Level::info;
  base::log::Format log_format = base::log::Format::logfmt;
};

// Either a command to run, or an exit code after --help, --version or a usage error has been
// printed.
std::variant<CommandLine, int> parse_command_line(int argc, const char* const* argv);

}  // namespace app
