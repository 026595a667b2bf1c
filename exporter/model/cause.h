// The taxonomy: every cause that can be published, with its layer, its meaning and its cure.
// Adding one: an enumerator, a row in cause.cc (the build fails without it), a rule in diagnose/, a
// scenario in tests/scenario/ and its line in the runbooks (the tidy test fails without them).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace model {

enum class Layer : std::uint8_t {
  none,
  dns,
  client,
  network,
  host_firewall,
  access_policy,
  service,
  binding,
  overload,
  protocol,
  unknown,
};

enum class Confidence : std::uint8_t {
  possible,  // an umbrella, or circumstantial evidence only
  likely,    // all evidence agrees, but another cause could produce it
  certain,   // proved by a fact that no other cause can produce
};

enum class Cause : std::uint8_t {
  none,
  dns_not_found,
  dns_failed,
  dns_bogus_address,
  client_no_route,
  client_blocked,
  client_resource,
  host_down,
  no_route,
  path_firewall_reject,
  no_answer,
  port_filtered,
  host_firewall_reject,
  port_closed,
  sshd_not_installed,
  sshd_disabled,
  sshd_starting,
  sshd_not_running,
  sshd_binary_broken,
  sshd_config_invalid,
  sshd_host_keys_missing,
  sshd_host_keys_unusable,
  sshd_runtime_dir_missing,
  sshd_upgrade_skew,
  socket_unit_failed,
  sshd_failed,
  socket_port_mismatch,
  port_conflict,
  port_bind_denied,
  address_missing,
  loopback_only,
  wrong_port,
  wrong_address,
  address_family,
  accept_queue_full,
  conntrack_full,
  sshd_hung,
  max_startups,
  resource_exhausted,
  source_penalty,
  turned_away,
  tcp_wrappers_denied,
  closed_before_banner,
  not_ssh,
  protocol_version,
  kex_mismatch,
  kex_failed,
  unknown,
};

struct CauseInfo {
  Cause cause;
  std::string_view name;  // the `cause` label
  Layer layer;
  std::string_view meaning;  // one sentence for a person
  std::string_view fix;      // what to do about it; empty for none
};

// One row per enumerator, in the order of the enumeration.
std::span<const CauseInfo> all_causes();
const CauseInfo& info(Cause cause);

const char* name_of(Layer layer);
const char* name_of(Confidence confidence);

}  // namespace model
