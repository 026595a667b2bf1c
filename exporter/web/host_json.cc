#include "web/host_json.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace web {

namespace {

using Json = nlohmann::ordered_json;

// Whole milliseconds: a double has no room for many more digits of a date.
double unix_seconds(base::WallTime time) {
  auto whole = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  return static_cast<double>(whole.count()) / 1000;
}

template <typename Value>
void set_if(Json& json, const char* key, const std::optional<Value>& value) {
  if (value) json[key] = *value;
}

void set_if(Json& json, const char* key, const std::string& value) {
  if (!value.empty()) json[key] = value;
}

Json endpoint_json(const model::Endpoint& endpoint) {
  return {{"address", endpoint.address.to_string()}, {"port", endpoint.port}};
}

template <typename Rows, typename Function>
Json list(const Rows& rows, Function to) {
  Json json = Json::array();
  for (const auto& row : rows) json.push_back(to(row));
  return json;
}

Json unit_json(const model::UnitFacts& unit) {
  Json json{{"name", unit.name},
            {"load_state", unit.load_state},
            {"active_state", unit.active_state},
            {"sub_state", unit.sub_state}};
  if (!unit.aliases.empty()) json["aliases"] = unit.aliases;
  set_if(json, "unit_file_state", unit.unit_file_state);
  set_if(json, "result", unit.result);
  set_if(json, "failed_condition", unit.failed_condition);
  set_if(json, "unmet_condition", unit.unmet_condition);
  if (unit.activated) json["activated_timestamp_seconds"] = unix_seconds(*unit.activated);
  if (!unit.ip_address_allow.empty()) json["ip_address_allow"] = unit.ip_address_allow;
  if (!unit.ip_address_deny.empty()) json["ip_address_deny"] = unit.ip_address_deny;
  if (unit.service) {
    json["exit_code"] = unit.service->exit_code;
    json["exit_status"] = unit.service->exit_status;
    json["restarts"] = unit.service->restarts;
    json["main_pid"] = unit.service->main_pid;
    json["start_command"] = unit.service->start_command;
  }
  if (unit.socket) {
    json["listen"] = list(unit.socket->listen, endpoint_json);
    json["accept"] = unit.socket->accept;
    set_if(json, "service", unit.socket->service);
  }
  return json;
}

Json listener_json(const model::SshListener& listener) {
  auto json = endpoint_json(listener.endpoint);
  json["dual_stack"] = listener.dual_stack;
  set_if(json, "process", listener.process);
  json["queue_length"] = listener.queue_length;
  json["queue_limit"] = listener.queue_limit;
  return json;
}

Json conflict_json(const model::PortConflict& conflict) {
  auto json = endpoint_json(conflict.endpoint);
  set_if(json, "process", conflict.process);
  return json;
}

Json host_key_json(const model::HostKeyFacts& key) {
  Json json{{"path", key.path}, {"type", key.type}, {"present", key.present}};
  if (key.present) {
    json["mode"] = base::octal(key.mode);
    json["owner"] = key.owner;
  }
  set_if(json, "usable", key.usable);
  set_if(json, "problem", key.problem);
  return json;
}

Json check_json(const model::ConfigCheck& check) {
  Json json{{"valid", check.problem == model::ConfigProblem::none},
            {"problem", model::name_of(check.problem)}};
  set_if(json, "file", check.file);
  if (check.line != 0) json["line"] = check.line;
  set_if(json, "directory", check.directory);
  set_if(json, "message", check.message);
  return json;
}

Json configuration_json(const model::SshdConfig& config) {
  Json json{{"source", model::name_of(config.source)}, {"program", config.program}};
  set_if(json, "binary", config.binary);
  set_if(json, "version", config.version);
  set_if(json, "file", config.file);
  json["ports"] = config.ports;
  json["listen"] = list(config.listen, endpoint_json);
  json["address_family"] = config.address_family;
  if (config.max_startups) {
    json["max_startups"] = {{"begin", config.max_startups->begin},
                            {"rate", config.max_startups->rate},
                            {"full", config.max_startups->full}};
  }
  if (config.login_grace) json["login_grace_seconds"] = base::to_seconds(*config.login_grace);
  set_if(json, "per_source_max_startups", config.per_source_max_startups);
  set_if(json, "per_source_penalties", config.per_source_penalties);
  json["allow_users"] = config.allow_users;
  json["deny_users"] = config.deny_users;
  json["allow_groups"] = config.allow_groups;
  json["deny_groups"] = config.deny_groups;
  json["host_keys"] = list(config.host_keys, host_key_json);
  if (config.check) json["check"] = check_json(*config.check);
  return json;
}

Json server_json(const model::ServerProcess& server) {
  Json json{{"pid", server.pid},
            {"name", server.name},
            {"state", std::string(1, server.state)},
            {"start_time_seconds", unix_seconds(server.started)},
            {"command", server.command}};
  set_if(json, "executable", server.executable);
  json["executable_deleted"] = server.executable_deleted;
  json["executable_replaced"] = server.executable_replaced;
  set_if(json, "can_start_children", server.can_start_children);
  set_if(json, "missing_helper", server.missing_helper);
  if (server.startups) {
    json["startups"] = {{"now", server.startups->now},
                        {"begin", server.startups->begin},
                        {"full", server.startups->full}};
  }
  if (server.open_files_limit != 0) {
    json["open_files"] = server.open_files;
    json["open_files_limit"] = server.open_files_limit;
  }
  set_if(json, "unit", server.unit);
  return json;
}

Json processes_json(const model::ProcessFacts& processes) {
  Json json{{"servers", list(processes.servers, server_json)},
            {"sessions", processes.sessions},
            {"unauthenticated", processes.unauthenticated},
            {"complete", processes.complete}};
  if (processes.runtime_directory) {
    json["runtime_directory"] = {{"path", processes.runtime_directory->path},
                                 {"present", processes.runtime_directory->present},
                                 {"safe", processes.runtime_directory->safe}};
  }
  set_if(json, "libwrap", processes.libwrap);
  json["wrapper_rules"] = list(processes.wrapper_rules, [](const model::WrapperRule& rule) {
    return Json{{"where", rule.where}, {"allow", rule.allow}, {"clients", rule.clients}};
  });
  return json;
}

Json log_json(const model::LogFacts& log) {
  Json json{{"source", log.source}, {"events", Json::object()}};
  for (auto event : model::all_log_events()) {
    const auto& state = log.of(event);
    if (state.count == 0 && !state.newest) continue;
    Json row{{"count", state.count}};
    if (state.newest) {
      row["newest_timestamp_seconds"] = unix_seconds(state.newest->time);
      row["trusted"] = state.newest->trusted;
      if (!model::may_name_user(event)) row["newest"] = state.newest->message;
    }
    json["events"][model::name_of(event)] = std::move(row);
  }
  return json;
}

Json kernel_json(const model::KernelFacts& kernel) {
  Json json = Json::object();
  set_if(json, "listen_overflows", kernel.listen_overflows);
  set_if(json, "listen_drops", kernel.listen_drops);
  set_if(json, "conntrack_entries", kernel.conntrack_entries);
  set_if(json, "conntrack_limit", kernel.conntrack_limit);
  json["strict_rp_filter"] = kernel.strict_rp_filter;
  json["addresses"] = list(kernel.addresses, [](const model::InterfaceAddress& row) {
    return Json{{"address", row.address.to_string()}, {"interface", row.interface}};
  });
  set_if(json, "nonlocal_bind", kernel.nonlocal_bind);
  json["boot_time_seconds"] = unix_seconds(kernel.booted);
  return json;
}

Json collector_json(const model::CollectorStatus& status) {
  Json json{{"name", status.name},
            {"success", status.success},
            {"duration_seconds", base::to_seconds(status.duration)}};
  if (status.completed != base::WallTime{}) {
    json["completed_timestamp_seconds"] = unix_seconds(status.completed);
  }
  set_if(json, "error", status.error);
  return json;
}

Json question_json(const model::HostQuestion& question) {
  Json json = Json::object();
  if (question.source) json["source"] = question.source->to_string();
  if (question.address) json["address"] = question.address->to_string();
  set_if(json, "port", question.port);
  return json;
}

}  // namespace

std::string to_json(const model::HostReport& report, const model::HostQuestion& question,
                    const model::HostDiagnosis& diagnosis) {
  const auto& cause = model::info(diagnosis.cause);
  const auto& facts = report.facts;
  Json json{{"question", question_json(question)},
            {"cause", cause.name},
            {"layer", model::name_of(cause.layer)},
            {"confidence", model::name_of(diagnosis.confidence)},
            {"summary", cause.meaning},
            {"evidence", diagnosis.evidence}};
  set_if(json, "fix", diagnosis.fix);
  json["completed_timestamp_seconds"] = unix_seconds(report.completed);
  json["up"] = report.bindings.up;
  json["listeners"] = list(report.bindings.listeners, listener_json);
  json["wanted"] = list(report.bindings.wanted, endpoint_json);
  json["missing"] = list(report.bindings.missing, endpoint_json);
  json["conflicts"] = list(report.bindings.conflicts, conflict_json);
  if (facts.systemd) json["units"] = list(facts.systemd->units, unit_json);
  if (facts.configuration) json["configuration"] = configuration_json(*facts.configuration);
  if (facts.processes) json["processes"] = processes_json(*facts.processes);
  if (facts.log) json["log"] = log_json(*facts.log);
  if (facts.kernel) json["kernel"] = kernel_json(*facts.kernel);
  if (facts.guards) json["guards"] = facts.guards->running;
  json["collectors"] = list(report.collectors, collector_json);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace web
