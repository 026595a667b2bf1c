// What sshd, and systemd about its units, write to the log, as far as it tells why connections
// fail. How the lines look is known to local/ alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace model {

enum class LogEvent : std::uint8_t {
  listen_ok,
  bind_failed,
  bind_none,
  listen_failed,
  hostkey_load,
  hostkey_perms,
  hostkeys_none,
  privsep_missing,
  privsep_perms,
  privsep_chroot,
  privsep_user,
  cfg_bad,
  cfg_terminating,
  exec_missing,
  rexec_failed,
  rexec_state,
  rexec_unsupported,
  loader_failed,
  libcrypto_mismatch,
  sighup,
  restart_failed,
  sigterm,
  fd_or_fork,
  maxstartups_drop,
  maxstartups_state,
  penalty_drop,
  penalty_new,
  drop_ratelimited,
  grace_timeout,
  libwrap_refused,
  refuseconnection,
  ip_options,
  no_ident,
  bad_ident,
  ident_invalid,
  closed,
  no_kex,
  user_policy,
  root_refused,
  invalid_user,
  auth_result,
  max_auth,
  key_file_perms,
  chroot_perms,
  account_expired,
  pam_account,
  child_crash,
  sd_trigger_limit,
  sd_socket_stale,
  sd_failed,
};

// All of them in the order of the enumeration.
std::span<const LogEvent> all_log_events();
const char* name_of(LogEvent event);  // the `event` label
// Whether such a line may hold what somebody typed as a user name, now and then a password.
bool may_name_user(LogEvent event);

}  // namespace model
