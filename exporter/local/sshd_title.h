// What a process of OpenSSH says of itself in its command line, which sshd overwrites with a title.
// Formats of OpenSSH 8.2 to 10.0 as measured; a user's name in them may hold anything, also "
// [net]" and '@', so that a title alone does not tell who is logged in. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/host_facts.h"

namespace local {

struct SshdTitle {
  enum class Kind : std::uint8_t {
    none,      // no title: argv as it was started with
    listener,  // "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"
    cut,       // the same, but it ends early: there was no room
    accepted,  // "sshd: [accepted]": before the user's name is known
    monitor,   // "sshd: NAME [priv]": root's half of a connection
    network,   // "sshd: NAME [net]" or "sshd: [net]": its other half until the user is logged in
    helper,    // "sshd: NAME [pam]"
    session,   // "sshd: NAME@pts/0,pts/1", "sshd: NAME@notty", "sshd: NAME" without a channel
  };
  Kind kind = Kind::none;
  std::string name;                         // NAME, and for a session all that follows it
  std::vector<std::string> command;         // of none and listener
  std::optional<model::Startups> startups;  // of listener: connections before authentication
};

// /proc/PID/cmdline as it is.
SshdTitle parse_sshd_title(std::string_view command_line);

// Whether sshd's own command has an option that takes no value, also among others as in -Dr.
bool has_flag(const std::vector<std::string>& command, char flag);

// The value of such an option of it, given as -fVALUE or as -f VALUE; empty without.
std::string option_value(const std::vector<std::string>& command, char option);

// The words of a title, in which blanks inside words look like those between them. sshd takes no
// words but options and their values: what is neither continues the word before it.
std::vector<std::string> split_title(std::string_view words);

}  // namespace local
