#include "local/sshd_inquiry.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "local/host_keys.h"
#include "local/sshd_check.h"

namespace local {

namespace {

using model::ConfigProblem;
using model::SshdConfig;

// sshd -T takes some 15 ms; a name in ListenAddress may wait for a resolver. Two of them and the
// version fit into the collector's deadline of 12 s.
constexpr base::Duration kProgramDeadline = std::chrono::seconds(4);

using RejectedKeys = std::map<std::string, std::string>;  // by path, why

bool is_unusable(const model::HostKeyFacts& key) { return key.usable.has_value() && !*key.usable; }

void add_reason(std::string& reasons, const std::string& reason) {
  if (reason.empty()) return;
  if (!reasons.empty()) reasons += "; ";
  reasons += reason;
}

class Inquiry {
 public:
  Inquiry(const Host& host, const SshdQuestion& question)
      : host_(host), question_(question), settings_(question.own) {}

  SshdAnswer answer() {
    ProgramEnd end;
    if (question_.privileged) {
      end = dump();
      check_ = judge(end);
      if (!check_) add_reason(reasons_, "sshd gave no verdict: " + no_verdict_reason(end));
    } else {
      add_reason(reasons_, "not checked, as sshd -t needs root");
    }
    parse_only();
    auto rejected = rejected_host_keys(end.err);
    const bool told = ask_about_keys(rejected);
    facts_ = settings_.config;
    facts_.source = effective_ ? model::ConfigSource::effective : model::ConfigSource::parsed;
    facts_.program = "sshd";
    facts_.binary = question_.binary;
    facts_.file = base::printable(question_.options.file, kWordLengthLimit);
    facts_.version = question_.version;
    if (!effective_) complete_parsed();
    look_at_keys(rejected, told);
    locate();
    facts_.check = std::move(check_);
    SshdAnswer answer;
    answer.facts = std::make_shared<const SshdConfig>(std::move(facts_));
    answer.reasons = std::move(reasons_);
    return answer;
  }

 private:
  [[nodiscard]] ProgramEnd run(const char* mode, const std::vector<std::string>& arguments) const {
    ProgramRun program;
    program.argv = {question_.binary, mode};
    program.argv.insert(program.argv.end(), arguments.begin(), arguments.end());
    program.deadline = kProgramDeadline;
    return host_.run(program);
  }

  // -T fails where -t fails, with the same words and status (measured with 9.2 and 10.0).
  ProgramEnd dump() {
    auto end = run("-T", question_.options.arguments);
    take_effective(end);
    // Before OpenSSH 8.1 -T asks for a connection where there is a Match block: then only -t tells.
    const bool dump_only = !effective_ && end.error == 0 && !end.timed_out &&
                           end.err.find("connection test spec") != std::string::npos;
    return dump_only ? run("-t", question_.options.arguments) : end;
  }

  // -G came with 9.3: it needs neither keys nor root.
  void parse_only() {
    const bool can_parse =
        !question_.privileged || (check_ && (check_->problem == ConfigProblem::host_keys ||
                                             check_->problem == ConfigProblem::runtime_directory));
    if (!effective_ && can_parse && version_number(question_.version) >= 903) {
      take_effective(run("-G", question_.options.arguments));
    }
  }

  void take_effective(const ProgramEnd& end) {
    if (end.error != 0 || end.timed_out || end.exit_status != 0) return;
    const auto lines = effective_lines(end.out);
    const auto has = [&](std::string_view keyword) {
      return std::any_of(lines.begin(), lines.end(),
                         [&](const ConfigLine& line) { return line.keyword == keyword; });
    };
    // Whatever else can end well has no such lines.
    if (!has("port") || !has("listenaddress")) return;
    const bool by_default = settings_.host_keys_by_default;
    settings_ = interpret_settings(lines, nullptr);
    settings_.host_keys_by_default = by_default;
    effective_ = true;
  }

  [[nodiscard]] std::optional<model::ConfigCheck> judge(const ProgramEnd& end) const {
    const auto status = host_.status(question_.binary);
    // Executable, yet not for us: a mount or a policy of our own.
    if (end.error == EACCES && (!status || (status->st_mode & 0111U) != 0)) return std::nullopt;
    if (end.error == ENOENT && !status) return std::nullopt;
    return interpret_check(end, question_.options.file);
  }

  void complete_parsed() {
    const int version = version_number(question_.version);
    if (version != 0 && version < 908) facts_.per_source_penalties.reset();
    if (version >= 908 && !facts_.per_source_penalties) facts_.per_source_penalties = true;
    add_reason(reasons_, question_.text.problem);
    // An invalid file is told by the check.
    if (check_ && check_->problem == ConfigProblem::configuration) return;
    for (const auto& line : settings_.unknown) add_reason(reasons_, "not resolved: " + line);
  }

  // Whether sshd has named each key that it does not load. It is silent about those that it only
  // tries by default, so it is asked again as if they were configured.
  bool ask_about_keys(RejectedKeys& rejected) const {
    if (!check_) return false;
    // sshd loads the keys after it has read its configuration, and before it looks at the
    // directory.
    const bool loaded = check_->problem == ConfigProblem::none ||
                        check_->problem == ConfigProblem::runtime_directory;
    if (!settings_.host_keys_by_default) return loaded;
    if (check_->problem != ConfigProblem::none) return false;
    auto arguments = question_.options.arguments;
    for (const auto& path : settings_.host_keys) {
      if (!host_.status(path)) continue;
      arguments.emplace_back("-h");
      arguments.push_back(path);
    }
    const auto end = run("-t", arguments);
    if (end.error != 0 || end.exit_status != 0) return false;
    rejected = rejected_host_keys(end.err);
    return true;
  }

  void look_at_keys(const RejectedKeys& rejected, bool told) {
    const bool none_loaded = check_ && check_->problem == ConfigProblem::host_keys;
    bool unseen = false;
    // Started by another user, sshd does not mind who else may read root's keys.
    const bool as_root = ::geteuid() == 0;
    for (const auto& path : settings_.host_keys) {
      auto key = look_at_host_key(host_, path);
      unseen = unseen || (!key.usable && !key.problem.empty());
      const auto named = rejected.find(path);
      if (named != rejected.end()) {
        key.usable = false;
        if (!named->second.empty()) key.problem = named->second;
      } else if (key.present && none_loaded) {
        key.usable = false;
        if (key.problem.empty()) key.problem = "sshd does not load it";
      } else if (key.present && told && (as_root || !is_unusable(key))) {
        key.usable = true;
        key.problem.clear();
      }
      // The agent may have the private part.
      if (settings_.host_key_agent && is_unusable(key)) key.usable.reset();
      facts_.host_keys.push_back(std::move(key));
    }
    const auto& keys = facts_.host_keys;
    const bool all_open =
        told && !as_root && !keys.empty() && std::all_of(keys.begin(), keys.end(), is_unusable);
    if (all_open && check_ && check_->problem == ConfigProblem::none) {
      check_->problem = ConfigProblem::host_keys;
      check_->message = "no host key that sshd would load as root";
    }
    if (!unseen || !none_loaded) return;
    // sshd, started by us, may have been as blind as we are.
    check_.reset();
    for (auto& key : facts_.host_keys) key.usable.reset();
    add_reason(reasons_, "host keys cannot be read");
  }

  // sshd does not say where an address stands that it cannot use.
  void locate() {
    constexpr std::string_view kAddress = "bad addr or host: ";
    if (!check_ || check_->line != 0 || !check_->message.starts_with(kAddress)) return;
    const auto& message = check_->message;
    const auto end = message.find(" (", kAddress.size());
    const auto host = message.substr(kAddress.size(), end - kAddress.size());
    for (const auto& line : question_.text.lines) {
      if (line.keyword != "listenaddress" || line.file.empty() || line.arguments.empty()) continue;
      const auto& value = line.arguments[0];
      if (value != host && !value.starts_with(host + ":") && !value.starts_with("[" + host + "]")) {
        continue;
      }
      check_->file = base::printable(line.file, kWordLengthLimit);
      check_->line = line.line;
      return;
    }
  }

  const Host& host_;
  const SshdQuestion& question_;
  SshdSettings settings_;
  SshdConfig facts_;
  std::optional<model::ConfigCheck> check_;
  std::string reasons_;
  bool effective_ = false;
};

}  // namespace

SshdAnswer ask_sshd(const Host& host, const SshdQuestion& question) {
  return Inquiry(host, question).answer();
}

int version_number(const std::string& version) {
  constexpr std::string_view kName = "OpenSSH_";
  if (!version.starts_with(kName)) return 0;
  const auto dot = version.find('.');
  if (dot == std::string::npos) return 0;
  const auto end = std::min(version.find_first_not_of("0123456789", dot + 1), version.size());
  const auto text = std::string_view(version);
  const auto major = base::parse_integer<int>(text.substr(kName.size(), dot - kName.size()));
  const auto minor = base::parse_integer<int>(text.substr(dot + 1, end - dot - 1));
  return major && minor && *major < 1000 && *minor < 100 ? *major * 100 + *minor : 0;
}

}  // namespace local
