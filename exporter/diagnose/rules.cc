#include "diagnose/rules.h"

#include <array>
#include <cerrno>

#include "diagnose/fixes.h"

namespace diagnose {

namespace {

using model::Cause;
using model::Confidence;
using model::Outcome;
using model::ResponderRole;
using model::Stage;

constexpr auto kUnreachable = {Rejection::host_unreachable, Rejection::network_unreachable};
constexpr auto kNoRouteErrors = {ENETUNREACH, EHOSTUNREACH, EINVAL, ENETDOWN, EAFNOSUPPORT};
constexpr auto kBlockedErrors = {EPERM, EACCES};
constexpr auto kResourceErrors = {EMFILE,        ENFILE,     ENOBUFS, ENOMEM,
                                  EADDRNOTAVAIL, EADDRINUSE, EAGAIN};
constexpr auto kEnded = {Outcome::closed, Outcome::reset};

bool late(const Case& c) { return c.late(); }
bool host_answers(const Case& c) { return c.host_answers(); }
bool remembered(const Case& c) { return c.icmp_is_remembered; }
bool outdated(const Case& c) { return c.icmp_is_remembered && c.host_answers(); }

constexpr auto kRules = std::to_array<Rule>({
    {.cause = Cause::none,
     .confidence = Confidence::certain,
     .needs = [](const Case& c) { return c.reached(); },
     .because = "The configured depth was reached.",
     .fix = fixes::none},

    // Evidence that contradicts itself.
    {.cause = Cause::unknown,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return !c.possible_ending(); },
     .because = "The observation contradicts itself.",
     .particulars = particulars::impossible,
     .fix = fixes::repeat},
    {.cause = Cause::unknown,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.icmp_contradicts(); },
     .because = "The ICMP error that should have ended the attempt is missing, or belongs to the "
                "other address family.",
     .fix = fixes::repeat},

    // This machine.
    {.cause = Cause::client_resource,
     .confidence = Confidence::certain,
     .needs = [](const Case& c) { return c.local_error(kResourceErrors); },
     .because = "Nothing was sent: this machine had not what a connection needs.",
     .fix = fixes::client_resource},
    {.cause = Cause::dns_bogus_address,
     .confidence = Confidence::likely,
     .needs = [](const Case& c) { return c.bogus_address(); },
     .because = "The name is not a local one, so its host cannot have this address.",
     .particulars = particulars::bogus_address,
     .fix = fixes::bogus_address},
    {.cause = Cause::client_no_route,
     .confidence = Confidence::certain,
     .needs = [](const Case& c) { return c.local_error(kNoRouteErrors); },
     .refuted_by = late,
     .because = "It failed at once and without an answer from the network: this machine's own "
                "routing refused.",
     .fix = fixes::client_no_route},
    {.cause = Cause::client_blocked,
     .confidence = Confidence::certain,
     .needs = [](const Case& c) { return c.local_error(kBlockedErrors); },
     .refuted_by = late,
     .because =
         "It failed at once and without an answer from the network: this machine forbids it.",
     .fix = fixes::client_blocked},
    {.cause = Cause::client_blocked,
     .confidence = Confidence::certain,
     .needs = [](const Case& c) { return c.rejected({Rejection::policy}, ResponderRole::self); },
     .because = "The rejection comes from this machine's own address: one of its output rules.",
     .fix = fixes::client_blocked},

    // The way there, as far as ICMP tells.
    {.cause = Cause::host_down,
     .confidence = Confidence::likely,
     .needs =
         [](const Case& c) {
           return c.rejected({Rejection::host_unreachable}, ResponderRole::self);
         },
     .refuted_by = host_answers,
     .because = "This machine itself reports that nobody on its network owns the address.",
     .fix = fixes::host_down},
    {.cause = Cause::client_no_route,
     .confidence = Confidence::possible,
     .needs =
         [](const Case& c) {
           return c.rejected({Rejection::network_unreachable}, ResponderRole::self);
         },
     .refuted_by = host_answers,
     .because = "This machine itself reports that it knows no way; an output rule could say the "
                "same.",
     .fix = fixes::client_no_route},
    {.cause = Cause::client_blocked,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.rejected(kUnreachable, ResponderRole::self); },
     .refuted_by = remembered,
     .because = "This machine itself rejects this port, yet other ports of the address answer: an "
                "output rule, or the host came back just now.",
     .fix = fixes::client_blocked},
    {.cause = Cause::no_route,
     .confidence = Confidence::likely,
     .needs =
         [](const Case& c) { return c.rejected({Rejection::routing_loop}, ResponderRole::path); },
     .refuted_by = outdated,
     .because = "The packet's time to live ran out on the way: a routing loop.",
     .fix = fixes::routing_loop},
    {.cause = Cause::no_route,
     .confidence = Confidence::possible,
     .needs =
         [](const Case& c) { return c.rejected({Rejection::routing_loop}, ResponderRole::target); },
     .refuted_by = outdated,
     .because = "The packet's time to live ran out where the address is: a forward behind it that "
                "goes round in a circle.",
     .fix = fixes::routing_loop},
    {.cause = Cause::no_route,
     .confidence = Confidence::likely,
     .needs =
         [](const Case& c) {
           return c.rejected({Rejection::network_unreachable}, ResponderRole::path);
         },
     .refuted_by = host_answers,
     .because = "A router says that it knows no way to the address; a firewall may answer with the "
                "same words.",
     .fix = fixes::no_route},
    {.cause = Cause::no_route,
     .confidence = Confidence::possible,
     .needs =
         [](const Case& c) {
           return c.rejected({Rejection::host_unreachable}, ResponderRole::path) &&
                  c.rejected_at_once();
         },
     .refuted_by = host_answers,
     .because = "The router answered at once, without asking on its last network for the host: an "
                "unreachable or null route, a host that it already knew to be missing, or a rule.",
     .fix = fixes::no_route},
    {.cause = Cause::host_down,
     .confidence = Confidence::likely,
     .needs =
         [](const Case& c) {
           return c.rejected({Rejection::host_unreachable}, ResponderRole::path);
         },
     .refuted_by = host_answers,
     .because =
         "The last router cannot find the host on its network; a firewall may answer with the "
         "same words.",
     .fix = fixes::host_down},
    {.cause = Cause::path_firewall_reject,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.rejected(kUnreachable, ResponderRole::path); },
     .refuted_by = remembered,
     .because = "A device on the way calls the host unreachable, yet other ports of it answer: a "
                "rule for this port, or a host that came back just now.",
     .particulars = particulars::translation_hint,
     .fix = fixes::path_firewall},
    {.cause = Cause::path_firewall_reject,
     .confidence = Confidence::likely,
     .needs = [](const Case& c) { return c.rejected({Rejection::policy}, ResponderRole::path); },
     .because = "A stack without a rule answers TCP with a reset, never with this message, and the "
                "sender is not the target. A host that answers from another of its addresses would "
                "look the same.",
     .particulars = particulars::translation_hint,
     .fix = fixes::path_firewall},
    {.cause = Cause::host_firewall_reject,
     .confidence = Confidence::likely,
     .needs = [](const Case& c) { return c.rejected({Rejection::policy}, ResponderRole::target); },
     .because = "A stack without a rule answers TCP with a reset, never with this message: a "
                "firewall rule or a ban at the target's address, on the host or on a device that "
                "answers for it.",
     .fix = fixes::host_firewall},
    {.cause = Cause::host_firewall_reject,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.rejected(kUnreachable, ResponderRole::target); },
     .because =
         "The target's own address says that the target is unreachable: a firewall rule with "
         "that answer, or a forward to a backend that is gone.",
     .fix = fixes::unreachable_from_target},
    {.cause = Cause::unknown,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.icmp != nullptr; },
     .refuted_by = remembered,
     .because = "This ICMP error, from this sender, should not end a connection attempt.",
     .fix = fixes::repeat},
    {.cause = Cause::host_down,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.local_error({EHOSTUNREACH}); },
     .refuted_by = host_answers,
     .because = "The attempt failed only after a while, as when nobody on the network owns the "
                "address; but no ICMP error said so.",
     .fix = fixes::host_down},
    {.cause = Cause::unknown,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.at(Stage::connect, {Outcome::local_error}); },
     .because = "What this machine reports fits neither its routes, its rules nor its resources.",
     .fix = fixes::repeat},

    // A reset.
    {.cause = Cause::wrong_port,
     .confidence = Confidence::likely,
     .needs = [](const Case& c) { return c.refused_by_reset() && c.ssh_elsewhere().has_value(); },
     .because = "This port is refused and an SSH server listens on another one; whether it is the "
                "server that was meant cannot be seen from here.",
     .fix = fixes::wrong_port},
    {.cause = Cause::wrong_address,
     .confidence = Confidence::possible,
     .needs =
         [](const Case& c) { return c.refused_by_reset() && c.reached_same_family() != nullptr; },
     .because = "Another address of the name accepts: sshd is not bound to this one, or the name "
                "stands for several hosts of which this one refuses.",
     .particulars = particulars::reached_address,
     .fix = fixes::wrong_address},
    {.cause = Cause::address_family,
     .confidence = Confidence::likely,
     .needs =
         [](const Case& c) { return c.refused_by_reset() && c.reached_other_family() != nullptr; },
     .because = "The name accepts over one address family and refuses over the other.",
     .particulars = particulars::reached_address,
     .fix = fixes::address_family},
    {.cause = Cause::port_closed,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.refused_by_reset(); },
     .because = "A reset does not tell a port without a listener from a firewall rule that answers "
                "with a TCP reset, nor why nothing listens.",
     .fix = fixes::port_closed},

    // Silence.
    {.cause = Cause::port_filtered,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.silent() && c.host_answers(); },
     .because = "Another port of the address answers and this one is silent: a rule drops it, on "
                "the host, in the cloud or on the way, or the server's accept queue is full.",
     .fix = fixes::port_filtered},
    {.cause = Cause::no_answer,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.silent(); },
     .because = "No port of the address that was tried answers: silence does not tell a host that "
                "is down from a firewall that drops everything.",
     .fix = fixes::no_answer},

    // Accepted, but no SSH identification.
    {.cause = Cause::max_startups,
     .confidence = Confidence::certain,
     .needs =
         [](const Case& c) {
           return c.says_max_startups() &&
                  c.at(Stage::banner, {Outcome::turned_away, Outcome::closed, Outcome::reset});
         },
     .because = "OpenSSH 8.2 to 9.7 says this, and only when MaxStartups is reached.",
     .fix = fixes::max_startups},
    {.cause = Cause::tcp_wrappers_denied,
     .confidence = Confidence::likely,
     .needs =
         [](const Case& c) {
           return c.at(Stage::banner, kEnded) && c.without_a_byte() &&
                  c.seen.waited >= kWrapperEarliest && c.seen.waited <= kWrapperLatest;
         },
     .because = "TCP wrappers sleep for five seconds and close without a word; little else does "
                "just that.",
     .fix = fixes::tcp_wrappers},
    {.cause = Cause::closed_before_banner,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.at(Stage::banner, kEnded) && c.without_a_byte(); },
     .because = "An end without a byte does not tell an sshd that fails or refuses from a proxy "
                "without a backend.",
     .fix = fixes::closed_early},
    {.cause = Cause::closed_before_banner,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.at(Stage::banner, kEnded) && c.began_identification(); },
     .because = "The connection ended in the middle of the identification.",
     .fix = fixes::closed_early},
    {.cause = Cause::turned_away,
     .confidence = Confidence::possible,
     .needs =
         [](const Case& c) {
           return c.at(Stage::banner, {Outcome::turned_away, Outcome::closed, Outcome::reset}) &&
                  !(c.seen.text.empty() && c.seen.unfinished.empty());
         },
     .because = "Text and then the end: since OpenSSH 9.8 MaxStartups and penalties use the same "
                "words, and others may use any.",
     .fix = fixes::turned_away},
    {.cause = Cause::closed_before_banner,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.at(Stage::banner, kEnded); },
     .because = "A few bytes that are neither text nor an identification, and then the end.",
     .fix = fixes::closed_early},
    {.cause = Cause::sshd_hung,
     .confidence = Confidence::possible,
     .needs =
         [](const Case& c) {
           return c.at(Stage::banner, {Outcome::timeout}) && c.without_a_byte();
         },
     .because = "The kernel accepts for a process that may be stopped, blocked or overloaded; a "
                "proxy with a dead backend looks the same.",
     .particulars = particulars::wrapper_doubt,
     .fix = fixes::sshd_hung},
    {.cause = Cause::sshd_hung,
     .confidence = Confidence::possible,
     .needs =
         [](const Case& c) {
           return c.at(Stage::banner, {Outcome::timeout}) && c.began_identification();
         },
     .because = "The server began its identification and stopped in the middle of it.",
     .fix = fixes::sshd_hung},
    {.cause = Cause::not_ssh,
     .confidence = Confidence::possible,
     .needs = [](const Case& c) { return c.at(Stage::banner, {Outcome::timeout}); },
     .because = "Bytes came, but never an identification: a tarpit, another protocol, or a server "
                "that is slow beyond use.",
     .fix = fixes::not_ssh},
    {.cause = Cause::not_ssh,
     .confidence = Confidence::certain,
     .needs =
         [](const Case& c) {
           return c.at(Stage::banner, {Outcome::not_ssh}) && !c.seen.other_protocol.empty();
         },
     .refuted_by = [](const Case& c) { return c.began_identification(); },
     .because = "The greeting is that of another protocol.",
     .particulars = particulars::other_protocol,
     .fix = fixes::not_ssh},
    {.cause = Cause::not_ssh,
     .confidence = Confidence::likely,
     .needs = [](const Case& c) { return c.at(Stage::banner, {Outcome::not_ssh}); },
     .because =
         "What came cannot be an SSH identification; which protocol it is was not recognised.",
     .fix = fixes::not_ssh},
    {.cause = Cause::protocol_version,
     .confidence = Confidence::certain,
     .needs = [](const Case& c) { return c.at(Stage::banner, {Outcome::unsupported_version}); },
     .because = "The identification names protocol 1, and not 1.99, which would offer 2 as well.",
     .fix = fixes::protocol_version},

    // The key exchange.
    {.cause = Cause::kex_mismatch,
     .confidence = Confidence::certain,
     .needs =
         [](const Case& c) {
           return c.at(Stage::kexinit, {Outcome::no_common_algorithm}) &&
                  c.seen.mismatch.has_value();
         },
     .because = "Both lists are known, and they share nothing.",
     .particulars = particulars::algorithms,
     .fix = fixes::kex_mismatch},
    {.cause = Cause::kex_failed,
     .confidence = Confidence::likely,
     .needs =
         [](const Case& c) {
           return c.at(Stage::kexinit,
                       {Outcome::closed, Outcome::reset, Outcome::timeout, Outcome::malformed});
         },
     .because = "An SSH server answered, but its key exchange did not come whole.",
     .particulars = particulars::black_hole_hint,
     .fix = fixes::kex_failed},

    {.cause = Cause::unknown,
     .confidence = Confidence::possible,
     .needs = [](const Case&) { return true; },
     .because = "The evidence lacks what its outcome implies.",
     .fix = fixes::repeat},
});

Confidence lower(Confidence confidence) {
  switch (confidence) {
    case Confidence::certain:
      return Confidence::likely;
    case Confidence::likely:
    case Confidence::possible:
      return Confidence::possible;
  }
  return Confidence::possible;
}

}  // namespace

std::span<const Rule> rules() { return kRules; }

const Rule* decide(const Case& c) {
  for (const Rule& rule : kRules) {
    if (rule.needs(c) && !(rule.refuted_by != nullptr && rule.refuted_by(c))) return &rule;
  }
  return &kRules.back();
}

Confidence confidence_of(const Rule& rule, const Case& c) {
  // A bogus address is bogus whatever was heard from it.
  bool rests_on_memory = c.icmp_is_remembered && rule.cause != Cause::dns_bogus_address;
  return rests_on_memory ? lower(rule.confidence) : rule.confidence;
}

}  // namespace diagnose
