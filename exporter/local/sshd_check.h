// What a run of `sshd -t` or `sshd -T` says of the configuration. The wording is sshd's, the same
// from OpenSSH 9.2 to 10.0 as measured. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "local/host.h"
#include "model/host_facts.h"

namespace local {

// nullopt if the run proves nothing about the host: it was not allowed, took too long, or lacked
// what this process lacks.
std::optional<model::ConfigCheck> interpret_check(const ProgramEnd& end,
                                                  const std::string& config_file);
// Why there is no verdict, for an administrator.
std::string no_verdict_reason(const ProgramEnd& end);

// The host keys that sshd named as not loaded, by path, with its reason (may be empty). sshd names
// missing ones only if they are configured.
std::map<std::string, std::string> rejected_host_keys(std::string_view errors);

}  // namespace local
