#include "diagnose/words.h"

#include <cstring>

#include "base/text.h"

namespace diagnose {

namespace {

using base::human_duration;
using model::CheckOutcome;
using model::CheckRole;
using model::Outcome;
using model::PortCheck;
using model::ResponderRole;
using model::SkipReason;
using model::Stage;

// The prober takes at most eight addresses of a name; a line names no more.
constexpr std::size_t kNamedAddresses = 8;

std::string endpoint(const Case& c) {
  return base::format_host_port(c.address.address.to_string(), c.target.port);
}

std::string_view sender_words(ResponderRole role) {
  switch (role) {
    case ResponderRole::target:
      return "the target itself";
    case ResponderRole::path:
      return "neither the target nor this machine";
    case ResponderRole::self:
      return "this machine itself";
    case ResponderRole::unknown:
      return "sender not known";
  }
  return "";
}

std::string rejection_words(const Case& c) {
  return concat({"ICMP ", model::describe(*c.icmp), " from ", c.icmp->offender.to_string(), ", ",
                 sender_words(c.sender_role())});
}

std::string connect_failure(const Case& c) {
  std::string after = human_duration(c.seen.waited);
  if (c.refused_by_reset()) {
    return concat({endpoint(c), " refused the connection with a TCP reset after ", after, "."});
  }
  if (c.silent()) {
    return concat({"No answer to the SYN to ", endpoint(c), " within ", after, "."});
  }
  if (c.icmp != nullptr) {
    return concat({"The SYN to ", endpoint(c), " was answered after ", after, " by ",
                   rejection_words(c), "."});
  }
  if (c.seen.outcome == Outcome::rejected_icmp) {
    return concat({"The SYN to ", endpoint(c), " was rejected after ", after,
                   " by ICMP, but the message is missing."});
  }
  return concat({"This machine refused to open a connection to ", endpoint(c), ": ",
                 errno_words(c.seen.error), ", after ", after, "."});
}

void explain_silence(const Case& c, std::vector<std::string>& lines) {
  if (c.seen.waited < kFirstRetransmission) {
    lines.emplace_back(
        "The wait was shorter than TCP's first retransmission (1 s): one lost packet looks alike.");
  }
  if (!c.icmp_is_remembered) return;
  const auto& earlier = *c.address.earlier_rejection;
  lines.push_back(concat({human_duration(earlier.age), " ago the same port was rejected by ",
                          rejection_words(c),
                          ". Senders limit the rate of ICMP errors, so silence now does not take "
                          "that back."}));
}

std::string accepted_words(const Case& c) {
  auto took = c.seen.phases.get(Stage::connect);
  if (!took) return concat({endpoint(c), " accepted the connection."});
  return concat({endpoint(c), " accepted the connection after ", human_duration(*took), "."});
}

std::string received_words(const Case& c) {
  if (c.without_a_byte()) return "without a byte";
  return concat({"after ", std::to_string(c.seen.bytes_received), " bytes"});
}

std::string ending_words(const Case& c, std::string_view subject) {
  std::string after = human_duration(c.seen.waited);
  switch (c.seen.outcome) {
    case Outcome::closed:
      return concat({subject, "closed the connection ", after, " later"});
    case Outcome::reset:
      return concat({subject, "reset the connection ", after, " later"});
    case Outcome::timeout:
      return concat({subject, "said nothing more within ", after});
    case Outcome::turned_away:
      return concat({subject, "ended the connection ", after, " later"});
    case Outcome::not_ssh:
      return "What came is not an SSH identification";
    case Outcome::unsupported_version:
      return "Its identification is of an old protocol version";
    case Outcome::malformed:
      return "Its key exchange message is malformed";
    case Outcome::no_common_algorithm:
      return "Its algorithms do not meet those of the client";
    case Outcome::dns_not_found:
    case Outcome::dns_failed:
    case Outcome::refused_rst:
    case Outcome::rejected_icmp:
    case Outcome::local_error:
    case Outcome::ok:
      break;
  }
  return concat({"It ended with ", model::name_of(c.seen.outcome)});
}

void explain_text(const Case& c, std::vector<std::string>& lines) {
  std::size_t quoted = 0;
  for (const auto& text : c.seen.text) {
    if (quoted == kQuotedLines) {
      lines.emplace_back("More lines followed.");
      return;
    }
    lines.push_back(concat({quoted == 0 ? "It said " : "Then ", quote(text), "."}));
    ++quoted;
  }
  if (!c.seen.unfinished.empty()) {
    lines.push_back(concat({"An unfinished line: ", quote(c.seen.unfinished), "."}));
  }
}

void explain_server(const Case& c, std::vector<std::string>& lines) {
  if (!c.seen.server) return;
  const auto& server = *c.seen.server;
  std::string line = concat({"SSH-", server.protocol, "-", server.software,
                             server.comments.empty() ? "" : " ", server.comments});
  lines.push_back(concat({"It identifies itself as ", quote(line), "."}));
}

void explain_banner(const Case& c, std::vector<std::string>& lines) {
  explain_server(c, lines);
  std::string ending = ending_words(c, "It ");
  bool end = c.at(Stage::banner, {Outcome::closed, Outcome::reset, Outcome::turned_away});
  if (end || c.at(Stage::banner, {Outcome::timeout})) {
    ending += concat({", ", received_words(c), end ? "" : " in all"});
  }
  if (!c.seen.detail.empty()) ending += concat({": ", c.seen.detail});
  lines.push_back(ending + ".");
  explain_text(c, lines);
}

void explain_kexinit(const Case& c, std::vector<std::string>& lines) {
  explain_server(c, lines);
  std::string ending = ending_words(c, "Then it ");
  if (!c.seen.detail.empty()) ending += concat({": ", c.seen.detail});
  lines.push_back(ending + ".");
}

std::string check_words(const PortCheck& check) {
  std::string port = std::to_string(check.port);
  switch (check.outcome) {
    case CheckOutcome::accepted:
      return concat({port, check.ssh ? " is an SSH server" : " accepts"});
    case CheckOutcome::refused_rst:
      return concat({port, " refuses with a reset"});
    case CheckOutcome::rejected_icmp:
      if (!check.icmp) return concat({port, " is rejected by ICMP"});
      return concat({port, " is rejected by ICMP ", model::describe(*check.icmp), " from ",
                     check.icmp->offender.to_string()});
    case CheckOutcome::timeout:
      return concat({port, " is silent"});
    case CheckOutcome::local_error:
      return concat({port, " could not be tried by this machine"});
    case CheckOutcome::skipped:
      return concat({port, " was not tried (no time left)"});
  }
  return port;
}

void explain_role(const Case& c, CheckRole role, std::string_view title,
                  std::vector<std::string>& lines) {
  std::string line;
  for (const PortCheck& check : c.address.checks) {
    if (check.role != role) continue;
    line += concat({line.empty() ? title : ", ", check_words(check)});
  }
  if (!line.empty()) lines.push_back(line + ".");
}

}  // namespace

std::string concat(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (auto part : parts) size += part.size();
  std::string text;
  text.reserve(size);
  for (auto part : parts) text += part;
  return text;
}

std::string quote(std::string_view text) {
  return concat({"'", base::printable(text, kQuoteLimit), "'"});
}

std::string errno_words(int error) {
  // Unlike strerror() these neither translate nor share a buffer between threads.
  const char* words = strerrordesc_np(error);
  const char* name = strerrorname_np(error);
  if (words == nullptr || name == nullptr) return "error " + std::to_string(error);
  return concat({words, " (", name, ")"});
}

std::string port_words(std::uint16_t port) { return "port " + std::to_string(port); }

void explain_name(const model::Target& target, const model::ProbeResult& probe,
                  std::vector<std::string>& lines) {
  if (!probe.name_is_address && !probe.addresses.empty()) {
    std::string line = concat({target.host, " resolves to "});
    std::size_t named = 0;
    for (const auto& address : probe.addresses) {
      if (named == kNamedAddresses) {
        line += ", …";
        break;
      }
      if (named++ > 0) line += ", ";
      line += address.address.to_string();
    }
    if (probe.resolve_time) line += concat({" (in ", human_duration(*probe.resolve_time), ")"});
    lines.push_back(line + ".");
  }
  explain_skipped(probe, lines);
}

void explain_skipped(const model::ProbeResult& probe, std::vector<std::string>& lines) {
  std::string no_route;
  std::size_t unrouted = 0;
  std::size_t over_limit = 0;
  for (const auto& skipped : probe.skipped) {
    switch (skipped.reason) {
      case SkipReason::no_route:
        if (unrouted++ < kNamedAddresses) {
          no_route += concat({no_route.empty() ? "" : ", ", skipped.address.to_string()});
        }
        break;
      case SkipReason::over_limit:
        ++over_limit;
        break;
    }
  }
  if (unrouted > 0) {
    lines.push_back(concat(
        {"Not probed, because this machine has no route for the address family: ", no_route, "."}));
  }
  if (over_limit > 0) {
    lines.push_back(concat({"Not probed, because the name has too many addresses: ",
                            std::to_string(over_limit), " more."}));
  }
}

void explain_connection(const Case& c, std::vector<std::string>& lines) {
  switch (c.seen.stage) {
    case Stage::resolve:
      break;
    case Stage::connect:
      lines.push_back(connect_failure(c));
      if (c.silent()) explain_silence(c, lines);
      break;
    case Stage::banner:
      lines.push_back(accepted_words(c));
      explain_banner(c, lines);
      break;
    case Stage::kexinit:
      lines.push_back(accepted_words(c));
      explain_kexinit(c, lines);
      break;
    case Stage::done:
      break;
  }
}

void explain_checks(const Case& c, std::vector<std::string>& lines) {
  explain_role(c, CheckRole::control, "Other ports of this address: ", lines);
  explain_role(c, CheckRole::alternative, "Looking for SSH elsewhere: ", lines);
}

}  // namespace diagnose
