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

void merge(const HostFacts& from, HostFacts& into) {
  if (from.systemd) into.systemd = from.systemd;
  if (from.listeners) into.listeners = from.listeners;
  if (from.configuration) into.configuration = from.configuration;
  if (from.processes) into.processes = from.processes;
  if (from.log) into.log = from.log;
  if (from.kernel) into.kernel = from.kernel;
  if (from.guards) into.guards = from.guards;
}

}  // namespace model
