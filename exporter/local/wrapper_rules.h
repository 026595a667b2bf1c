// hosts.allow and hosts.deny as libwrap reads them for sshd: hides their syntax (hosts_access(5),
// hosts_options(5)) up to the patterns of clients, which are left as they are. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/host_facts.h"

namespace local {

// More than any hand-written file; a generated one (DenyHosts) can have tens of thousands of lines,
// and the rest of it is then left out: see `truncated`.
inline constexpr std::size_t kWrapperClientsLimit = 100'000;

struct WrapperFile {
  std::vector<model::WrapperRule> rules;
  bool truncated = false;
};

struct WrapperSource {
  std::string path;    // for `where`
  bool allow = false;  // what a line without an option of its own means: true for hosts.allow
  // Debian's libwrap (measured, 7.6.q-32) stops at a line that is too long or has no newline, be it
  // a comment, and then refuses everybody if the file is hosts.deny. Others skip the line.
  bool ends_strictly = true;
};

// The lines of one file that are about sshd, in order.
WrapperFile parse_wrapper_file(std::string_view text, const WrapperSource& source);

}  // namespace local
