#include "local/log_events.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <string>
#include <utility>

#include "base/text.h"

namespace local {

namespace {

using model::LogEvent;

struct Row {
  LogEvent event;
  LogWriter writer;
  const char* pattern;
};

// Every pattern begins where the message begins, and what a stranger can put into a message
// ("Invalid user …", a peer's identification) is always preceded by sshd's own words: so no user
// name can pass for another event. Where a name is followed by an address, the greedy name takes
// all that looks like one but the last, which is sshd's own. "Unsupported option" with a capital is
// not among cfg_bad: sshd says so of options that it was built without, and goes on. Groups: addr,
// port, file, line, why (addr2, file2: the same elsewhere in the pattern).
constexpr std::array<Row, 50> kRows{{
    {LogEvent::listen_ok, LogWriter::sshd,
     R"re(Server listening on (?P<addr>\S+) port (?P<port>\d+)(?: rdomain \S+)?\.$)re"},
    {LogEvent::bind_failed, LogWriter::sshd,
     R"re((?:error: )?Bind to port (?P<port>\d+) on (?P<addr>\S+) failed:)re"
     R"re( (?P<why>.+?)\.?$)re"},
    {LogEvent::bind_none, LogWriter::sshd, R"re((?:fatal: )?Cannot bind any address\.$)re"},
    {LogEvent::listen_failed, LogWriter::sshd,
     R"re((?:fatal: )?listen on \[(?P<addr>[^\]]+)\]:(?P<port>\d+): (?P<why>.+)$)re"},
    {LogEvent::hostkey_load, LogWriter::sshd,
     R"re((?:error: )?(?:Unable to|Could not) load host key(?: "(?P<file>[^"]+)":)re"
     R"re( ?(?P<why>.*)|: (?P<file2>.+))$)re"},
    {LogEvent::hostkey_perms, LogWriter::sshd,
     R"re((?:error: )?Permissions 0\d{3} for '(?P<file>.+)' are too open\.$)re"},
    {LogEvent::hostkeys_none, LogWriter::sshd,
     R"re((?:sshd: )?no hostkeys available -- exiting\.$)re"},
    {LogEvent::privsep_missing, LogWriter::sshd,
     R"re((?:fatal: )?Missing privilege separation directory: (?P<file>.+)$)re"},
    {LogEvent::privsep_perms, LogWriter::sshd,
     R"re((?:fatal: )?(?P<file>/\S+) must be owned by root and not group or)re"
     R"re( world-writable\.$)re"},
    {LogEvent::privsep_chroot, LogWriter::sshd,
     R"re((?:fatal: )?chroot\("(?P<file>[^"]+)"\): (?P<why>.+?)(?: \[preauth\])?$)re"},
    {LogEvent::privsep_user, LogWriter::sshd,
     R"re((?:fatal: )?Privilege separation user \S+ does not exist$)re"},
    {LogEvent::cfg_bad, LogWriter::sshd,
     R"re((?P<file>\S+?):? line (?P<line>\d+): (?P<why>(?:Bad|Missing|missing)re"
     R"re(|unsupported).*)$)re"},
    {LogEvent::cfg_terminating, LogWriter::sshd,
     R"re((?:fatal: )?(?P<file>\S+): terminating, \d+ bad configuration options$)re"},
    {LogEvent::exec_missing, LogWriter::sshd,
     R"re((?:fatal: )?(?P<file>/\S+) does not exist or is not executable$)re"},
    {LogEvent::rexec_failed, LogWriter::sshd,
     R"re((?:fatal: )?rexec of (?P<file>\S+) failed: (?P<why>.+)$)re"},
    {LogEvent::rexec_state, LogWriter::sshd, R"re((?:fatal: )?recv_rexec_state: (?P<why>.+)$)re"},
    // An old process starts a new program in the way of before OpenSSH 9.8.
    {LogEvent::rexec_unsupported, LogWriter::sshd, R"re((?:fatal: )?-R not supported here$)re"},
    // The dynamic loader's, in the name of what it should have loaded.
    {LogEvent::loader_failed, LogWriter::sshd,
     R"re((?P<file>/\S+): (?P<why>error while loading shared libraries: .+)re"
     R"re(|/\S+: version `[^']+' not found .+)$)re"},
    {LogEvent::libcrypto_mismatch, LogWriter::sshd,
     R"re(OpenSSL version mismatch\. Built against \w+, you have \w+$)re"},
    {LogEvent::sighup, LogWriter::sshd, R"re(Received SIGHUP; restarting\.$)re"},
    {LogEvent::restart_failed, LogWriter::sshd,
     R"re(RESTART FAILED: av\[0\]='(?P<file>[^']*)', error: (?P<why>.+)\.$)re"},
    {LogEvent::sigterm, LogWriter::sshd, R"re(Received signal \d+; terminating\.$)re"},
    {LogEvent::fd_or_fork, LogWriter::sshd,
     R"re((?:error: )?(?:accept|fork|reexec socketpair|(?:server_accept_loop:)re"
     R"re( )?pipe\(startup_p\)): (?P<why>.+)$)re"},
    {LogEvent::maxstartups_drop, LogWriter::sshd,
     R"re(drop connection #\d+ from \[(?P<addr>[^\]]+)\]:\d+ on)re"
     R"re( \[(?:[^\]]+)\]:(?P<port>\d+) (?:past )?[Mm]ax[Ss]tartups$)re"},
    {LogEvent::maxstartups_state, LogWriter::sshd,
     R"re((?:error: )?(?:beginning|in|exited) MaxStartups throttling)re"},
    {LogEvent::penalty_drop, LogWriter::sshd,
     R"re(drop connection #\d+ from \[(?P<addr>[^\]]+)\]:\d+ on)re"
     R"re( \[[^\]]+\]:(?P<port>\d+) (?P<why>penalty: .+|too many penalised)re"
     R"re( addresses)$)re"},
    {LogEvent::penalty_new, LogWriter::sshd,
     R"re(srclimit_penalise: (?:ipv[46]: new (?P<addr>\S+) (?:active|deferred) penalty of)re"
     R"re( [\d.]+ seconds for|(?P<addr2>\S+): activating ipv[46] penalty of)re"
     R"re( [\d.]+ seconds for))re"
     R"re( (?P<why>penalty: .+)$)re"},
    {LogEvent::drop_ratelimited, LogWriter::sshd,
     R"re((?:Maxstartups|PerSourcePenalties) logging rate-limited: additional \d+)re"
     R"re( connections dropped$)re"},
    {LogEvent::grace_timeout, LogWriter::sshd,
     R"re((?:fatal: )?Timeout before authentication for (?:connection from)re"
     R"re( (?P<addr>\S+)(?: to [^\s,]+)?, pid = \d+(?: \(\w[\w ]*\))?)re"
     R"re(|(?P<addr2>\S+)(?: port \d+)?)$)re"},
    {LogEvent::libwrap_refused, LogWriter::sshd,
     R"re(refused connect from (?:\S+ \((?P<addr>[^)]+)\)|(?P<addr2>\S+))$)re"},
    {LogEvent::refuseconnection, LogWriter::sshd,
     R"re(administratively prohibited connection for (?:invalid user )?.* from)re"
     R"re( (?P<addr>\S+) port (?P<port>\d+)$)re"},
    {LogEvent::ip_options, LogWriter::sshd,
     R"re((?:fatal: )?Connection from (?P<addr>\S+) port \d+ with IP opts: )re"},
    {LogEvent::no_ident, LogWriter::sshd,
     R"re(Did not receive identification string from (?P<addr>\S+)(?: port \d+)?$)re"},
    {LogEvent::bad_ident, LogWriter::sshd,
     R"re(Bad protocol version identification '.*' from (?P<addr>\S+)(?: port \d+)?$)re"},
    {LogEvent::ident_invalid, LogWriter::sshd,
     R"re((?:error: )?(?:banner exchange|kex_exchange_identification):)re"
     R"re( (?P<why>.+?)(?: \[preauth\])?$)re"},
    {LogEvent::closed, LogWriter::sshd,
     R"re(Connection (?:closed|reset) by (?:(?:authenticating|invalid) user .*)re"
     R"re( )?(?P<addr>\S+) port (?P<port>\d+)(?: \[preauth\])?$)re"},
    {LogEvent::no_kex, LogWriter::sshd,
     R"re((?:fatal: )?Unable to negotiate with (?:(?:authenticating|invalid) user .*)re"
     R"re( )?(?P<addr>\S+)(?: port (?P<port>\d+))?: no matching (?:key exchange)re"
     R"re( method|host key type|cipher|MAC|compression method) found\. Their offer:)re"
     R"re( \S+(?: \[preauth\])?$)re"},
    {LogEvent::user_policy, LogWriter::sshd,
     R"re(User .+?(?: from (?P<addr>\S+))? not allowed because (?P<why>.+)$)re"},
    {LogEvent::root_refused, LogWriter::sshd,
     R"re(ROOT LOGIN REFUSED FROM (?P<addr>\S+)(?: port \d+)?$)re"},
    {LogEvent::invalid_user, LogWriter::sshd,
     R"re(Invalid user .* from (?P<addr>\S+)(?: port (?P<port>\d+))?$)re"},
    {LogEvent::auth_result, LogWriter::sshd,
     R"re((?:Accepted|Failed|Partial|Postponed) \S+ for .* from (?P<addr>\S+) port)re"
     R"re( (?P<port>\d+) ssh2(?:: .*)?$)re"},
    {LogEvent::max_auth, LogWriter::sshd,
     R"re((?:error: )?maximum authentication attempts exceeded for (?:invalid user)re"
     R"re( )?.* from (?P<addr>\S+) port (?P<port>\d+) ssh2(?: \[preauth\])?$)re"},
    {LogEvent::key_file_perms, LogWriter::sshd,
     R"re(Authentication refused(?: for .+)?: bad ownership or modes)re"},
    {LogEvent::chroot_perms, LogWriter::sshd,
     R"re((?:fatal: )?bad ownership or modes for chroot directory (?:component)re"
     R"re( )?"(?P<file>[^"]+)")re"},
    {LogEvent::account_expired, LogWriter::sshd, R"re(Account \S+ has expired$)re"},
    {LogEvent::pam_account, LogWriter::sshd,
     R"re((?:fatal: )?Access denied for user .+ by PAM account configuration(?:)re"
     R"re( \[preauth\])?$)re"},
    {LogEvent::child_crash, LogWriter::sshd,
     R"re((?:error: )?(?:session process \d+ for .+ (?:killed by signal|terminated)re"
     R"re( abnormally)|Session process \d+ unpriv child crash))re"},
    {LogEvent::sd_trigger_limit, LogWriter::systemd,
     R"re(sshd?\.socket: (?:Trigger limit hit, refusing further activation\.|Failed)re"
     R"re( with result '[^']+'\.)$)re"},
    {LogEvent::sd_socket_stale, LogWriter::systemd,
     R"re(sshd?\.socket: Socket unit configuration has changed while unit has been)re"
     R"re( running, no open socket file descriptor left\.)re"},
    {LogEvent::sd_failed, LogWriter::systemd,
     R"re(sshd?\.service: (?:Failed with result '[^']+'|Start request repeated too)re"
     R"re( quickly)\.$)re"},
}};

// Bytes for one pattern that captures.
constexpr std::int64_t kCaptureMemory = 1 << 18U;

RE2::Options options(std::int64_t memory) {
  // Bytes, not characters: names may hold anything.
  RE2::Options options(RE2::Latin1);
  options.set_max_mem(memory);
  options.set_log_errors(false);
  return options;
}

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

const Row& row(LogEvent event) { return kRows[static_cast<std::size_t>(event)]; }

}  // namespace

std::optional<LogWriter> log_writer(std::string_view ident) {
  // From OpenSSH 9.8 on sessions are sshd-session's, from 10.0 on authentication is sshd-auth's.
  if (ident == "sshd" || ident == "sshd-session" || ident == "sshd-auth") return LogWriter::sshd;
  if (ident == "systemd") return LogWriter::systemd;
  return std::nullopt;
}

bool is_ssh_unit(std::string_view unit) {
  const auto stem = unit.substr(0, unit.find_first_of("@."));
  return (stem == "ssh" || stem == "sshd") &&
         (unit.ends_with(".service") || unit.ends_with(".socket"));
}

// One automaton for all patterns.
struct LogEvents::Matcher {
  explicit Matcher(std::size_t memory)
      : set(options(static_cast<std::int64_t>(memory)), RE2::ANCHOR_START) {
    for (std::size_t i = 0; i < kRows.size(); ++i) {
      assert(static_cast<std::size_t>(kRows[i].event) == i);
      [[maybe_unused]] const auto index = set.Add(kRows[i].pattern, nullptr);
      assert(index == static_cast<int>(i));
    }
    usable = set.Compile();
  }

  RE2::Set set;
  bool usable = false;  // false if it does not fit into its memory
  std::vector<int> hits;
};

struct LogEvents::Captures {
  explicit Captures(const char* pattern) : expression(pattern, options(kCaptureMemory)) {
    assert(expression.ok());
    for (const auto& [name, group] : expression.NamedCapturingGroups()) {
      assert(group < static_cast<int>(kGroups));
      names.emplace_back(name, group);
    }
  }

  static constexpr std::size_t kGroups = 8;  // the whole and at most 7
  RE2 expression;
  std::vector<std::pair<std::string, int>> names;
};

LogEvents::LogEvents(std::size_t memory)
    : matcher_(std::make_unique<Matcher>(memory)), captures_(kRows.size()) {}
LogEvents::~LogEvents() = default;

std::optional<LogEvent> LogEvents::find(LogWriter writer, std::string_view message) {
  if (message.size() > kMessageLimit) return std::nullopt;
  RE2::Set::ErrorInfo error{RE2::Set::kOutOfMemory};
  auto& hits = matcher_->hits;
  if (!matcher_->usable || !matcher_->set.Match(piece(message), &hits, &error)) {
    if (error.kind == RE2::Set::kNoError) return std::nullopt;
    // Out of memory: each pattern by itself, slowly.
    hits.clear();
    for (const auto& candidate : kRows) {
      if (captures(candidate.event)
              .expression.Match(piece(message), 0, message.size(), RE2::ANCHOR_START, nullptr, 0)) {
        hits.push_back(static_cast<int>(candidate.event));
      }
    }
  }
  std::sort(hits.begin(), hits.end());
  for (const auto hit : hits) {
    const auto& found = kRows[static_cast<std::size_t>(hit)];
    if (found.writer == writer) return found.event;
  }
  return std::nullopt;
}

const LogEvents::Captures& LogEvents::captures(LogEvent event) {
  auto& captures = captures_[static_cast<std::size_t>(event)];
  if (!captures) captures = std::make_unique<Captures>(row(event).pattern);
  return *captures;
}

void LogEvents::read(LogEvent event, std::string_view message, model::LogLine& line) {
  line.message = base::printable(message, kKeptMessage);
  const auto& wanted = captures(event);
  std::array<re2::StringPiece, Captures::kGroups> groups;
  if (!wanted.expression.Match(piece(message), 0, message.size(), RE2::ANCHOR_START, groups.data(),
                               static_cast<int>(groups.size()))) {
    return;
  }
  for (const auto& [name, group] : wanted.names) {
    const auto& found = groups[static_cast<std::size_t>(group)];
    if (found.data() == nullptr) continue;
    const std::string_view text(found.data(), found.size());
    if (name.starts_with("addr")) {
      line.address = base::printable(text, kKeptAddress);
    } else if (name == "port") {
      line.port = base::parse_integer<std::uint16_t>(text).value_or(0);
    } else if (name.starts_with("file")) {
      line.file = base::printable(text, kKeptText);
    } else if (name == "line") {
      line.line = base::parse_integer<int>(text).value_or(0);
    } else if (name == "why") {
      line.why = base::printable(text, kKeptText);
    }
  }
}

}  // namespace local
