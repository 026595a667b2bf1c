// What the kernel counts and how it is set, as far as it decides about new connections.
//
// Counters, settings and addresses are those of the network namespace that the exporter is in, the
// same that its list of listening sockets is of, also if the root is moved: /proc/self/net is the
// reader's own even in the procfs of another pid namespace, and /proc/sys/net always shows the
// namespace of the task that reads.
#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "local/collector.h"
#include "local/interface_addresses.h"
#include "local/network_namespace.h"
#include "local/proc.h"

namespace local {

namespace {

constexpr std::size_t kNumberLimit = 32;  // a 64-bit number, its sign and line end
// Each takes three system calls, some 5 µs.
constexpr std::size_t kInterfaceLimit = 4096;
constexpr std::size_t kInterfaceNameLimit = 16;  // IFNAMSIZ

constexpr const char* kTcpCounters = "/proc/self/net/netstat";
constexpr const char* kConntrackEntries = "/proc/sys/net/netfilter/nf_conntrack_count";
constexpr const char* kConntrackLimit = "/proc/sys/net/netfilter/nf_conntrack_max";
constexpr const char* kNonlocalBind = "/proc/sys/net/ipv4/ip_nonlocal_bind";
constexpr const char* kInterfaceSettings = "/proc/sys/net/ipv4/conf";

// Reasons, each once, for one text.
class Problems {
 public:
  void add(const std::string& problem) {
    if (!text_.empty()) text_ += "; ";
    text_ += problem;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

struct TcpCounters {
  std::optional<std::uint64_t> overflows;
  std::optional<std::uint64_t> drops;
};

// Pairs of lines: "TcpExt: NAME NAME …", "TcpExt: NUMBER NUMBER …".
TcpCounters tcp_counters(std::string_view text) {
  constexpr std::string_view kTitle = "TcpExt:";
  TcpCounters counters;
  while (!text.empty()) {
    auto names = base::take_line(text);
    if (!names.starts_with(kTitle)) continue;
    auto numbers = base::take_line(text);
    if (next_word(names) != next_word(numbers)) return {};
    for (auto name = next_word(names); !name.empty(); name = next_word(names)) {
      const auto text_of_number = next_word(numbers);
      // Of different lengths they cannot be matched.
      if (text_of_number.empty()) return {};
      const auto number = base::parse_integer<std::uint64_t>(text_of_number);
      if (name == "ListenOverflows") counters.overflows = number;
      if (name == "ListenDrops") counters.drops = number;
    }
    return next_word(numbers).empty() ? counters : TcpCounters{};
  }
  return counters;
}

class KernelCollector : public Collector {
 public:
  explicit KernelCollector(const CollectorContext& context)
      : host_(context.host), clock_(context.clock) {}

  std::string collect(const model::HostFacts& /*known*/, model::HostFacts& mine) override {
    auto facts = std::make_shared<model::KernelFacts>();
    Problems problems;
    if (const auto foreign = foreign_network(host_); !foreign.empty()) {
      facts->addresses_known = false;
      problems.add(foreign);
    } else {
      look_at_network(*facts, problems);
    }
    facts->booted = boot_time(clock_);
    mine.kernel = std::move(facts);
    return problems.text();
  }

 private:
  void look_at_network(model::KernelFacts& facts, Problems& problems) const {
    read_counters(facts, problems);
    facts.conntrack_entries = optional_number(kConntrackEntries, problems);
    facts.conntrack_limit = optional_number(kConntrackLimit, problems);
    if (const auto flag = number(kNonlocalBind, problems)) facts.nonlocal_bind = *flag != 0;
    read_reverse_path_filters(facts, problems);
    if (auto addresses = interface_addresses()) {
      facts.addresses = std::move(*addresses);
    } else {
      facts.addresses_known = false;
      problems.add(addresses.error());
    }
  }

  [[nodiscard]] std::optional<std::uint64_t> number(const std::string& path, Problems& problems,
                                                    bool may_be_absent = false) const {
    const auto file = host_.read(path, kNumberLimit);
    if (file.error == ENOENT && may_be_absent) return std::nullopt;
    if (file.error != 0) {
      problems.add(path + ": " + std::strerror(file.error));
      return std::nullopt;
    }
    std::string_view text = file.text;
    const auto value = base::parse_integer<std::uint64_t>(base::take_line(text));
    if (!value || !text.empty()) {
      problems.add(path + ": not a number");
      return std::nullopt;
    }
    return value;
  }

  // Connection tracking is a module that may not be loaded.
  [[nodiscard]] std::optional<std::uint64_t> optional_number(const std::string& path,
                                                             Problems& problems) const {
    return number(path, problems, true);
  }

  void read_counters(model::KernelFacts& facts, Problems& problems) const {
    const auto file = host_.read(kTcpCounters);
    if (file.error != 0) {
      problems.add(std::string(kTcpCounters) + ": " + std::strerror(file.error));
      return;
    }
    const auto counters = tcp_counters(file.text);
    facts.listen_overflows = counters.overflows;
    facts.listen_drops = counters.drops;
    if (!counters.overflows || !counters.drops) {
      problems.add(std::string(kTcpCounters) + ": no ListenOverflows or ListenDrops");
    }
  }

  void read_reverse_path_filters(model::KernelFacts& facts, Problems& problems) const {
    constexpr std::uint64_t kStrict = 1;
    const std::string directory = kInterfaceSettings;
    const auto everywhere = number(directory + "/all/rp_filter", problems);
    if (!everywhere) return;
    std::size_t count = 0;
    for (const auto& interface : host_.list(directory)) {
      if (interface == "all" || interface == "default") continue;
      if (++count > kInterfaceLimit) {
        problems.add(directory + ": more than " + std::to_string(kInterfaceLimit) + " interfaces");
        return;
      }
      // Interfaces go away at any time.
      auto path = directory + "/";
      path.append(interface).append("/rp_filter");
      const auto own = number(path, problems, true);
      if (own && std::max(*everywhere, *own) == kStrict) {
        facts.strict_rp_filter.push_back(base::printable(interface, kInterfaceNameLimit));
      }
    }
  }

  const Host& host_;
  const base::Clock& clock_;
};

}  // namespace

std::unique_ptr<Collector> make_kernel_collector(const CollectorContext& context) {
  return std::make_unique<KernelCollector>(context);
}

}  // namespace local
