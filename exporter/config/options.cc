#include "config/options.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/limits.h"

namespace config {

namespace {

using model::ClientProfile;
using model::ProbeSettings;

constexpr Range kIntervals{kShortestInterval.count(), kLongestInterval.count()};
constexpr Range kTimeouts{1, kLongestInterval.count()};
constexpr Range kPorts{0, kPortLimit};
constexpr Range kAlgorithms{1, kAlgorithmLimit};

template <std::vector<std::string> ClientProfile::*kList>
constexpr Option<ProbeSettings> algorithms(std::string_view key, std::string_view help) {
  return {key,
          kAlgorithms,
          help,
          [](const Node& node, const Field& field, ProbeSettings& into, Problems& problems) {
            read_algorithms(node, field, into.client.*kList, problems);
          },
          [](const ProbeSettings& from) { return print_value(from.client.*kList); },
          [](Range range) { return describe(std::vector<std::string>{}, range); },
          false};
}

constexpr std::array kProbeOptions{
    option<&ProbeSettings::interval>("interval", kIntervals,
                                     "From the start of a probe to the next"),
    option<&ProbeSettings::timeout>(
        "timeout", kTimeouts,
        "For the whole probe: all addresses and what follows a refusal. At most `interval`; where "
        "only a shorter `interval` is set, the timeout is as short"),
    option<&ProbeSettings::depth>("depth", {},
                                  "How far to go: the TCP connection, the server's identification, "
                                  "or its algorithms"),
    option<&ProbeSettings::ip_protocol>("ip_protocol", {}, "Probe addresses of this family only"),
    option<&ProbeSettings::addresses>("addresses", {},
                                      "Which of a name's addresses to probe; at most 8"),
    option<&ProbeSettings::source_address>(
        "source_address", {},
        "Connect from this address of the prober; for targets of its own family"),
    option<&ProbeSettings::alternative_ports>(
        "alternative_ports", kPorts, "After a refusal: is SSH listening on one of these instead?"),
    option<&ProbeSettings::control_ports>(
        "control_ports", kPorts,
        "After a refusal or silence: does the host answer on one of these at all?"),
    algorithms<&ClientProfile::kex_algorithms>(
        "kex_algorithms", "Key exchange methods that the client offers, best first"),
    algorithms<&ClientProfile::host_key_algorithms>("host_key_algorithms",
                                                    "Likewise: kinds of host keys"),
    algorithms<&ClientProfile::ciphers>("ciphers", "Likewise: ciphers, in both directions"),
    algorithms<&ClientProfile::macs>("macs",
                                     "Likewise: message authentication codes, in both directions"),
};

constexpr std::array kTargetOptions{
    option<&TargetEntry::target>("target", {}, "The SSH endpoint; port 22 where there is none",
                                 true),
    option<&TargetEntry::labels>(
        "labels", {0, kLabelLimit},
        "Added to every series of the target. Not the exporter's own label names; `job` and "
        "`instance` arrive as `exported_job` and `exported_instance`"),
};

constexpr std::array kFileSdOptions{Option<FileSdSource>{
    "files",
    {1, kPatternLimit},
    "Files in Prometheus' file_sd format, JSON or YAML, watched for changes. `*`, `?` and `[…]` in "
    "the last part of a path; relative to this file",
    [](const Node& node, const Field& field, FileSdSource& into, Problems& problems) {
      read_patterns(node, field, into.patterns, problems);
    },
    [](const FileSdSource& from) { return print_value(from.patterns); },
    [](Range /*range*/) { return std::string("list of paths, such as [targets/*.yml]"); },
    true}};

constexpr std::array kProbeEndpointOptions{
    option<&ProbeEndpoint::enabled>("enabled", {}, "Serve /probe"),
    option<&ProbeEndpoint::allowed_networks>(
        "allowed_networks", {1, kNetworkLimit},
        "Where a target's addresses must lie; /probe answers 403 for others"),
};

template <std::string LocalSettings::*kPath, bool kMayBeEmpty>
constexpr Option<LocalSettings> path_option(std::string_view key, std::string_view help) {
  return {key,
          {},
          help,
          [](const Node& node, const Field& field, LocalSettings& into, Problems& problems) {
            read_path(node, field, kMayBeEmpty, into.*kPath, problems);
          },
          [](const LocalSettings& from) { return Printed(print_text(from.*kPath)); },
          [](Range /*range*/) { return std::string("absolute path"); },
          false};
}

constexpr std::array kLocalOptions{
    option<&LocalSettings::enabled>("enabled", {}, "Watch this host's own SSH server"),
    option<&LocalSettings::interval>(
        "interval", kIntervals,
        "From the start of a look at this host to the next. A failed probe of this host itself "
        "looks at once"),
    path_option<&LocalSettings::root, false>(
        "root", "Where the host's file system is mounted, for an exporter in a container"),
    path_option<&LocalSettings::state_directory, true>(
        "state_directory",
        "Where the place in the log is kept, so that a restart neither loses nor repeats lines. "
        "Empty: $STATE_DIRECTORY, which systemd sets, or nowhere"),
};

}  // namespace

std::span<const Option<ProbeSettings>> probe_options() { return kProbeOptions; }
std::span<const Option<TargetEntry>> target_options() { return kTargetOptions; }
std::span<const Option<FileSdSource>> file_sd_options() { return kFileSdOptions; }
std::span<const Option<ProbeEndpoint>> probe_endpoint_options() { return kProbeEndpointOptions; }
std::span<const Option<LocalSettings>> local_options() { return kLocalOptions; }

bool check_map(const Node& node, std::string_view where, std::span<const std::string_view> keys,
               Problems& problems) {
  constexpr std::size_t kLongestKey = 64;  // longer ones are no misspellings
  if (node.kind != Node::Kind::map) {
    problems.add(node.mark, std::string(where) + " must be a map, lines of KEY: VALUE");
    return false;
  }
  for (std::size_t i = 0; i < node.children.size(); i += 2) {
    const auto& key = node.children[i];
    if (std::find(keys.begin(), keys.end(), key.text) != keys.end()) continue;
    std::string text = "unknown key '" + base::printable(key.text, kLongestKey) + "' in ";
    text += where;
    auto near = key.text.size() <= kLongestKey ? base::nearest(key.text, keys) : "";
    if (!near.empty()) {
      text.append("; did you mean '").append(near).append("'?");
    } else {
      text += "; there are ";
      for (auto known : keys) text.append(known).append(known == keys.back() ? "" : ", ");
    }
    problems.add(key.mark, text);
    return false;
  }
  return true;
}

}  // namespace config
