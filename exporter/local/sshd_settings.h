// What the lines of a configuration mean, whether sshd printed them (`sshd -T`, `sshd -G`) or we
// read them. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "local/sshd_config.h"
#include "model/host_facts.h"

namespace local {

struct SshdSettings {
  // ports … deny_groups are set, the rest is not touched.
  model::SshdConfig config;
  std::vector<std::string> host_keys;  // paths as sshd would open them from /
  bool host_keys_by_default = false;   // none is configured: sshd is silent about a missing one
  bool host_key_agent = false;         // private keys may be elsewhere
  // ListenAddress and Port lines that could not be turned into addresses; they are not in `listen`.
  std::vector<std::string> unknown;
};

// sshd's own output: one keyword a line, values unquoted.
std::vector<ConfigLine> effective_lines(std::string_view output);

// The port of a service's name, as in /etc/services; nullopt if there is none.
using ServicePort = std::function<std::optional<std::uint16_t>(const std::string& name)>;
std::optional<std::uint16_t> find_service(std::string_view services, std::string_view name);

// The first value wins. What is not set has sshd's default; what sshd would refuse is left out, and
// so is everything whose default would then be a guess.
SshdSettings interpret_settings(const std::vector<ConfigLine>& lines, const ServicePort& service);

// sshd's spelling of times: 90, 10m, 1h30m. nullopt if it is none.
std::optional<base::Duration> parse_sshd_time(std::string_view text);

// sshd accepts 256 Port lines (MAX_PORTS); each may apply to each ListenAddress.
constexpr std::size_t kPortLimit = 256;
constexpr std::size_t kListenLimit = 4096;
// More host keys than there are types have been seen; a hundred have not.
constexpr std::size_t kHostKeyLimit = 64;

}  // namespace local
