#include "model/log_event.h"

#include <array>

namespace model {

std::span<const LogEvent> all_log_events() {
  using enum LogEvent;
  static constexpr std::array kAll = {
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
  return kAll;
}

const char* name_of(LogEvent event) {
  switch (event) {
    case LogEvent::listen_ok:
      return "listen_ok";
    case LogEvent::bind_failed:
      return "bind_failed";
    case LogEvent::bind_none:
      return "bind_none";
    case LogEvent::listen_failed:
      return "listen_failed";
    case LogEvent::hostkey_load:
      return "hostkey_load";
    case LogEvent::hostkey_perms:
      return "hostkey_perms";
    case LogEvent::hostkeys_none:
      return "hostkeys_none";
    case LogEvent::privsep_missing:
      return "privsep_missing";
    case LogEvent::privsep_perms:
      return "privsep_perms";
    case LogEvent::privsep_chroot:
      return "privsep_chroot";
    case LogEvent::privsep_user:
      return "privsep_user";
    case LogEvent::cfg_bad:
      return "cfg_bad";
    case LogEvent::cfg_terminating:
      return "cfg_terminating";
    case LogEvent::exec_missing:
      return "exec_missing";
    case LogEvent::rexec_failed:
      return "rexec_failed";
    case LogEvent::rexec_state:
      return "rexec_state";
    case LogEvent::libcrypto_mismatch:
      return "libcrypto_mismatch";
    case LogEvent::sighup:
      return "sighup";
    case LogEvent::restart_failed:
      return "restart_failed";
    case LogEvent::sigterm:
      return "sigterm";
    case LogEvent::fd_or_fork:
      return "fd_or_fork";
    case LogEvent::maxstartups_drop:
      return "maxstartups_drop";
    case LogEvent::maxstartups_state:
      return "maxstartups_state";
    case LogEvent::penalty_drop:
      return "penalty_drop";
    case LogEvent::penalty_new:
      return "penalty_new";
    case LogEvent::drop_ratelimited:
      return "drop_ratelimited";
    case LogEvent::grace_timeout:
      return "grace_timeout";
    case LogEvent::libwrap_refused:
      return "libwrap_refused";
    case LogEvent::refuseconnection:
      return "refuseconnection";
    case LogEvent::ip_options:
      return "ip_options";
    case LogEvent::no_ident:
      return "no_ident";
    case LogEvent::bad_ident:
      return "bad_ident";
    case LogEvent::ident_invalid:
      return "ident_invalid";
    case LogEvent::closed:
      return "closed";
    case LogEvent::no_kex:
      return "no_kex";
    case LogEvent::user_policy:
      return "user_policy";
    case LogEvent::root_refused:
      return "root_refused";
    case LogEvent::invalid_user:
      return "invalid_user";
    case LogEvent::auth_result:
      return "auth_result";
    case LogEvent::max_auth:
      return "max_auth";
    case LogEvent::key_file_perms:
      return "key_file_perms";
    case LogEvent::chroot_perms:
      return "chroot_perms";
    case LogEvent::account_expired:
      return "account_expired";
    case LogEvent::pam_account:
      return "pam_account";
    case LogEvent::child_crash:
      return "child_crash";
    case LogEvent::sd_trigger_limit:
      return "sd_trigger_limit";
    case LogEvent::sd_socket_stale:
      return "sd_socket_stale";
    case LogEvent::sd_failed:
      return "sd_failed";
  }
  return "";
}

bool may_name_user(LogEvent event) {
  switch (event) {
    case LogEvent::grace_timeout:
    case LogEvent::refuseconnection:
    case LogEvent::no_ident:
    case LogEvent::bad_ident:
    case LogEvent::ident_invalid:
    case LogEvent::closed:
    case LogEvent::no_kex:
    case LogEvent::user_policy:
    case LogEvent::root_refused:
    case LogEvent::invalid_user:
    case LogEvent::auth_result:
    case LogEvent::max_auth:
    case LogEvent::key_file_perms:
    case LogEvent::chroot_perms:
    case LogEvent::account_expired:
    case LogEvent::pam_account:
    case LogEvent::child_crash:
      return true;
    case LogEvent::listen_ok:
    case LogEvent::bind_failed:
    case LogEvent::bind_none:
    case LogEvent::listen_failed:
    case LogEvent::hostkey_load:
    case LogEvent::hostkey_perms:
    case LogEvent::hostkeys_none:
    case LogEvent::privsep_missing:
    case LogEvent::privsep_perms:
    case LogEvent::privsep_chroot:
    case LogEvent::privsep_user:
    case LogEvent::cfg_bad:
    case LogEvent::cfg_terminating:
    case LogEvent::exec_missing:
    case LogEvent::rexec_failed:
    case LogEvent::rexec_state:
    case LogEvent::libcrypto_mismatch:
    case LogEvent::sighup:
    case LogEvent::restart_failed:
    case LogEvent::sigterm:
    case LogEvent::fd_or_fork:
    case LogEvent::maxstartups_drop:
    case LogEvent::maxstartups_state:
    case LogEvent::penalty_drop:
    case LogEvent::penalty_new:
    case LogEvent::drop_ratelimited:
    case LogEvent::libwrap_refused:
    case LogEvent::ip_options:
    case LogEvent::sd_trigger_limit:
    case LogEvent::sd_socket_stale:
    case LogEvent::sd_failed:
      return false;
  }
  return true;
}

}  // namespace model
