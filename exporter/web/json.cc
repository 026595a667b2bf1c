#include "web/json.h"

#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

namespace web {

namespace {

using Json = nlohmann::ordered_json;
using model::Stage;

Json icmp_json(const model::IcmpError& icmp) {
  return {{"family", icmp.family == base::IpFamily::ipv4 ? 4 : 6},
          {"type", icmp.type},
          {"code", icmp.code},
          {"offender", icmp.offender.to_string()}};
}

// Whole milliseconds: a double has no room for many more digits of a date.
double unix_seconds(base::WallTime time) {
  auto whole = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  return static_cast<double>(whole.count()) / 1000;
}

void set_cause(Json& json, model::Cause cause, model::Confidence confidence) {
  const auto& info = model::info(cause);
  json["cause"] = info.name;
  json["layer"] = model::name_of(info.layer);
  json["confidence"] = model::name_of(confidence);
}

Json phases_json(const model::PhaseTimes& times, std::optional<base::Duration> resolve) {
  Json json = Json::object();
  if (resolve) json["resolve"] = base::to_seconds(*resolve);
  for (auto phase : {Stage::connect, Stage::banner, Stage::kexinit}) {
    if (auto duration = times.get(phase)) {
      json[model::name_of(phase)] = base::to_seconds(*duration);
    }
  }
  return json;
}

Json server_json(const model::ServerInfo& server) {
  Json json{{"protocol", server.protocol}, {"software", server.software}};
  if (!server.comments.empty()) json["comments"] = server.comments;
  return json;
}

Json address_json(const model::AddressResult& address, const model::AddressDiagnosis& diagnosis) {
  const auto& seen = address.seen;
  Json json{{"address", address.address.to_string()},
            {"stage", model::name_of(seen.stage)},
            {"outcome", model::name_of(seen.outcome)}};
  set_cause(json, diagnosis.cause, diagnosis.confidence);
  if (seen.error != 0) {
    const char* name = strerrorname_np(seen.error);
    json["errno"] = name != nullptr ? std::string(name) : std::to_string(seen.error);
  }
  if (seen.icmp) json["icmp"] = icmp_json(*seen.icmp);
  if (seen.local_address) json["local_address"] = seen.local_address->to_string();
  json["phases"] = phases_json(seen.phases, std::nullopt);
  if (seen.server) json["server"] = server_json(*seen.server);
  if (!seen.text.empty()) json["text"] = seen.text;
  if (!seen.unfinished.empty()) json["unfinished"] = seen.unfinished;
  if (!seen.other_protocol.empty()) json["other_protocol"] = seen.other_protocol;
  if (seen.mismatch) {
    json["mismatch"] = {{"kind", seen.mismatch->kind}, {"offered", seen.mismatch->offered}};
  }
  if (!seen.detail.empty()) json["detail"] = seen.detail;
  if (address.earlier_rejection) {
    json["earlier_rejection"] = icmp_json(address.earlier_rejection->icmp);
    json["earlier_rejection"]["age_seconds"] = base::to_seconds(address.earlier_rejection->age);
  }
  return json;
}

const char* name_of(model::SkipReason reason) {
  switch (reason) {
    case model::SkipReason::no_route:
      return "no_route";
    case model::SkipReason::over_limit:
      return "over_limit";
  }
  return "";
}

// The addresses, the checks of their other ports, and what was left out.
void set_addresses(Json& json, const model::ProbeReport& report) {
  const auto& [result, diagnosis] = report;
  Json checks = Json::array();
  json["addresses"] = Json::array();
  for (std::size_t i = 0; i < result.addresses.size(); ++i) {
    const auto& address = result.addresses[i];
    auto of_address =
        i < diagnosis.addresses.size() ? diagnosis.addresses[i] : model::AddressDiagnosis{};
    json["addresses"].push_back(address_json(address, of_address));
    for (const auto& check : address.checks) {
      Json entry{{"address", address.address.to_string()},
                 {"port", check.port},
                 {"role", model::name_of(check.role)},
                 {"outcome", model::name_of(check.outcome)},
                 {"ssh", check.ssh}};
      if (check.icmp) entry["icmp"] = icmp_json(*check.icmp);
      checks.push_back(std::move(entry));
    }
  }
  for (const auto& skipped : result.skipped) {
    json["skipped"].push_back(
        {{"address", skipped.address.to_string()}, {"reason", name_of(skipped.reason)}});
  }
  if (!checks.empty()) json["checks"] = std::move(checks);
}

void set_report(Json& json, const model::ProbeReport& report) {
  const auto& [result, diagnosis] = report;
  json["success"] = diagnosis.success;
  set_cause(json, diagnosis.cause, diagnosis.confidence);
  json["stage"] = model::name_of(diagnosis.stage);
  json["outcome"] = model::name_of(diagnosis.outcome);
  json["summary"] = model::info(diagnosis.cause).meaning;
  json["evidence"] = diagnosis.evidence;
  if (!diagnosis.fix.empty()) json["fix"] = diagnosis.fix;
  json["started_timestamp_seconds"] = unix_seconds(result.started);
  json["completed_timestamp_seconds"] = unix_seconds(result.completed);
  json["duration_seconds"] = base::to_seconds(result.duration);
  auto index = diagnosis.decided_by.value_or(0);
  const auto* decider = index < result.addresses.size() ? &result.addresses[index] : nullptr;
  json["phases"] = phases_json(decider != nullptr ? decider->seen.phases : model::PhaseTimes{},
                               result.resolve_time);
  if (!result.resolve_detail.empty()) json["resolve_detail"] = result.resolve_detail;
  if (decider != nullptr) json["ip_protocol"] = decider->address.is_v4() ? 4 : 6;
  set_addresses(json, report);
  if (diagnosis.responder) {
    json["responder"] = {{"address", diagnosis.responder->address.to_string()},
                         {"role", model::name_of(diagnosis.responder->role)},
                         {"signal", diagnosis.responder->signal}};
  }
  if (decider != nullptr && decider->seen.server) {
    json["server"] = server_json(*decider->seen.server);
  }
  if (diagnosis.alternative_port) json["alternative_port"] = *diagnosis.alternative_port;
}

}  // namespace

std::string to_json(const model::TargetState& state) {
  Json json{{"target", state.target->name}, {"labels", Json::object()}};
  for (const auto& [name, value] : state.target->labels) json["labels"][name] = value;
  json["probes"] = state.probes;
  if (state.last) set_report(json, *state.last);
  // Without the handler an invalid UTF-8 sequence in a peer's text would throw.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace web
