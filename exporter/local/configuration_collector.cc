#include "local/configuration_collector.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <utility>

#include "base/text.h"
#include "local/dropbear_options.h"
#include "local/host_keys.h"
#include "local/server_program.h"
#include "local/sshd_config.h"
#include "local/sshd_inquiry.h"
#include "local/sshd_settings.h"

namespace local {

namespace {

using model::SshdConfig;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr base::Duration kVersionDeadline = seconds(2);
// What is read but not watched, such as the system's crypto policy, is noticed after this.
constexpr base::Duration kRefresh = minutes(5);
// Where there was no verdict, as it may be a matter of load.
constexpr base::Duration kRetry = minutes(1);
// File times have the grain of the kernel's tick, 10 ms at most: a file that was changed just
// before it was looked at can change again without a trace.
constexpr base::Duration kUnsettled = std::chrono::milliseconds(100);
constexpr const char* kRuntimeDirectory = "/run/sshd";
// Where libraries come and go: of a folder the times are enough.
constexpr std::array<const char*, 7> kLibraries{"/etc/ld.so.cache",
                                                "/usr/lib",
                                                "/usr/lib64",
                                                "/usr/lib/x86_64-linux-gnu",
                                                "/usr/lib/aarch64-linux-gnu",
                                                "/usr/lib/arm-linux-gnueabihf",
                                                "/lib64"};
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
    auto text = read_lines(options);
    auto settings = interpret_settings(text.lines, service_port());
    auto inputs = gather(server, options, text, settings);
    const auto age = clock_.steady() - asked_;
    const bool failed = privileged_ && answer_.facts && !answer_.facts->check;
    if (!inputs_ || *inputs_ != inputs || age >= (failed ? kRetry : kRefresh)) {
      const bool settled = is_settled(inputs);
      answer_ = ask_sshd(host_, {server.binary, version_of(server.binary, "-?"), options,
                                 std::move(text), std::move(settings), privileged_});
      asked_ = clock_.steady();
      inputs_.reset();
      if (settled) inputs_ = std::move(inputs);
    }
    mine.configuration = answer_.facts;
    return answer_.reasons.empty() ? "" : "configuration of sshd: " + answer_.reasons;
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
    for (const auto* path : kLibraries) add(path);
    // Others make files there; only the directory itself counts.
    auto runtime = state_of(host_, kRuntimeDirectory);
    runtime.modified = runtime.changed = base::Duration::zero();
    runtime.size = 0;
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

  std::string collect_dropbear(const ServerProgram& server, model::HostFacts& mine) {
    const auto options = dropbear_options(server.words, service_port());
    auto facts = std::make_shared<SshdConfig>();
    facts->source = model::ConfigSource::command_line;
    facts->program = server.name;
    facts->binary = server.binary;
    facts->version = version_of(server.binary, "-V");
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
    for (const auto& word : options.unknown) reasons += (reasons.empty() ? "" : ", ") + word;
    return reasons.empty() ? "" : "configuration of dropbear: not resolved: " + reasons;
  }

  // sshd prints its release in full with its usage, asked for by an option that none has; -V does
  // not before 9.3 (measured: OpenSSH_9.2 for 9.2p1 Debian-2+deb12u10).
  std::string version_of(const std::string& binary, const char* option) {
    const auto state = state_of(host_, binary);
    if (state.error == 0 && version_binary_ == std::pair(binary, state)) return version_;
    ProgramRun program;
    program.argv = {binary, option};
    program.deadline = kVersionDeadline;
    const auto end = host_.run(program);
    const auto text = end.err + end.out;
    version_.clear();
    for (const std::string_view name : {"OpenSSH_", "Dropbear"}) {
      const auto begin = text.find(name);
      if (begin == std::string::npos || (begin != 0 && text[begin - 1] != '\n')) continue;
      const auto stop = text.find_first_of(",\r\n", begin);
      version_ = base::printable(text.substr(begin, stop - begin), kVersionLimit);
      break;
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
  SshdAnswer answer_;
  std::optional<std::pair<std::string, FileState>> version_binary_;
  std::string version_;
};

}  // namespace

std::unique_ptr<Collector> make_configuration_collector(const CollectorContext& context,
                                                        bool privileged) {
  return std::make_unique<ConfigurationCollector>(context, privileged);
}

std::unique_ptr<Collector> make_configuration_collector(const CollectorContext& context) {
  // sshd -t reads the host keys. Root may, and so may a program that hands on this capability.
  const bool may_read =
      ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_DAC_READ_SEARCH, 0, 0) == 1;
  return make_configuration_collector(context, ::geteuid() == 0 || may_read);
}

}  // namespace local
