#include "local/configuration_collector.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include "base/text.h"
#include "local/dropbear_options.h"
#include "local/host_keys.h"
#include "local/server_program.h"
#include "local/sshd_check.h"
#include "local/sshd_config.h"
#include "local/sshd_settings.h"

namespace local {

namespace {

using model::ConfigProblem;
using model::SshdConfig;
using std::chrono::minutes;
using std::chrono::seconds;

// sshd -T takes some 15 ms; a name in ListenAddress may wait for a resolver. Two of them and the
// version fit into the collector's deadline of 12 s.
constexpr base::Duration kProgramDeadline = seconds(4);
constexpr base::Duration kVersionDeadline = seconds(2);
// What is read but not watched, such as libraries and users, is noticed after this.
constexpr base::Duration kRefresh = minutes(5);
// Where there was no verdict, as it may be a matter of load.
constexpr base::Duration kRetry = minutes(1);
// File times have the grain of the kernel's tick, 10 ms at most: a file that was changed just
// before it was looked at can change again without a trace.
constexpr base::Duration kUnsettled = std::chrono::milliseconds(100);
constexpr const char* kRuntimeDirectory = "/run/sshd";
constexpr std::size_t kVersionLimit = 100;
constexpr std::size_t kServicesLimit = 1U << 20U;  // /etc/services has 13 KB

struct FileState {
  int error = 0;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  mode_t mode = 0;
  uid_t owner = 0;
  base::Duration modified{0};
  base::Duration changed{0};
  bool operator==(const FileState&) const = default;
};

base::Duration since_epoch(const timespec& time) {
  return seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

FileState state_of(const Host& host, const std::string& path) {
  FileState state;
  const auto status = host.status(path);
  if (!status) {
    state.error = errno;
    return state;
  }
  state.device = status->st_dev;
  state.inode = status->st_ino;
  state.size = status->st_size;
  state.mode = status->st_mode;
  state.owner = status->st_uid;
  state.modified = since_epoch(status->st_mtim);
  state.changed = since_epoch(status->st_ctim);
  return state;
}

// All that decides what sshd would say.
struct Inputs {
  std::string binary;
  std::vector<std::string> arguments;
  std::map<std::string, FileState> files;
  bool operator==(const Inputs&) const = default;
};

void add_reason(std::string& reasons, const std::string& reason) {
  if (reason.empty()) return;
  if (!reasons.empty()) reasons += "; ";
  reasons += reason;
}

// OpenSSH_9.2p1: 902. 0 if it is no such text.
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

class ConfigurationCollector final : public Collector {
 public:
  ConfigurationCollector(const CollectorContext& context, bool privileged)
      : host_(context.host), clock_(context.clock), privileged_(privileged) {}

  std::string collect(const model::HostFacts& known, model::HostFacts& mine) override {
    const auto server = find_server(host_, known);
    if (server.name == "sshd") return collect_sshd(server, mine);
    inputs_.reset();
    if (server.name == "dropbear") return collect_dropbear(server, mine);
    mine.configuration = std::make_shared<SshdConfig>();
    return {};
  }

 private:
  std::string collect_sshd(const ServerProgram& server, model::HostFacts& mine) {
    const auto options = sshd_options(server.words);
    const auto text = read_lines(options);
    const auto settings = interpret_settings(text.lines, service_port());
    auto inputs = gather(server, options, text, settings);
    const auto age = clock_.steady() - asked_;
    if (!inputs_ || *inputs_ != inputs || age >= (verdict_ ? kRefresh : kRetry)) {
      const bool settled = is_settled(inputs);
      ask(server, options, text, settings);
      asked_ = clock_.steady();
      inputs_.reset();
      if (settled) inputs_ = std::move(inputs);
    }
    mine.configuration = facts_;
    return error_;
  }

  // The command line's settings, then the file's.
  [[nodiscard]] SshdConfigText read_lines(const SshdOptions& options) const {
    std::vector<ConfigLine> lines;
    for (const auto& [keyword, value] : options.settings) {
      if (keyword.empty()) {
        if (auto line = split_config_line(value)) lines.push_back(std::move(*line));
      } else {
        ConfigLine line;
        line.keyword = keyword;
        line.arguments = {value};
        lines.push_back(std::move(line));
      }
    }
    auto text = read_sshd_config(host_, options.file);
    for (auto& line : text.lines) {
      if (!options.ports_given || line.keyword != "port") lines.push_back(std::move(line));
    }
    text.lines = std::move(lines);
    return text;
  }

  [[nodiscard]] ServicePort service_port() const {
    return [this](const std::string& name) {
      return find_service(host_.read("/etc/services", kServicesLimit).text, name);
    };
  }

  [[nodiscard]] Inputs gather(const ServerProgram& server, const SshdOptions& options,
                              const SshdConfigText& text, const SshdSettings& settings) const {
    Inputs inputs;
    inputs.binary = server.binary;
    inputs.arguments = options.arguments;
    const auto add = [&](const std::string& path) {
      inputs.files.emplace(path, state_of(host_, path));
    };
    for (const auto& path : text.inputs) add(path);
    for (const auto& path : settings.host_keys) add(path);
    add(server.binary);
    add("/etc/passwd");  // sshd needs its user
    // Others make files there; only the directory itself counts.
    auto runtime = state_of(host_, kRuntimeDirectory);
    runtime.modified = runtime.changed = base::Duration::zero();
    inputs.files.insert_or_assign(kRuntimeDirectory, runtime);
    return inputs;
  }

  [[nodiscard]] bool is_settled(const Inputs& inputs) const {
    const auto now = std::chrono::duration_cast<base::Duration>(clock_.wall().time_since_epoch());
    return std::none_of(inputs.files.begin(), inputs.files.end(), [&](const auto& file) {
      const auto age = now - file.second.changed;
      return age < kUnsettled && age > -kUnsettled;
    });
  }

  [[nodiscard]] ProgramEnd run(const std::string& binary, const char* mode,
                               const std::vector<std::string>& arguments) const {
    ProgramRun program;
    program.argv = {binary, mode};
    program.argv.insert(program.argv.end(), arguments.begin(), arguments.end());
    program.deadline = kProgramDeadline;
    return host_.run(program);
  }

  // Makes facts_, error_ and verdict_ anew.
  void ask(const ServerProgram& server, const SshdOptions& options, const SshdConfigText& text,
           const SshdSettings& own) {
    auto settings = own;
    auto facts = std::make_shared<SshdConfig>();
    std::string reasons;
    const auto version = version_of(server.binary);
    bool effective = false;
    std::map<std::string, std::string> rejected;
    if (privileged_) {
      auto end = run(server.binary, "-T", options.arguments);
      effective = take_effective(end, settings);
      // Before OpenSSH 8.1 -T asks for a connection where there is a Match block: then only -t
      // tells.
      const bool only_dump = !effective && end.error == 0 && !end.timed_out &&
                             end.err.find("connection test spec") != std::string::npos;
      if (only_dump) end = run(server.binary, "-t", options.arguments);
      facts->check = judge(server.binary, end, options);
      if (!facts->check) add_reason(reasons, "sshd gave no verdict: " + no_verdict_reason(end));
      rejected = rejected_host_keys(end.err);
    } else {
      add_reason(reasons, "not checked, as sshd -t needs root");
    }
    // -G came with 9.3: it needs neither keys nor root.
    const bool can_parse = !facts->check || facts->check->problem == ConfigProblem::host_keys ||
                           facts->check->problem == ConfigProblem::runtime_directory;
    if (!effective && can_parse && version_number(version) >= 903) {
      effective = take_effective(run(server.binary, "-G", options.arguments), settings);
    }
    auto check = std::move(facts->check);
    *facts = std::move(settings.config);
    facts->check = std::move(check);
    facts->source = effective ? model::ConfigSource::effective : model::ConfigSource::parsed;
    facts->program = server.name;
    facts->binary = server.binary;
    facts->file = base::printable(options.file, kWordLengthLimit);
    facts->version = version;
    if (!effective) complete_parsed(text, settings, *facts, reasons);
    const bool told = ask_about_keys(settings, options, *facts, rejected);
    look_at_keys(settings, rejected, told, *facts, reasons);
    locate(text, *facts);
    verdict_ = facts->check.has_value();
    error_ = reasons.empty() ? "" : "configuration of sshd: " + reasons;
    facts_ = std::move(facts);
  }

  static bool take_effective(const ProgramEnd& end, SshdSettings& settings) {
    if (end.error != 0 || end.timed_out || end.exit_status != 0) return false;
    const auto lines = effective_lines(end.out);
    const auto has = [&](std::string_view keyword) {
      return std::any_of(lines.begin(), lines.end(),
                         [&](const ConfigLine& line) { return line.keyword == keyword; });
    };
    // Whatever else can end well has no such lines.
    if (!has("port") || !has("listenaddress")) return false;
    const bool by_default = settings.host_keys_by_default;
    settings = interpret_settings(lines, nullptr);
    settings.host_keys_by_default = by_default;
    return true;
  }

  [[nodiscard]] std::optional<model::ConfigCheck> judge(const std::string& binary,
                                                        const ProgramEnd& end,
                                                        const SshdOptions& options) const {
    if (end.error == EACCES) {
      // Executable, yet not for us: a mount or a policy of our own.
      const auto status = host_.status(binary);
      if (!status || (status->st_mode & 0111U) != 0) return std::nullopt;
    }
    if (end.error == ENOENT && !host_.status(binary)) return std::nullopt;
    return interpret_check(end, options.file);
  }

  // What sshd's defaults are depends on its version.
  static void complete_parsed(const SshdConfigText& text, const SshdSettings& settings,
                              SshdConfig& facts, std::string& reasons) {
    const int version = version_number(facts.version);
    if (version != 0 && version < 908) facts.per_source_penalties.reset();
    if (version >= 908 && !facts.per_source_penalties) facts.per_source_penalties = true;
    add_reason(reasons, text.problem);
    // An invalid file is told by the check.
    if (facts.check && facts.check->problem == ConfigProblem::configuration) return;
    for (const auto& line : settings.unknown) add_reason(reasons, "not resolved: " + line);
  }

  void look_at_keys(const SshdSettings& settings,
                    const std::map<std::string, std::string>& rejected, SshdConfig& facts,
                    std::string& reasons) const {
    const auto problem = facts.check ? facts.check->problem : ConfigProblem::other;
    // sshd loads the keys after it has read its configuration, and before it looks at the
    // directory.
    const bool loaded = problem == ConfigProblem::none || problem == ConfigProblem::host_keys ||
                        problem == ConfigProblem::runtime_directory;
    bool unseen = false;
    for (const auto& path : settings.host_keys) {
      auto key = look_at_host_key(host_, path);
      unseen = unseen || (!key.usable && !key.problem.empty());
      const auto named = rejected.find(path);
      if (named != rejected.end()) {
        key.usable = false;
        if (!named->second.empty()) key.problem = named->second;
      } else if (key.present && problem == ConfigProblem::host_keys) {
        key.usable = false;
        if (key.problem.empty()) key.problem = "sshd does not load it";
      } else if (told && key.present) {
        key.usable = true;
        key.problem.clear();
      }
      // The agent may have the private part.
      if (settings.host_key_agent && key.usable == false) key.usable.reset();
      facts.host_keys.push_back(std::move(key));
    }
    if (unseen && problem == ConfigProblem::host_keys) {
      // sshd, started by us, may have been as blind as we are.
      facts.check.reset();
      for (auto& key : facts.host_keys) key.usable.reset();
      add_reason(reasons, "host keys cannot be read");
    }
  }

  // sshd does not say where an address stands that it cannot use.
  static void locate(const SshdConfigText& text, SshdConfig& facts) {
    constexpr std::string_view kAddress = "bad addr or host: ";
    if (!facts.check || facts.check->line != 0 || !facts.check->message.starts_with(kAddress)) {
      return;
    }
    const auto& message = facts.check->message;
    const auto end = message.find(" (", kAddress.size());
    const auto host = message.substr(kAddress.size(), end - kAddress.size());
    for (const auto& line : text.lines) {
      if (line.keyword != "listenaddress" || line.file.empty() || line.arguments.empty()) continue;
      const auto& value = line.arguments[0];
      if (value != host && !value.starts_with(host + ":") && !value.starts_with("[" + host + "]")) {
        continue;
      }
      facts.check->file = base::printable(line.file, kWordLengthLimit);
      facts.check->line = line.line;
      return;
    }
  }

  // Usage, which every version prints for an option that none has, names the release in full; -V
  // does not before 9.3 (measured: OpenSSH_9.2 for 9.2p1 Debian-2+deb12u10).
  std::string version_of(const std::string& binary) {
    const auto state = state_of(host_, binary);
    if (state.error == 0 && version_binary_ == std::pair(binary, state)) return version_;
    version_.clear();
    ProgramRun program;
    program.argv = {binary, "-?"};
    program.deadline = kVersionDeadline;
    const auto end = host_.run(program);
    const auto begin = end.err.find("OpenSSH_");
    if (begin != std::string::npos && (begin == 0 || end.err[begin - 1] == '\n')) {
      const auto stop = end.err.find_first_of(",\r\n", begin);
      version_ = base::printable(end.err.substr(begin, stop - begin), kVersionLimit);
    }
    version_binary_.reset();
    if (!end.timed_out && end.error == 0) version_binary_ = std::pair(binary, state);
    return version_;
  }

  std::string collect_dropbear(const ServerProgram& server, model::HostFacts& mine) {
    const auto options = dropbear_options(server.words, service_port());
    auto facts = std::make_shared<SshdConfig>();
    facts->source = model::ConfigSource::command_line;
    facts->program = server.name;
    facts->binary = server.binary;
    facts->version = dropbear_version(server.binary);
    facts->ports = options.ports;
    facts->listen = options.listen;
    for (const auto& path : options.host_keys) {
      auto key = look_at_dropbear_key(host_, path);
      // It makes them itself when they are asked for.
      if (!key.present && options.creates_host_keys) continue;
      facts->host_keys.push_back(std::move(key));
    }
    mine.configuration = std::move(facts);
    std::string reasons;
    for (const auto& word : options.unknown) add_reason(reasons, "not resolved: " + word);
    return reasons.empty() ? "" : "configuration of dropbear: " + reasons;
  }

  std::string dropbear_version(const std::string& binary) {
    const auto state = state_of(host_, binary);
    if (state.error == 0 && version_binary_ == std::pair(binary, state)) return version_;
    ProgramRun program;
    program.argv = {binary, "-V"};
    program.deadline = kVersionDeadline;
    const auto end = host_.run(program);
    const auto text = end.err + end.out;
    version_.clear();
    if (text.starts_with("Dropbear")) {
      version_ = base::printable(text.substr(0, text.find('\n')), kVersionLimit);
    }
    version_binary_.reset();
    if (!end.timed_out && end.error == 0) version_binary_ = std::pair(binary, state);
    return version_;
  }

  const Host& host_;
  const base::Clock& clock_;
  const bool privileged_;
  // The last answer, and what it rests on.
  std::optional<Inputs> inputs_;
  base::SteadyTime asked_;
  bool verdict_ = false;
  std::shared_ptr<const SshdConfig> facts_;
  std::string error_;
  std::optional<std::pair<std::string, FileState>> version_binary_;
  std::string version_;
};

}  // namespace

std::unique_ptr<Collector> make_configuration_collector(const CollectorContext& context,
                                                        bool privileged) {
  return std::make_unique<ConfigurationCollector>(context, privileged);
}

std::unique_ptr<Collector> make_configuration_collector(const CollectorContext& context) {
  return make_configuration_collector(context, ::geteuid() == 0);
}

}  // namespace local
