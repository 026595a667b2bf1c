// Every pattern against a line of a real sshd, and against strangers' attempts to write one.

#include "local/log_events.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "model/log_event.h"

namespace local {
namespace {

using model::LogEvent;

struct Sample {
  LogEvent event;
  const char* message;
};

const std::vector<Sample> kSamples{
    {LogEvent::listen_ok, R"(Server listening on 10.99.3.2 port 22.)"},
    {LogEvent::bind_failed,
     R"(Bind to port 22 on 10.99.3.250 failed: Cannot assign requested address.)"},
    {LogEvent::bind_none, R"(fatal: Cannot bind any address.)"},
    {LogEvent::listen_failed, R"(fatal: listen on [::]:22: Address already in use)"},
    {LogEvent::hostkey_load, R"(Unable to load host key "/etc/ssh/hk_bad": bad permissions)"},
    {LogEvent::hostkey_perms, R"(Permissions 0644 for '/etc/ssh/hk_bad' are too open.)"},
    {LogEvent::hostkeys_none, R"(sshd: no hostkeys available -- exiting.)"},
    {LogEvent::privsep_missing, R"(Missing privilege separation directory: /run/sshd)"},
    {LogEvent::privsep_perms,
     R"(/run/sshd must be owned by root and not group or world-writable.)"},
    {LogEvent::privsep_chroot, R"(chroot("/etc/ssh/empty"): No such file or directory [preauth])"},
    {LogEvent::privsep_user, R"(Privilege separation user sshd does not exist)"},
    {LogEvent::cfg_bad, R"(bo.conf line 7: Badly formatted port number.)"},
    {LogEvent::cfg_terminating, R"(/etc/ssh/hup.conf: terminating, 1 bad configuration options)"},
    {LogEvent::exec_missing, R"(/usr/lib64/misc/sshd-session does not exist or is not executable)"},
    {LogEvent::rexec_failed,
     R"(rexec of /x/libexec/sshd-session failed: No such file or directory)"},
    {LogEvent::rexec_state, R"(recv_rexec_state: ssh_msg_recv failed)"},
    {LogEvent::rexec_unsupported, R"(-R not supported here)"},
    {LogEvent::loader_failed,
     R"(/usr/lib/openssh/sshd-session: error while loading shared libraries: libwrap.so.0: )"
     R"(cannot open shared object file: No such file or directory)"},
    {LogEvent::loader_failed,
     R"(/usr/sbin/sshd: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found )"
     R"((required by /usr/sbin/sshd))"},
    {LogEvent::libcrypto_mismatch,
     R"(OpenSSL version mismatch. Built against 30000070, you have 30200020)"},
    {LogEvent::sighup, R"(Received SIGHUP; restarting.)"},
    {LogEvent::restart_failed,
     R"(RESTART FAILED: av[0]='/usr/sbin/sshd', error: No such file or directory.)"},
    {LogEvent::sigterm, R"(Received signal 15; terminating.)"},
    {LogEvent::fd_or_fork, R"(error: server_accept_loop: pipe(startup_p): Too many open files)"},
    {LogEvent::maxstartups_drop,
     R"(drop connection #2 from [10.99.1.2]:42942 on [10.99.3.2]:22 Maxstartups)"},
    {LogEvent::maxstartups_state, R"(error: beginning MaxStartups throttling)"},
    {LogEvent::penalty_drop,
     R"(drop connection #0 from [10.99.1.2]:33526 on [10.99.3.2]:22 penalty: connections )"
     R"(without attempting authentication)"},
    {LogEvent::penalty_new,
     R"(srclimit_penalise: 10.99.1.2/32: activating ipv4 penalty of 15.659 seconds for )"
     R"(penalty: connections without attempting authentication)"},
    {LogEvent::drop_ratelimited,
     R"(PerSourcePenalties logging rate-limited: additional 7 connections dropped)"},
    {LogEvent::grace_timeout,
     R"(Timeout before authentication for connection from 10.99.1.2 to 10.99.3.2, pid = 9004)"},
    {LogEvent::libwrap_refused, R"(refused connect from 127.0.0.1 (127.0.0.1))"},
    {LogEvent::refuseconnection,
     R"(administratively prohibited connection for root from 10.99.1.2 port 52566)"},
    {LogEvent::ip_options, R"(Connection from 192.0.2.1 port 4 with IP opts:  83)"},
    {LogEvent::no_ident, R"(Did not receive identification string from 192.0.2.1 port 4)"},
    {LogEvent::bad_ident, R"(Bad protocol version identification 'GET /' from 192.0.2.1 port 4)"},
    {LogEvent::ident_invalid,
     R"(banner exchange: Connection from 10.99.1.2 port 41162: invalid format)"},
    {LogEvent::closed,
     R"(Connection closed by invalid user nosuchuser 10.99.1.2 port 44260 [preauth])"},
    {LogEvent::no_kex,
     R"(Unable to negotiate with 10.99.1.2 port 53838: no matching host key type found. )"
     R"(Their offer: rsa-sha2-256 [preauth])"},
    {LogEvent::user_policy,
     R"(User root from 10.99.1.2 not allowed because not listed in AllowUsers)"},
    {LogEvent::root_refused, R"(ROOT LOGIN REFUSED FROM 192.0.2.1 port 22)"},
    {LogEvent::invalid_user, R"(Invalid user nosuchuser from 10.99.1.2 port 44260)"},
    {LogEvent::auth_result, R"(Failed password for root from 51.89.166.236 port 38808 ssh2)"},
    {LogEvent::max_auth,
     R"(error: maximum authentication attempts exceeded for root from 192.0.2.1 port 5 ssh2 )"
     R"([preauth])"},
    {LogEvent::key_file_perms,
     R"(Authentication refused: bad ownership or modes for directory /home/u/.ssh)"},
    {LogEvent::chroot_perms, R"(fatal: bad ownership or modes for chroot directory "/srv")"},
    {LogEvent::account_expired, R"(Account bob has expired)"},
    {LogEvent::pam_account,
     R"(fatal: Access denied for user u by PAM account configuration [preauth])"},
    {LogEvent::child_crash,
     R"(error: session process 12 for connection from 1.2.3.4 to 5.6.7.8 killed by signal 11)"},
    {LogEvent::sd_trigger_limit, R"(sshd.socket: Trigger limit hit, refusing further activation.)"},
    {LogEvent::sd_socket_stale,
     R"(ssh.socket: Socket unit configuration has changed while unit has been running, no )"
     R"(open socket file descriptor left. The socket unit is not functional until restarted.)"},
    {LogEvent::sd_failed, R"(ssh.service: Start request repeated too quickly.)"},
};

const std::vector<Sample>& samples() { return kSamples; }

LogWriter writer_of(LogEvent event) {
  return std::string_view(model::name_of(event)).starts_with("sd_") ? LogWriter::systemd
                                                                    : LogWriter::sshd;
}

std::string found(LogEvents& events, LogWriter writer, std::string_view message) {
  const auto event = events.find(writer, message);
  return event ? model::name_of(*event) : "nothing";
}

model::LogLine read(LogEvents& events, LogWriter writer, std::string_view message) {
  model::LogLine line;
  const auto event = events.find(writer, message);
  EXPECT_TRUE(event) << message;
  if (event) events.read(*event, message, line);
  return line;
}

TEST(LogEvents, EveryEventHasItsLine) {
  LogEvents events;
  std::set<LogEvent> seen;
  for (const auto& [event, message] : samples()) {
    seen.insert(event);
    EXPECT_EQ(found(events, writer_of(event), message), model::name_of(event)) << message;
    const auto other = writer_of(event) == LogWriter::sshd ? LogWriter::systemd : LogWriter::sshd;
    EXPECT_EQ(found(events, other, message), "nothing") << message;
  }
  EXPECT_EQ(seen.size(), model::all_log_events().size());
}

TEST(LogEvents, ThePenaltysNetwork) {
  LogEvents events;
  EXPECT_EQ(read(events, LogWriter::sshd,
                 "srclimit_penalise: ipv6: new 2001:db8::/64 active penalty of 5 seconds for "
                 "penalty: failed authentication")
                .address,
            "2001:db8::/64");
  EXPECT_EQ(read(events, LogWriter::sshd,
                 "srclimit_penalise: 10.99.1.2/32: activating ipv4 penalty of 15.659 seconds for "
                 "penalty: exceeded LoginGraceTime")
                .address,
            "10.99.1.2/32");
}

TEST(LogEvents, OtherWordsForTheSame) {
  LogEvents events;
  for (const auto& [event, message] : std::vector<Sample>{
           {LogEvent::listen_ok, "Server listening on :: port 22 rdomain 1."},
           {LogEvent::bind_failed, "error: Bind to port 22 on 0.0.0.0 failed: Address in use."},
           {LogEvent::bind_none, "Cannot bind any address."},
           {LogEvent::hostkey_load, "Could not load host key: /etc/ssh/ssh_host_rsa_key"},
           {LogEvent::hostkey_load, "Unable to load host key: /etc/ssh/ssh_host_rsa_key"},
           {LogEvent::hostkeys_none, "no hostkeys available -- exiting."},
           {LogEvent::privsep_missing, "fatal: Missing privilege separation directory: /x y"},
           {LogEvent::cfg_bad, "/etc/ssh/sshd_config: line 3: Bad configuration option: Prot"},
           {LogEvent::cfg_bad, "/etc/ssh/sshd_config line 9: missing argument."},
           {LogEvent::fd_or_fork, "error: accept: Too many open files"},
           {LogEvent::fd_or_fork, "error: fork: Resource temporarily unavailable"},
           {LogEvent::fd_or_fork, "error: reexec socketpair: Too many open files"},
           {LogEvent::maxstartups_drop,
            "drop connection #100 from [::1]:9 on [::1]:22 past MaxStartups"},
           {LogEvent::maxstartups_state,
            "exited MaxStartups throttling after 00:01:02, 3 connections dropped"},
           {LogEvent::penalty_drop,
            "drop connection #0 from [::1]:9 on [::1]:22 too many penalised addresses"},
           {LogEvent::penalty_new,
            "srclimit_penalise: ipv6: new 2001:db8::/64 deferred penalty of 5 seconds for penalty: "
            "failed authentication"},
           {LogEvent::grace_timeout, "fatal: Timeout before authentication for 192.0.2.1 port 22"},
           {LogEvent::grace_timeout,
            "Timeout before authentication for connection from 192.0.2.1, pid = 4 (while busy)"},
           {LogEvent::libwrap_refused, "refused connect from 192.0.2.1"},
           {LogEvent::ident_invalid,
            "error: kex_exchange_identification: Connection closed by remote host"},
           {LogEvent::closed, "Connection reset by 192.0.2.1 port 9 [preauth]"},
           {LogEvent::closed, "Connection closed by authenticating user root 192.0.2.1 port 9"},
           {LogEvent::auth_result,
            "Accepted publickey for bob from ::1 port 9 ssh2: ED25519 SHA256:x"},
           {LogEvent::child_crash, "error: Session process 12 unpriv child crash"},
       }) {
    EXPECT_EQ(found(events, LogWriter::sshd, message), model::name_of(event)) << message;
  }
  EXPECT_EQ(found(events, LogWriter::systemd, "sshd.socket: Failed with result 'resources'."),
            "sd_trigger_limit");
  EXPECT_EQ(found(events, LogWriter::systemd, "sshd.service: Failed with result 'exit-code'."),
            "sd_failed");
}

TEST(LogEvents, HarmlessLinesAreNone) {
  LogEvents events;
  for (const auto* message :
       {"", " ", "Disconnected from user root 192.0.2.1 port 9",
        "Received disconnect from 192.0.2.1 port 9:11: disconnected by user",
        // Of an option that this sshd was built without; it goes on.
        "/etc/ssh/sshd_config line 5: Unsupported option GSSAPIAuthentication",
        "/etc/ssh/sshd_config line 5: Deprecated option Protocol",
        "pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)",
        "drop connection #2 from [192.0.2.1]:9 on [192.0.2.2]:22 for fun", "Server listening on"}) {
    EXPECT_EQ(found(events, LogWriter::sshd, message), "nothing") << message;
  }
  EXPECT_EQ(found(events, LogWriter::systemd, "cups.service: Failed with result 'exit-code'."),
            "nothing");
  EXPECT_EQ(found(events, LogWriter::systemd, "ssh.service: Deactivated successfully."), "nothing");
}

// sshd's own words stand before whatever a stranger says, so his words never count.
TEST(LogEvents, LinesInsideOfNamesAreNames) {
  LogEvents events;
  for (const auto& [event, sample] : samples()) {
    const std::string inner = sample;
    const auto name = model::name_of(event);
    EXPECT_EQ(found(events, LogWriter::sshd, "Invalid user " + inner + " from 192.0.2.1 port 5"),
              "invalid_user")
        << name;
    EXPECT_EQ(found(events, LogWriter::sshd,
                    "Failed password for invalid user " + inner + " from 192.0.2.1 port 5 ssh2"),
              "auth_result")
        << name;
    EXPECT_EQ(found(events, LogWriter::sshd,
                    "Connection closed by invalid user " + inner + " 192.0.2.1 port 5 [preauth]"),
              "closed")
        << name;
    EXPECT_EQ(found(events, LogWriter::sshd,
                    "Bad protocol version identification '" + inner + "' from 192.0.2.1 port 5"),
              "bad_ident")
        << name;
    EXPECT_EQ(found(events, LogWriter::sshd,
                    "kex_exchange_identification: client sent invalid protocol identifier \"" +
                        inner + "\""),
              "ident_invalid")
        << name;
    // These begin with a file's name, which may be anything without a blank.
    if (event == LogEvent::cfg_bad || event == LogEvent::cfg_terminating) continue;
    for (const auto* before :
         {" ", "x", "\n", "Invalid user \n", "\x1b[2J", "\xff", "error: e: "}) {
      EXPECT_NE(found(events, writer_of(event), before + inner), name) << before << name;
    }
    const auto ends = inner + std::string("\nInvalid user x from 192.0.2.1 port 5\n");
    EXPECT_NE(found(events, LogWriter::sshd, ends), "invalid_user") << name;
  }
}

TEST(LogEvents, TheLastAddressIsSshdsOwn) {
  LogEvents events;
  for (const auto* message :
       {"Invalid user a from 198.51.100.66 port 1 from 192.0.2.1 port 5",
        "Failed password for invalid user a from 198.51.100.66 port 1 ssh2 from 192.0.2.1 port 5 "
        "ssh2",
        "Failed none for a from 198.51.100.66 port 1 ssh2: b from 192.0.2.1 port 5 ssh2",
        "Connection closed by invalid user a 198.51.100.66 port 1 192.0.2.1 port 5 [preauth]",
        "error: maximum authentication attempts exceeded for invalid user a from 198.51.100.66 "
        "port 1 ssh2 from 192.0.2.1 port 5 ssh2 [preauth]",
        "administratively prohibited connection for a from 198.51.100.66 port 1 from 192.0.2.1 "
        "port 5"}) {
    const auto line = read(events, LogWriter::sshd, message);
    EXPECT_EQ(line.address, "192.0.2.1") << message;
    EXPECT_EQ(line.port, 5) << message;
  }
}

TEST(LogEvents, ReadsWhatALineNames) {
  LogEvents events;
  auto line =
      read(events, LogWriter::sshd, "Bind to port 22 on fe80::1%eth0 failed: Permission denied.");
  EXPECT_EQ(line.address, "fe80::1%eth0");
  EXPECT_EQ(line.port, 22);
  EXPECT_EQ(line.why, "Permission denied");
  EXPECT_EQ(line.message, "Bind to port 22 on fe80::1%eth0 failed: Permission denied.");
  line = read(events, LogWriter::sshd, "/etc/ssh/sshd_config line 7: Badly formatted port number.");
  EXPECT_EQ(line.file, "/etc/ssh/sshd_config");
  EXPECT_EQ(line.line, 7);
  EXPECT_EQ(line.why, "Badly formatted port number.");
  EXPECT_EQ(read(events, LogWriter::sshd, "/x: line 99999999999: Bad").line, 0);
  line = read(events, LogWriter::sshd, "Could not load host key: /etc/ssh/key");
  EXPECT_EQ(line.file, "/etc/ssh/key");
  EXPECT_EQ(line.why, "");
  line = read(events, LogWriter::sshd, "Unable to load host key \"/etc/ssh/key\": bad permissions");
  EXPECT_EQ(line.file, "/etc/ssh/key");
  EXPECT_EQ(line.why, "bad permissions");
  line = read(events, LogWriter::sshd, "Missing privilege separation directory: /run/sshd");
  EXPECT_EQ(line.file, "/run/sshd");
  line = read(events, LogWriter::sshd,
              "Timeout before authentication for connection from 192.0.2.1 to "
              "192.0.2.2, pid = 9004");
  EXPECT_EQ(line.address, "192.0.2.1");
  line = read(events, LogWriter::sshd, "refused connect from host.example (192.0.2.1)");
  EXPECT_EQ(line.address, "192.0.2.1");
  line = read(events, LogWriter::sshd, "Received signal 15; terminating.");
  EXPECT_EQ(line.line, 0) << "a signal's number is no line";
  line = read(events, LogWriter::sshd,
              "drop connection #2 from [192.0.2.1]:4 on [192.0.2.2]:22 Maxstartups");
  EXPECT_EQ(line.address, "192.0.2.1");
  EXPECT_EQ(line.port, 22);
  EXPECT_EQ(read(events, LogWriter::sshd, "Invalid user x from 192.0.2.1 port 70000").port, 0);
}

TEST(LogEvents, WhatIsKeptIsPrintableAndBounded) {
  LogEvents events;
  const auto name = "\x1b[31m\xff\xc0" + std::string("\0", 1) + std::string(3000, 'a');
  auto line = read(events, LogWriter::sshd, "Invalid user " + name + " from 192.0.2.1 port 5");
  EXPECT_EQ(line.message.size(), LogEvents::kKeptMessage);
  EXPECT_TRUE(line.message.starts_with("Invalid user ?[31m???aaa")) << line.message;
  EXPECT_EQ(line.address, "192.0.2.1");
  line = read(events, LogWriter::sshd, "Invalid user x from \x1b" + std::string(900, 'b'));
  EXPECT_EQ(line.address.size(), LogEvents::kKeptAddress);
  EXPECT_TRUE(base::is_valid_utf8(line.address));
  line = read(events, LogWriter::sshd,
              "Missing privilege separation directory: /" + std::string(900, 'c'));
  EXPECT_EQ(line.file.size(), LogEvents::kKeptText);
}

TEST(LogEvents, LongMessagesAreNotSshds) {
  LogEvents events;
  const std::string begin = "Invalid user ";
  const std::string end = " from 192.0.2.1 port 5";
  const auto room = LogEvents::kMessageLimit - begin.size() - end.size();
  EXPECT_EQ(found(events, LogWriter::sshd, begin + std::string(room, 'a') + end), "invalid_user");
  EXPECT_EQ(found(events, LogWriter::sshd, begin + std::string(room + 1, 'a') + end), "nothing");
  EXPECT_EQ(found(events, LogWriter::sshd, begin + std::string(1'000'000, 'a') + end), "nothing");
}

// The automaton is emptied whenever it is full; the answers stay the same.
TEST(LogEvents, GarbageChangesNothing) {
  LogEvents events;
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string message = samples()[random() % samples().size()].message;
    for (auto edits = random() % 4; edits > 0; --edits) {
      message[random() % message.size()] = static_cast<char>(random());
    }
    for (const auto writer : {LogWriter::sshd, LogWriter::systemd}) {
      model::LogLine line;
      if (const auto event = events.find(writer, message)) events.read(*event, message, line);
      ASSERT_TRUE(base::is_valid_utf8(line.message + line.address + line.file + line.why));
    }
  }
  for (const auto& [event, message] : samples()) {
    EXPECT_EQ(found(events, writer_of(event), message), model::name_of(event)) << message;
  }
}

// Another version of RE2 may need more memory than there is: slower, but the same.
TEST(LogEvents, WithoutMemoryForTheAutomaton) {
  for (const std::size_t memory : {1U << 10U, 1U << 18U, 1U << 19U}) {
    LogEvents events(memory);
    for (const auto& [event, message] : samples()) {
      EXPECT_EQ(found(events, writer_of(event), message), model::name_of(event)) << memory;
    }
    EXPECT_EQ(found(events, LogWriter::sshd, "nothing of interest"), "nothing");
  }
}

TEST(LogEvents, Writers) {
  EXPECT_EQ(log_writer("sshd"), LogWriter::sshd);
  EXPECT_EQ(log_writer("sshd-session"), LogWriter::sshd);
  EXPECT_EQ(log_writer("sshd-auth"), LogWriter::sshd);
  EXPECT_EQ(log_writer("systemd"), LogWriter::systemd);
  for (const auto* ident : {"", "ssh", "sshd2", "sshd-", "dropbear", "systemd-logind", "SSHD"}) {
    EXPECT_EQ(log_writer(ident), std::nullopt) << ident;
  }
}

TEST(LogEvents, SshUnits) {
  for (const auto* unit : {"ssh.service", "sshd.service", "ssh.socket", "sshd.socket",
                           "sshd@0-192.0.2.1:22-192.0.2.2:9.service"}) {
    EXPECT_TRUE(is_ssh_unit(unit)) << unit;
  }
  for (const auto* unit : {"", "ssh", "ssh.", "sshfs.service", "session-1.scope", "sshd.scope",
                           "x.ssh.service", "openssh.service"}) {
    EXPECT_FALSE(is_ssh_unit(unit)) << unit;
  }
}

}  // namespace
}  // namespace local
