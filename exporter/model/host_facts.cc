#include "model/host_facts.h"

namespace model {

const char* name_of(ConfigSource source) {
  switch (source) {
    case ConfigSource::effective:
      return "effective";
    case ConfigSource::parsed:
      return "parsed";
    case ConfigSource::command_line:
      return "command_line";
  }
  return "";
}

const char* name_of(ConfigProblem problem) {
  switch (problem) {
    case ConfigProblem::none:
      return "none";
    case ConfigProblem::configuration:
      return "configuration";
    case ConfigProblem::host_keys:
      return "host_keys";
    case ConfigProblem::runtime_directory:
      return "runtime_directory";
    case ConfigProblem::program:
      return "program";
    case ConfigProblem::other:
      return "other";
  }
  return "";
}

}  // namespace model
