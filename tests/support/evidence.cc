#include "support/evidence.h"

#include <cassert>
#include <cerrno>
#include <memory>
#include <utility>

namespace evidence {

using model::CheckOutcome;
using model::CheckRole;
using model::Outcome;
using model::Stage;
using std::chrono::milliseconds;

base::IpAddress ip(std::string_view text) {
  auto address = base::IpAddress::parse(text);
  assert(address);
  return address.value_or(base::IpAddress());
}

model::IcmpError icmp(std::uint8_t type, std::uint8_t code, std::string_view offender) {
  auto address = ip(offender);
  return {.family = address.family(), .type = type, .code = code, .offender = address};
}

Address::Address(std::string_view text) {
  result_.address = ip(text);
  result_.seen.local_address = ip(result_.address.is_v4() ? kProberV4 : kProberV6);
}

Address& Address::reached() {
  result_.seen.stage = Stage::done;
  result_.seen.outcome = Outcome::ok;
  result_.seen.phases.set(Stage::connect, milliseconds(1));
  return *this;
}

Address& Address::refused(base::Duration after) {
  result_.seen.stage = Stage::connect;
  result_.seen.outcome = Outcome::refused_rst;
  result_.seen.error = ECONNREFUSED;
  result_.seen.waited = after;
  return *this;
}

Address& Address::rejected(std::uint8_t type, std::uint8_t code, std::string_view offender,
                           base::Duration after) {
  result_.seen.stage = Stage::connect;
  result_.seen.outcome = Outcome::rejected_icmp;
  result_.seen.error = EHOSTUNREACH;
  result_.seen.icmp = icmp(type, code, offender);
  result_.seen.waited = after;
  return *this;
}

Address& Address::silent(base::Duration waited) {
  result_.seen.stage = Stage::connect;
  result_.seen.outcome = Outcome::timeout;
  result_.seen.waited = waited;
  return *this;
}

Address& Address::local_error(int error, base::Duration after) {
  result_.seen.stage = Stage::connect;
  result_.seen.outcome = Outcome::local_error;
  result_.seen.error = error;
  result_.seen.waited = after;
  return *this;
}

Address& Address::ended(Stage stage, Outcome outcome, base::Duration waited) {
  result_.seen.stage = stage;
  result_.seen.outcome = outcome;
  result_.seen.waited = waited;
  result_.seen.phases.set(Stage::connect, milliseconds(1));
  return *this;
}

Address& Address::said(std::string line) {
  result_.seen.bytes_received += line.size() + 2;
  result_.seen.text.push_back(std::move(line));
  return *this;
}

Address& Address::unfinished(std::string text) {
  result_.seen.bytes_received += text.size();
  result_.seen.unfinished = std::move(text);
  return *this;
}

Address& Address::bytes(std::uint64_t count) {
  result_.seen.bytes_received = count;
  return *this;
}

Address& Address::identified(std::string software) {
  result_.seen.server = model::ServerInfo{"2.0", std::move(software), ""};
  return bytes(40);
}

Address& Address::other_protocol(std::string name) {
  result_.seen.other_protocol = std::move(name);
  return *this;
}

Address& Address::mismatch(std::string kind, std::string offered) {
  result_.seen.mismatch = model::AlgorithmMismatch{std::move(kind), std::move(offered)};
  return *this;
}

Address& Address::control(std::uint16_t port, CheckOutcome outcome) {
  result_.checks.push_back({CheckRole::control, port, outcome, false, std::nullopt});
  return *this;
}

Address& Address::control_rejected(std::uint16_t port, const model::IcmpError& error) {
  result_.checks.push_back({CheckRole::control, port, CheckOutcome::rejected_icmp, false, error});
  return *this;
}

Address& Address::alternative(std::uint16_t port, CheckOutcome outcome, bool ssh) {
  result_.checks.push_back({CheckRole::alternative, port, outcome, ssh, std::nullopt});
  return *this;
}

Address& Address::earlier(const model::IcmpError& error, base::Duration age,
                          std::optional<base::Duration> waited) {
  result_.earlier_rejection = model::EarlierRejection{error, age, waited};
  return *this;
}

Probe::Probe(std::string host, std::uint16_t port) {
  target_.name = base::format_host_port(host, port);
  target_.port = port;
  target_.settings = std::make_shared<const model::ProbeSettings>();
  result_.name_is_address = base::IpAddress::parse(host).has_value();
  if (!result_.name_is_address) result_.resolve_time = milliseconds(12);
  target_.host = std::move(host);
}

Probe& Probe::saw(const Address& address) {
  result_.addresses.push_back(address.result());
  return *this;
}

Probe& Probe::skipped(std::string_view address, model::SkipReason reason) {
  result_.skipped.push_back({ip(address), reason});
  return *this;
}

Probe& Probe::local_name() {
  result_.name_is_local = true;
  return *this;
}

Probe& Probe::resolve_failure(Outcome outcome, std::string detail) {
  result_.resolve_failure = outcome;
  result_.resolve_detail = std::move(detail);
  return *this;
}

Probe& Probe::settings(model::ProbeSettings settings) {
  target_.settings = std::make_shared<const model::ProbeSettings>(std::move(settings));
  return *this;
}

}  // namespace evidence
