#include "diagnose/host_diagnosis.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "diagnose/bindings.h"
#include "diagnose/host_case.h"
#include "diagnose/host_rules.h"
#include "diagnose/host_words.h"
#include "diagnose/words.h"

namespace diagnose {

namespace {

using model::Cause;
using model::Diagnosis;
using model::HostDiagnosis;
using model::Outcome;
using model::Stage;

HostDiagnosis diagnose_case(const HostCase& c) {
  const auto& rule = *decide(c);
  HostDiagnosis diagnosis;
  diagnosis.cause = rule.cause;
  diagnosis.confidence = confidence_of(rule, c);
  explain_state(c, diagnosis.evidence);
  if (rule.facts != nullptr) rule.facts(c, diagnosis.evidence);
  if (rule.line != nullptr) {
    if (const auto* line = rule.line(c)) diagnosis.evidence.push_back(log_words(*line));
  }
  diagnosis.evidence.emplace_back(rule.because);
  for (auto& line : diagnosis.evidence) line = base::printable(line, kLineLimit);
  if (rule.cause == Cause::none) return diagnosis;
  diagnosis.fix = rule.fix != nullptr ? rule.fix(c) : std::string(model::info(rule.cause).fix);
  return diagnosis;
}

// What a connection meets if this is the cause.
enum class Meets : std::uint8_t { reset, silence, early_end, hang, other_protocol, none };

bool fits(Cause cause, Meets meets, bool behind_socket) {
  switch (cause) {
    case Cause::sshd_not_installed:
    case Cause::sshd_starting:
    case Cause::sshd_not_running:
    case Cause::sshd_failed:
    case Cause::socket_unit_failed:
    case Cause::port_bind_denied:
    case Cause::address_missing:
    case Cause::loopback_only:
    case Cause::wrong_port:
    case Cause::wrong_address:
    case Cause::address_family:
    case Cause::socket_port_mismatch:
      return meets == Meets::reset;
    // Behind a socket unit these end a connection that was accepted.
    case Cause::sshd_disabled:
    case Cause::sshd_config_invalid:
      return meets == Meets::reset || (behind_socket && meets == Meets::early_end);
    case Cause::sshd_binary_broken:
    case Cause::sshd_host_keys_missing:
    case Cause::sshd_host_keys_unusable:
    case Cause::sshd_runtime_dir_missing:
      return meets == Meets::reset || meets == Meets::early_end;
    case Cause::sshd_upgrade_skew:
    case Cause::max_startups:
    case Cause::source_penalty:
      return meets == Meets::early_end;
    // It closes only after five seconds, for which not every probe waits.
    case Cause::tcp_wrappers_denied:
      return meets == Meets::early_end || meets == Meets::hang;
    case Cause::resource_exhausted:
      return meets == Meets::early_end || meets == Meets::reset || meets == Meets::hang;
    case Cause::sshd_hung:
      return meets == Meets::hang;
    case Cause::accept_queue_full:
    case Cause::conntrack_full:
    case Cause::port_filtered:
      return meets == Meets::silence;
    case Cause::port_conflict:
      return meets == Meets::other_protocol || meets == Meets::early_end || meets == Meets::reset ||
             meets == Meets::hang;
    case Cause::none:
    case Cause::dns_not_found:
    case Cause::dns_failed:
    case Cause::dns_bogus_address:
    case Cause::client_no_route:
    case Cause::client_blocked:
    case Cause::client_resource:
    case Cause::host_down:
    case Cause::no_route:
    case Cause::path_firewall_reject:
    case Cause::no_answer:
    case Cause::host_firewall_reject:
    case Cause::port_closed:
    case Cause::turned_away:
    case Cause::closed_before_banner:
    case Cause::not_ssh:
    case Cause::protocol_version:
    case Cause::kex_mismatch:
    case Cause::kex_failed:
    case Cause::unknown:
      return false;
  }
  return false;
}

Meets met(const Diagnosis& diagnosis) {
  if (diagnosis.outcome == Outcome::refused_rst) return Meets::reset;
  if (diagnosis.stage == Stage::connect) {
    return diagnosis.outcome == Outcome::timeout ? Meets::silence : Meets::none;
  }
  if (diagnosis.stage != Stage::banner && diagnosis.stage != Stage::kexinit) return Meets::none;
  switch (diagnosis.outcome) {
    case Outcome::closed:
    case Outcome::reset:
    case Outcome::turned_away:
      return Meets::early_end;
    case Outcome::timeout:
      return Meets::hang;
    case Outcome::not_ssh:
      return Meets::other_protocol;
    default:
      return Meets::none;
  }
}

// Whether sshd, once it runs, is to serve this port; where nothing is known, it may be.
bool concerns_port(const HostCase& c, std::uint16_t port) {
  if (c.bindings.up || !c.facts.configuration) return true;
  const auto& wanted = c.bindings.wanted;
  return (wanted.empty() && ports_of(*c.facts.configuration).empty()) || wants_port(c, port) ||
         std::any_of(wanted.begin(), wanted.end(),
                     [&](const model::Endpoint& endpoint) { return endpoint.port == port; });
}

// What the probe knows best: a name that leads here by mistake, and what the server said itself.
// That something else answers on the port is known, and what it is only the host can tell.
bool leaves_nothing_open(const Diagnosis& diagnosis) {
  return diagnosis.success || diagnosis.cause == Cause::dns_bogus_address ||
         (diagnosis.confidence == model::Confidence::certain && diagnosis.cause != Cause::not_ssh);
}

}  // namespace

HostDiagnosis diagnose_host(const model::HostReport& report, const model::HostQuestion& question) {
  return diagnose_case(HostCase(report, question));
}

void conclude(model::HostReport& report) {
  const model::HostQuestion anybody;
  HostCase c(report, anybody);
  report.diagnosis = diagnose_case(c);
  report.bindings = std::move(c.bindings);
}

bool is_own_host(const model::ProbeResult& result, const model::HostReport* report) {
  const auto own = [&](const model::AddressResult& address) {
    if (address.address.is_loopback() || address.seen.local_address == address.address) return true;
    const auto kernel = report != nullptr ? report->facts.kernel : nullptr;
    return kernel && std::any_of(kernel->addresses.begin(), kernel->addresses.end(),
                                 [&](const auto& row) { return row.address == address.address; });
  };
  return !result.addresses.empty() &&
         std::all_of(result.addresses.begin(), result.addresses.end(), own);
}

Diagnosis refine(Diagnosis diagnosis, const model::Target& target, const model::ProbeResult& result,
                 const model::HostReport& report) {
  const auto index = diagnosis.decided_by.value_or(0);
  if (leaves_nothing_open(diagnosis) || index >= result.addresses.size()) return diagnosis;
  const auto& address = result.addresses[index];
  model::HostQuestion question;
  question.source = address.seen.local_address.value_or(address.address);
  question.address = address.address;
  question.port = target.port;
  const HostCase c(report, question);
  auto host = diagnose_case(c);

  diagnosis.evidence.emplace_back("The target is this host itself, whose own state is known:");
  for (auto& line : host.evidence) diagnosis.evidence.push_back(std::move(line));
  if (fits(host.cause, met(diagnosis), c.socket_activated()) && concerns_port(c, target.port)) {
    diagnosis.cause = host.cause;
    diagnosis.confidence = host.confidence;
    diagnosis.fix = std::move(host.fix);
    diagnosis.addresses.at(index) = {diagnosis.cause, diagnosis.confidence};
  } else {
    diagnosis.evidence.push_back(
        concat({"That (", model::info(host.cause).name, ") does not explain what the probe saw."}));
  }
  return diagnosis;
}

}  // namespace diagnose
