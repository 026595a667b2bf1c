#include "model/log_event.h"

#include <algorithm>
#include <array>

namespace model {

namespace {

struct Row {
  LogEvent event;
  const char* name;
  bool may_name_user;
};

constexpr std::array kRows = std::to_array<Row>({
    {LogEvent::listen_ok, "listen_ok", false},
    {LogEvent::bind_failed, "bind_failed", false},
    {LogEvent::bind_none, "bind_none", false},
    {LogEvent::listen_failed, "listen_failed", false},
    {LogEvent::hostkey_load, "hostkey_load", false},
    {LogEvent::hostkey_perms, "hostkey_perms", false},
    {LogEvent::hostkeys_none, "hostkeys_none", false},
    {LogEvent::privsep_missing, "privsep_missing", false},
    {LogEvent::privsep_perms, "privsep_perms", false},
    {LogEvent::privsep_chroot, "privsep_chroot", false},
    {LogEvent::privsep_user, "privsep_user", false},
    {LogEvent::cfg_bad, "cfg_bad", false},
    {LogEvent::cfg_terminating, "cfg_terminating", false},
    {LogEvent::exec_missing, "exec_missing", false},
    {LogEvent::rexec_failed, "rexec_failed", false},
    {LogEvent::rexec_state, "rexec_state", false},
    {LogEvent::rexec_unsupported, "rexec_unsupported", false},
    {LogEvent::loader_failed, "loader_failed", false},
    {LogEvent::libcrypto_mismatch, "libcrypto_mismatch", false},
    {LogEvent::sighup, "sighup", false},
    {LogEvent::restart_failed, "restart_failed", false},
    {LogEvent::sigterm, "sigterm", false},
    {LogEvent::fd_or_fork, "fd_or_fork", false},
    {LogEvent::maxstartups_drop, "maxstartups_drop", false},
    {LogEvent::maxstartups_state, "maxstartups_state", false},
    {LogEvent::penalty_drop, "penalty_drop", false},
    {LogEvent::penalty_new, "penalty_new", false},
    {LogEvent::drop_ratelimited, "drop_ratelimited", false},
    {LogEvent::grace_timeout, "grace_timeout", true},
    {LogEvent::libwrap_refused, "libwrap_refused", false},
    {LogEvent::refuseconnection, "refuseconnection", true},
    {LogEvent::ip_options, "ip_options", false},
    {LogEvent::no_ident, "no_ident", true},
    {LogEvent::bad_ident, "bad_ident", true},
    {LogEvent::ident_invalid, "ident_invalid", true},
    {LogEvent::closed, "closed", true},
    {LogEvent::no_kex, "no_kex", true},
    {LogEvent::user_policy, "user_policy", true},
    {LogEvent::root_refused, "root_refused", true},
    {LogEvent::invalid_user, "invalid_user", true},
    {LogEvent::auth_result, "auth_result", true},
    {LogEvent::max_auth, "max_auth", true},
    {LogEvent::key_file_perms, "key_file_perms", true},
    {LogEvent::chroot_perms, "chroot_perms", true},
    {LogEvent::account_expired, "account_expired", true},
    {LogEvent::pam_account, "pam_account", true},
    {LogEvent::child_crash, "child_crash", true},
    {LogEvent::sd_trigger_limit, "sd_trigger_limit", false},
    {LogEvent::sd_socket_stale, "sd_socket_stale", false},
    {LogEvent::sd_failed, "sd_failed", false},
});

constexpr bool rows_match_enumerators() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows.at(i).event) != i) return false;
  }
  return static_cast<std::size_t>(LogEvent::sd_failed) + 1 == kRows.size();
}
static_assert(rows_match_enumerators(), "one row per event, in the order of the enumeration");

const Row& row_of(LogEvent event) { return kRows.at(static_cast<std::size_t>(event)); }

}  // namespace

std::span<const LogEvent> all_log_events() {
  static constexpr auto kAll = [] {
    std::array<LogEvent, kRows.size()> all{};
    std::transform(kRows.begin(), kRows.end(), all.begin(),
                   [](const Row& row) { return row.event; });
    return all;
  }();
  return kAll;
}

const char* name_of(LogEvent event) { return row_of(event).name; }

bool may_name_user(LogEvent event) { return row_of(event).may_name_user; }

}  // namespace model
