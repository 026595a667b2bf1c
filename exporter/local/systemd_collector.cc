// The units of SSH servers, as systemd itself sees them. Asks over D-Bus, as systemctl does, and
// keeps the connection from round to round.

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "local/collector.h"
#include "local/environment.h"
#include "local/file_identity.h"
#include "local/system_bus.h"
#include "local/unit_properties.h"

namespace local {

namespace {

constexpr const char* kBusSocket = "/run/dbus/system_bus_socket";
// systemd's own door, for root alone, on hosts without a bus.
constexpr const char* kPrivateSocket = "/run/systemd/private";
constexpr const char* kSystemd = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kProperties = "org.freedesktop.DBus.Properties";

// Below the 3 s of the collector's row, so that a hung bus is reported in our own words.
constexpr auto kCollectLimit = std::chrono::milliseconds(2500);
// Units that are looked at: a host has three or four; more are a family of templates.
constexpr std::size_t kCandidateLimit = 128;
// Names of units that are kept in mind because a server was seen in them.
constexpr std::size_t kRememberedLimit = 16;
// Sessions of a socket unit with Accept=yes stand in the list; MaxConnections= is 64 by default.
constexpr std::size_t kListedLimit = 8192;
// A file of variables is some 300 bytes.
constexpr std::size_t kEnvironmentFileLimit = 64U << 10U;
constexpr std::size_t kEnvironmentFiles = 64;
// Words of a command line, and bytes of each, that are worth publishing.
constexpr std::size_t kWordsLimit = 128;
constexpr std::size_t kWordLimit = 4096;

// Debian and Ubuntu, Fedora and Arch, SUSE, ALT; dropbear; tinyssh.
const std::vector<std::string> kUsualNames{"ssh.service",
                                           "sshd.service",
                                           "ssh.socket",
                                           "sshd.socket",
                                           "openssh.service",
                                           "openssh.socket",
                                           "openssh-server.service",
                                           "dropbear.service",
                                           "dropbear.socket",
                                           "tinysshd.service",
                                           "tinysshd.socket",
                                           "tinyssh.service",
                                           "tinyssh.socket"};
const std::vector<std::string> kPatterns{
    "ssh*.service",     "ssh*.socket",        "*sshd*.service",
    "*sshd*.socket",    "*dropbear*.service", "*dropbear*.socket",
    "tinyssh*.service", "tinyssh*.socket",    "openssh*.service"};
// Units under other names that are to start with the host count although systemd has not loaded
// them: nobody asked for them yet.
const std::vector<std::string> kFilePatterns{"*ssh*.service", "*ssh*.socket", "*dropbear*.service",
                                             "*dropbear*.socket"};
const std::vector<std::string> kStartedStates{"enabled", "enabled-runtime", "linked",
                                              "linked-runtime"};
// systemd reads its directories for it: some milliseconds of process 1. So they are asked for anew
// when one of these has changed, and now and then for those that are not here.
constexpr auto kFilesInterval = std::chrono::minutes(1);
constexpr std::array<const char*, 6> kFileFolders{"/etc/systemd/system",
                                                  "/etc/systemd/system/multi-user.target.wants",
                                                  "/etc/systemd/system/sockets.target.wants",
                                                  "/run/systemd/system",
                                                  "/usr/local/lib/systemd/system",
                                                  "/usr/lib/systemd/system"};
constexpr std::array<std::string_view, 3> kServers{"sshd", "dropbear", "tinysshd"};

bool is_socket(std::string_view name) { return name.ends_with(".socket"); }
bool is_service(std::string_view name) { return name.ends_with(".service"); }

// ssh@7-192.0.2.1:22-198.51.100.2:50022.service: one connection, gone with it.
bool is_one_connection(std::string_view name) {
  const auto at = name.find('@');
  if (at == std::string_view::npos) return false;
  const auto rest = name.find_first_not_of("0123456789", at + 1);
  return rest != std::string_view::npos && rest > at + 1 && name[rest] == '-';
}

bool is_unit_name(std::string_view name) {
  constexpr std::size_t kLimit = 255;  // UNIT_NAME_MAX
  const auto valid = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":-_.\\@").find(c) != std::string_view::npos;
  };
  return name.size() <= kLimit && std::all_of(name.begin(), name.end(), valid);
}

// Units also start `sshd -t`, to check and not to serve, and `sshd -i` for a single connection.
bool is_server(const ExecCommand& command) {
  constexpr std::array<std::string_view, 5> kOtherWork{"-t", "-T", "-G", "-V", "-i"};
  const std::string_view path = command.path;
  const auto program = path.substr(path.rfind('/') + 1);
  return std::find(kServers.begin(), kServers.end(), program) != kServers.end() &&
         std::find_first_of(command.words.begin(), command.words.end(), kOtherWork.begin(),
                            kOtherWork.end()) == command.words.end();
}

struct ListedUnit {
  std::string name;
  bool exists = true;
};

// a(ssssssouso): name, description, load, active and sub state, the unit it follows, its path, and
// a job's number, type and path.
base::Result<std::vector<ListedUnit>> read_list(const Message& answer) {
  std::vector<ListedUnit> units;
  std::array<const char*, 9> fields{};
  std::uint32_t job = 0;
  int result = sd_bus_message_enter_container(answer.get(), 'a', "(ssssssouso)");
  while (result >= 0 && units.size() < kListedLimit) {
    result = sd_bus_message_read(answer.get(), "(ssssssouso)", &fields[0], &fields[1], &fields[2],
                                 &fields[3], &fields[4], &fields[5], &fields[6], &job, &fields[7],
                                 &fields[8]);
    if (result <= 0) break;
    // A service outlives its file: only what is neither there nor at work does not exist.
    const bool exists =
        std::strcmp(fields[2], "not-found") != 0 || std::strcmp(fields[3], "inactive") != 0;
    units.push_back({fields[0], exists});
  }
  if (result < 0) return base::Error{"systemd's list of units cannot be understood"};
  return units;
}

// As systemd prints a stream's address; nullopt for those that are not IP.
std::optional<model::Endpoint> endpoint_of(std::string_view text) {
  std::string scope;
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  auto port_text = text.substr(colon + 1);
  if (const auto percent = port_text.find('%'); percent != std::string_view::npos) {
    scope = port_text.substr(percent);
    port_text = port_text.substr(0, percent);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto port = base::parse_integer<std::uint16_t>(port_text);
  auto address = base::IpAddress::parse(std::string(host) + scope);
  if (!address) address = base::IpAddress::parse(host);
  if (!port || !address) return std::nullopt;
  return model::Endpoint{*address, *port};
}

// Units whose names do not tell that they are an SSH server's, and the program that each starts: as
// long as it starts that one, it stays the server's unit, also when no server runs in it.
using Remembered = std::map<std::string, std::string>;

// Names of unit files that are to be started, whether systemd has loaded them or not.
struct UnitFiles {
  std::vector<std::string> names;
  std::optional<base::SteadyTime> listed;
  std::vector<FileIdentity> folders;  // as they were then
};

// One look at everything.
class Round {
 public:
  Round(const Host& host, const SystemBus& bus, base::SteadyTime deadline,
        std::optional<CommentLines>& comments, UnitFiles& files)
      : host_(host), bus_(bus), deadline_(deadline), comments_(comments), files_(files) {}

  // What cannot be known although systemd answers; empty: nothing.
  [[nodiscard]] const std::string& missing() const { return missing_; }

  base::Result<std::vector<model::UnitFacts>> look(const model::HostFacts& known,
                                                   Remembered& remembered) {
    if (known.processes) {
      for (const auto& server : known.processes->servers) servers_.emplace(server.unit, server.pid);
    }
    if (auto listed = list("ListUnitsByNames", {kUsualNames}, true); !listed) return error(listed);
    if (auto listed = list("ListUnitsByPatterns", {{}, kPatterns}, false); !listed) {
      return error(listed);
    }
    if (auto listed = list_files(); !listed) return error(listed);
    remembered_ = remembered;
    for (const auto& [name, path] : remembered) enqueue(name, false);
    for (const auto& [name, pid] : servers_) {
      if (is_service(name)) enqueue(name, false);
    }
    while (!queue_.empty()) {
      const auto candidate = std::move(queue_.front());
      queue_.pop_front();
      if (auto done = examine(candidate); !done) return error(done);
    }
    drop_foreign_sockets();
    std::vector<model::UnitFacts> units;
    for (auto& one : found_) {
      remember(one, remembered);
      auto facts = facts_of(one.properties);
      if (!facts) return error(facts);
      units.push_back(std::move(facts).value());
    }
    std::sort(units.begin(), units.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return units;
  }

 private:
  struct Candidate {
    std::string name;
    bool usual = false;  // by its name it is an SSH server's
  };
  struct Found {
    UnitProperties properties;
    std::vector<model::Endpoint> listen;
    bool usual = false;
  };

  template <typename T>
  static base::Error error(const base::Result<T>& result) {
    return base::Error{result.error()};
  }

  void miss(std::string what) {
    if (missing_.empty()) missing_ = std::move(what);
  }

  void enqueue(const std::string& name, bool usual) {
    if (!is_unit_name(name) || is_one_connection(name) || seen_.contains(name)) return;
    if (seen_.size() >= kCandidateLimit) {
      miss("there are more than " + std::to_string(kCandidateLimit) +
           " units with names of SSH servers: some are not looked at");
      return;
    }
    seen_.insert(name);
    queue_.push_back({name, usual});
  }

  base::Result<void> list(const char* member, std::vector<std::vector<std::string>> arrays,
                          bool usual) {
    const auto answer =
        bus_.call({kSystemd, kManagerPath, kManager, member, {}, std::move(arrays)}, deadline_);
    if (!answer) return error(answer);
    const auto units = read_list(*answer);
    if (!units) return error(units);
    for (const auto& unit : *units) {
      if (unit.exists && (is_service(unit.name) || is_socket(unit.name))) {
        enqueue(unit.name, usual);
      }
    }
    return {};
  }

  // a(ss): path and state.
  base::Result<void> list_files() {
    const auto now = std::chrono::steady_clock::now();
    std::vector<FileIdentity> folders;
    for (const auto* path : kFileFolders) {
      const auto status = host_.status(path);
      folders.push_back(status ? identity_of(*status) : FileIdentity());
    }
    if (!files_.listed || now - *files_.listed >= kFilesInterval || folders != files_.folders) {
      const auto answer = bus_.call({kSystemd,
                                     kManagerPath,
                                     kManager,
                                     "ListUnitFilesByPatterns",
                                     {},
                                     {kStartedStates, kFilePatterns}},
                                    deadline_);
      if (!answer) return error(answer);
      files_.names.clear();
      const char* path = nullptr;
      int result = sd_bus_message_enter_container(answer->get(), 'a', "(ss)");
      while (result >= 0 && files_.names.size() < kCandidateLimit &&
             (result = sd_bus_message_read(answer->get(), "(ss)", &path, nullptr)) > 0) {
        const std::string_view name =
            std::string_view(path).substr(std::string_view(path).rfind('/') + 1);
        const bool is_template = name.find("@.") != std::string_view::npos;
        if (!is_template && (is_service(name) || is_socket(name))) files_.names.emplace_back(name);
      }
      if (result < 0) return base::Error{"systemd's list of unit files cannot be understood"};
      files_.listed = now;
      files_.folders = std::move(folders);
    }
    for (const auto& name : files_.names) enqueue(name, false);
    return {};
  }

  // The properties of one of a unit's interfaces, or one of them; false if there is no such unit.
  base::Result<bool> fetch(const std::string& name, const char* interface, const char* property,
                           UnitProperties& properties) {
    char* encoded = nullptr;
    if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", name.c_str(), &encoded) < 0) {
      return false;
    }
    SystemBus::Call call{kSystemd, encoded, kProperties, "GetAll", {interface}, {}};
    std::free(encoded);
    if (property != nullptr) {
      call.member = "Get";
      call.strings.emplace_back(property);
    }
    const auto answer = bus_.call(call, deadline_, true);
    if (!answer) return error(answer);
    if (!*answer) return false;
    const int result = property != nullptr ? add_property(answer->get(), property, properties)
                                           : add_properties(answer->get(), properties);
    if (result < 0) {
      return base::Error{"systemd's answer about " + base::printable(name, 64) +
                         " cannot be understood"};
    }
    return true;
  }

  // Some units run a script that becomes sshd.
  [[nodiscard]] bool runs_known_server(const UnitProperties& properties,
                                       const std::string& name) const {
    const auto pid = properties.service.main_pid;
    return pid != 0 && servers_.contains({name, pid});
  }

  [[nodiscard]] bool is_remembered(const UnitProperties& properties,
                                   const std::string& name) const {
    const auto found = remembered_.find(name);
    return found != remembered_.end() && !properties.commands.empty() &&
           properties.commands.front().path == found->second;
  }

  static void remember(const Found& found, Remembered& remembered) {
    const auto& name = found.properties.unit.name;
    const auto& commands = found.properties.commands;
    if (found.usual || commands.empty()) return;
    if (remembered.contains(name) || remembered.size() < kRememberedLimit) {
      remembered.insert_or_assign(name, commands.front().path);
    }
  }

  base::Result<void> examine(const Candidate& candidate) {
    constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
    constexpr const char* kService = "org.freedesktop.systemd1.Service";
    constexpr const char* kSocket = "org.freedesktop.systemd1.Socket";
    Found found{{}, {}, candidate.usual};
    auto& properties = found.properties;
    if (is_service(candidate.name) && !candidate.usual) {
      // Two properties instead of three hundred, for the many units that are no server's.
      UnitProperties first;
      for (const auto* property : {"ExecStartEx", "MainPID"}) {
        const auto there = fetch(candidate.name, kService, property, first);
        if (!there) return error(there);
        if (!*there) return {};
      }
      if (std::none_of(first.commands.begin(), first.commands.end(), is_server) &&
          !runs_known_server(first, candidate.name) && !is_remembered(first, candidate.name)) {
        return {};
      }
    }
    for (const auto* interface : {is_socket(candidate.name) ? kSocket : kService, kUnit}) {
      const auto there = fetch(candidate.name, interface, nullptr, properties);
      if (!there) return error(there);
      if (!*there) return {};
    }
    return accept(std::move(found), candidate.name);
  }

  base::Result<void> accept(Found found, const std::string& asked) {
    auto& [properties, listen, usual] = found;
    auto& unit = properties.unit;
    if (unit.name.empty() || unit.load_state.empty() || unit.active_state.empty()) {
      return base::Error{"systemd's answer about " + base::printable(asked, 64) +
                         " lacks its name or state"};
    }
    if (unit.load_state == "not-found" && unit.active_state == "inactive") return {};
    if (unit.name != asked && !seen_.insert(unit.name).second) return {};
    if (properties.malformed) miss("systemd says more about " + unit.name + " than fits");
    if (is_socket(unit.name)) {
      add_endpoints(properties, listen);
      // Sockets that only local programs or virtual machines can reach are not asked about.
      if (listen.empty() && unit.load_state == "loaded") return {};
    }
    for (const auto& name : properties.triggers) {
      if (is_service(name)) enqueue(name, false);
    }
    for (const auto& name : properties.triggered_by) {
      if (is_socket(name)) enqueue(name, false);
    }
    found_.push_back(std::move(found));
    return {};
  }

  void add_endpoints(const UnitProperties& properties, std::vector<model::Endpoint>& listen) {
    if (properties.socket_protocol != 0 && properties.socket_protocol != IPPROTO_TCP) return;
    const auto add = [&listen](const model::Endpoint& endpoint) {
      if (std::find(listen.begin(), listen.end(), endpoint) == listen.end()) {
        listen.push_back(endpoint);
      }
    };
    for (const auto& stream : properties.streams) {
      const auto endpoint = endpoint_of(stream);
      if (!endpoint) continue;
      add(*endpoint);
      const bool every_ipv6 = !endpoint->address.is_v4() && endpoint->address.is_unspecified();
      if (every_ipv6 && takes_ipv4(properties.bind_ipv6_only)) {
        add({base::IpAddress::from_v4({INADDR_ANY}), endpoint->port});
      }
    }
  }

  // Whether a socket for [::] takes IPv4 connections as well.
  [[nodiscard]] bool takes_ipv4(const std::string& bind_ipv6_only) const {
    if (bind_ipv6_only != "default") return bind_ipv6_only == "both";
    return host_.read("/proc/sys/net/ipv6/bindv6only").text.starts_with('0');
  }

  // Of sockets that do not have a usual name, those stay that start a server found.
  void drop_foreign_sockets() {
    const auto is_found = [this](const std::string& name) {
      return std::any_of(found_.begin(), found_.end(), [&](const Found& one) {
        return is_service(one.properties.unit.name) && one.properties.unit.name == name;
      });
    };
    std::erase_if(found_, [&](const Found& one) {
      const auto& properties = one.properties;
      if (one.usual || !is_socket(properties.unit.name)) return false;
      if (std::any_of(properties.triggers.begin(), properties.triggers.end(), is_found)) {
        return false;
      }
      // With Accept=yes no service is named: each connection has one of its own.
      const std::string_view name = properties.unit.name;
      return !(properties.accept && (name.starts_with("sshd") || name.starts_with("dropbear") ||
                                     name.starts_with("tinyssh")));
    });
  }

  // The first that does not hold, empty if none: what systemd found at the last start it forgets
  // with each daemon-reload.
  [[nodiscard]] std::string unmet(const std::vector<UnitProperties::PathCondition>& paths) const {
    const auto found = std::find_if(paths.begin(), paths.end(), [&](const auto& condition) {
      if (host_.status(condition.path)) return !condition.wanted;
      return condition.wanted && errno == ENOENT;
    });
    return found != paths.end() ? found->line : std::string();
  }

  base::Result<model::UnitFacts> facts_of(UnitProperties& properties) {
    auto unit = std::move(properties.unit);
    std::erase(unit.aliases, unit.name);
    std::sort(unit.aliases.begin(), unit.aliases.end());
    for (const auto* conditions : {&properties.conditions, &properties.assertions}) {
      if (!conditions->result && unit.failed_condition.empty()) {
        unit.failed_condition = conditions->failed;
      }
      if (unit.unmet_condition.empty()) unit.unmet_condition = unmet(conditions->paths);
    }
    if (is_socket(unit.name)) {
      model::SocketFacts socket;
      add_endpoints(properties, socket.listen);
      socket.accept = properties.accept;
      // With Accept=yes it names the sessions of the moment.
      const auto service = std::find_if(
          properties.triggers.begin(), properties.triggers.end(),
          [](const auto& name) { return is_service(name) && !is_one_connection(name); });
      if (service != properties.triggers.end()) socket.service = *service;
      unit.socket = std::move(socket);
      return unit;
    }
    auto service = properties.service;
    auto command = start_command(properties, unit.name);
    if (!command) return error(command);
    service.start_command = std::move(command).value();
    unit.service = std::move(service);
    return unit;
  }

  base::Result<std::vector<std::string>> start_command(const UnitProperties& properties,
                                                       const std::string& name) {
    std::vector<std::string> words;
    const auto& commands = properties.commands;
    if (commands.empty()) return words;
    auto command = std::find_if(commands.begin(), commands.end(), is_server);
    if (command == commands.end()) command = commands.begin();
    words = command->words;
    const bool variables =
        command->expand && std::any_of(words.begin(), words.end(), [](const std::string& word) {
          return word.find('$') != std::string::npos;
        });
    if (variables) {
      auto environment = environment_of(properties, name);
      if (!environment) return error(environment);
      if (!*environment) return std::vector<std::string>();
      words = expand_words(words, **environment);
    }
    const bool fit = !properties.malformed && words.size() <= kWordsLimit &&
                     std::all_of(words.begin(), words.end(), [](const std::string& word) {
                       return base::printable(word, kWordLimit) == word;
                     });
    if (fit) return words;
    miss("the command line of " + name + " is too long or not printable");
    return std::vector<std::string>();
  }

  // nullopt if a file that counts cannot be read: then nothing is known of the variables.
  base::Result<std::optional<Environment>> environment_of(const UnitProperties& properties,
                                                          const std::string& name) {
    const auto manager = manager_environment();
    if (!manager) return error(manager);
    Environment environment;
    for (const auto& assignment : *manager) add_assignment(assignment, environment);
    for (const auto& assignment : properties.environment) add_assignment(assignment, environment);
    for (const auto& file : properties.environment_files) {
      for (const auto& path : paths_of(file.path)) {
        const auto content = host_.read(path, kEnvironmentFileLimit);
        // A file that is missing although it may not be keeps the service from starting: then no
        // command line is wrong.
        if (content.error == ENOENT || content.error == ENOTDIR) continue;
        const bool text =
            content.text.find('\0') == std::string::npos && base::is_valid_utf8(content.text);
        if (content.error != 0 || content.truncated || !text) {
          miss("cannot read " + base::printable(path, kWordLimit) +
               ", and so the command line of " + name + ": " +
               (content.error != 0 ? std::strerror(content.error) : "no such text"));
          return std::optional<Environment>();
        }
        add_environment_file(content.text, *comments_, environment);
      }
    }
    for (const auto& assignment : properties.unset_environment) {
      remove_assignment(assignment, environment);
    }
    return std::optional(std::move(environment));
  }

  // systemd takes a pattern as well.
  [[nodiscard]] std::vector<std::string> paths_of(const std::string& path) const {
    if (path.find_first_of("*?[") == std::string::npos) return {path};
    const auto slash = path.rfind('/');
    const auto folder = path.substr(0, slash + 1);
    const auto pattern = path.substr(slash + 1);
    std::vector<std::string> paths;
    for (const auto& name : host_.list(folder)) {
      if (paths.size() < kEnvironmentFiles && ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0) {
        paths.push_back(folder + name);
      }
    }
    return paths;
  }

  // What systemd gives to every service. Asks for its version too, once for a connection.
  base::Result<std::vector<std::string>> manager_environment() {
    std::vector<std::string> texts;
    if (!comments_) {
      if (auto got = get_texts("Version", false, texts); !got) return error(got);
      constexpr int kLinesEndComments = 254;
      int version = 0;
      const auto& text = texts.front();
      std::from_chars(text.data(), text.data() + text.size(), version);
      comments_ = version < kLinesEndComments ? CommentLines::continue_after_backslash
                                              : CommentLines::end_at_newline;
    }
    texts.clear();
    if (auto got = get_texts("Environment", true, texts); !got) return error(got);
    return texts;
  }

  base::Result<void> get_texts(const char* property, bool array, std::vector<std::string>& texts) {
    const auto answer = bus_.call(
        {kSystemd, kManagerPath, kProperties, "Get", {kManager, property}, {}}, deadline_);
    if (!answer) return error(answer);
    int result = sd_bus_message_enter_container(answer->get(), 'v', array ? "as" : "s");
    if (result >= 0 && array) result = sd_bus_message_enter_container(answer->get(), 'a', "s");
    const char* text = nullptr;
    while (result >= 0 && (result = sd_bus_message_read_basic(answer->get(), 's', &text)) > 0) {
      texts.emplace_back(text);
      if (!array) break;
    }
    if (result < 0 || (!array && texts.empty())) {
      return base::Error{std::string("systemd's ") + property + " cannot be understood"};
    }
    return {};
  }

  const Host& host_;
  const SystemBus& bus_;
  base::SteadyTime deadline_;
  std::optional<CommentLines>& comments_;
  UnitFiles& files_;
  Remembered remembered_;
  std::set<std::pair<std::string, pid_t>> servers_;  // unit and process
  std::set<std::string> seen_;
  std::deque<Candidate> queue_;
  std::vector<Found> found_;
  std::string missing_;
};

class SystemdCollector : public Collector {
 public:
  explicit SystemdCollector(const CollectorContext& context) : host_(context.host) {}

  std::string collect(const model::HostFacts& known, model::HostFacts& mine) override {
    // As sd_booted(3) does, below the root.
    if (!host_.status("/run/systemd/system")) {
      bus_.reset();
      if (errno == ENOENT || errno == ENOTDIR) return {};
      return std::string("cannot look at /run/systemd/system: ") + std::strerror(errno);
    }
    const auto deadline = std::chrono::steady_clock::now() + kCollectLimit;
    if (bus_ && !bus_->alive()) bus_.reset();
    if (!bus_) {
      if (auto failure = connect(deadline); !failure.empty()) return failure;
    }
    Round round(host_, *bus_, deadline, comments_, files_);
    auto units = round.look(known, remembered_);
    // systemd sends every signal to whom it talks directly; between rounds nobody would read them.
    if (!units || direct_) bus_.reset();
    if (!units) return units.error();
    auto facts = std::make_shared<model::SystemdFacts>();
    facts->units = std::move(units).value();
    mine.systemd = std::move(facts);
    return round.missing();
  }

 private:
  std::string connect(base::SteadyTime deadline) {
    comments_.reset();
    files_ = {};
    direct_ = false;
    int refused = 0;
    auto bus = SystemBus::connect(host_, kBusSocket, SystemBus::Kind::bus, deadline, &refused);
    if (!bus && (refused == ENOENT || refused == ECONNREFUSED) && ::geteuid() == 0) {
      auto direct = SystemBus::connect(host_, kPrivateSocket, SystemBus::Kind::peer, deadline);
      if (!direct) return bus.error() + "; " + direct.error();
      direct_ = true;
      bus = std::move(direct);
    }
    if (!bus) return bus.error();
    bus_ = std::move(bus).value();
    return {};
  }

  const Host& host_;
  std::optional<SystemBus> bus_;
  bool direct_ = false;                   // without a bus between
  std::optional<CommentLines> comments_;  // by systemd's version; absent until it is asked
  UnitFiles files_;
  Remembered remembered_;
};

}  // namespace

std::unique_ptr<Collector> make_systemd_collector(const CollectorContext& context) {
  return std::make_unique<SystemdCollector>(context);
}

}  // namespace local
