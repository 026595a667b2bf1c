#include "local/sshd_settings.h"

#include <arpa/inet.h>

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace local {

namespace {

using model::Endpoint;

constexpr std::size_t kNoteLimit = 120;  // as much of a strange line as a message can bear

std::string lower_case(std::string text) {
  for (auto& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::optional<base::IpAddress> parse_address(const std::string& text) {
  if (auto address = base::IpAddress::parse(text)) return address;
  // getaddrinfo(3), which sshd asks, also takes 127.1 and 0x7f000001.
  in_addr old{};
  if (text.find(':') == std::string::npos && ::inet_aton(text.c_str(), &old) != 0) {
    return base::IpAddress::from_v4(old);
  }
  return std::nullopt;
}

// Gathers the lines in their order, then puts in the defaults.
class Interpreter {
 public:
  explicit Interpreter(const ServicePort& service) : service_(service) {}

  SshdSettings interpret(const std::vector<ConfigLine>& lines) {
    for (const auto& line : lines) {
      if (!line.arguments.empty() && !line.arguments[0].empty()) take(line);
    }
    finish_listen();
    if (!host_key_seen_) default_host_keys();
    auto& config = settings_.config;
    if (!grace_seen_) config.login_grace = std::chrono::seconds(120);
    if (!startups_seen_) config.max_startups = model::MaxStartups{};
    return std::move(settings_);
  }

 private:
  struct Listen {
    std::string host;
    std::uint16_t port = 0;  // 0: every Port
  };

  void take(const ConfigLine& line) {
    const auto& word = line.arguments[0];
    auto& config = settings_.config;
    if (line.keyword == "port") {
      take_port(word);
    } else if (line.keyword == "listenaddress") {
      take_listen(line);
    } else if (line.keyword == "addressfamily") {
      take_family(word);
    } else if (line.keyword == "maxstartups") {
      take_startups(word);
      startups_seen_ = true;
    } else if (line.keyword == "logingracetime") {
      if (!grace_seen_) config.login_grace = parse_sshd_time(word);
      grace_seen_ = true;
    } else if (line.keyword == "persourcemaxstartups") {
      take_per_source(word);
    } else if (line.keyword == "persourcepenalties") {
      if (!config.per_source_penalties) config.per_source_penalties = lower_case(word) != "no";
    } else if (line.keyword == "hostkey") {
      take_host_key(word);
    } else if (line.keyword == "hostkeyagent") {
      if (!agent_seen_) settings_.host_key_agent = lower_case(word) != "none";
      agent_seen_ = true;
    } else if (line.keyword == "allowusers") {
      take_patterns(allow_users_, line, config.allow_users);
    } else if (line.keyword == "denyusers") {
      take_patterns(deny_users_, line, config.deny_users);
    } else if (line.keyword == "allowgroups") {
      take_patterns(allow_groups_, line, config.allow_groups);
    } else if (line.keyword == "denygroups") {
      take_patterns(deny_groups_, line, config.deny_groups);
    }
  }

  // A list within `Match all` takes the place of the one outside.
  static void take_patterns(bool& matched, const ConfigLine& line, std::uint32_t& total) {
    const auto count = static_cast<std::uint32_t>(line.arguments.size());
    if (matched && !line.in_match) return;
    if (line.in_match && !matched) total = 0;
    matched = line.in_match;
    total += count;
  }

  void note(const std::string& what) {
    if (settings_.unknown.size() < kPortLimit) {
      settings_.unknown.push_back(base::printable(what, kNoteLimit));
    }
  }

  [[nodiscard]] std::optional<std::uint16_t> port_of(const std::string& text) const {
    if (auto port = base::parse_integer<std::uint16_t>(text)) {
      return *port != 0 ? port : std::nullopt;
    }
    return service_ ? service_(text) : std::nullopt;
  }

  void take_port(const std::string& text) {
    const auto port = port_of(text);
    if (!port) {
      note("Port " + text);
      port_unknown_ = true;
    } else if (settings_.config.ports.size() < kPortLimit) {
      settings_.config.ports.push_back(*port);
    }
  }

  void take_listen(const ConfigLine& line) {
    const auto& text = line.arguments[0];
    listen_seen_ = true;
    Listen listen;
    const auto colon = text.find(':');
    const bool bracket = text.starts_with('[');
    const bool bare_v6 = text.find('[') == std::string::npos && colon != std::string::npos &&
                         text.find(':', colon + 1) != std::string::npos;
    std::string port;
    if (bracket) {
      const auto close = text.find(']');
      if (close == std::string::npos) return note("ListenAddress " + text);
      listen.host = text.substr(1, close - 1);
      if (close + 1 < text.size()) {
        if (text[close + 1] != ':') return note("ListenAddress " + text);
        port = text.substr(close + 2);
        if (port.empty()) return note("ListenAddress " + text);
      }
    } else if (bare_v6) {
      listen.host = text;
    } else {
      listen.host = text.substr(0, colon);
      if (colon != std::string::npos) {
        port = text.substr(colon + 1);
        if (port.empty()) return note("ListenAddress " + text);
      }
    }
    if (!port.empty()) {
      const auto number = port_of(port);
      if (!number) return note("ListenAddress " + text);
      listen.port = *number;
    }
    if (listen_.size() < kListenLimit) listen_.push_back(std::move(listen));
  }

  void take_family(const std::string& word) {
    if (family_seen_) return;
    family_seen_ = true;
    const auto family = lower_case(word);
    if (family == "any" || family == "inet" || family == "inet6") {
      settings_.config.address_family = family;
    } else {
      note("AddressFamily " + word);
      family_unknown_ = true;
    }
  }

  // The last line counts here, and a single number leaves the rate of an earlier one in place
  // (measured with 9.2 and 10.0).
  void take_startups(const std::string& text) {
    const auto first = text.find(':');
    const auto second = first == std::string::npos ? first : text.find(':', first + 1);
    const auto number = [&](std::size_t begin, std::size_t end) {
      return base::parse_integer<int>(std::string_view(text).substr(begin, end - begin));
    };
    auto& startups = settings_.config.max_startups;
    if (first == std::string::npos) {
      const auto full = base::parse_integer<int>(text);
      const int rate = startups ? startups->rate : model::MaxStartups{}.rate;
      startups.reset();
      if (full && *full > 0) startups = model::MaxStartups{*full, rate, *full};
      return;
    }
    startups.reset();
    if (second == std::string::npos) return;
    const auto begin = number(0, first);
    const auto rate = number(first + 1, second);
    const auto full = number(second + 1, text.size());
    if (begin && rate && full && *begin > 0 && *begin <= *full && *rate >= 1 && *rate <= 100) {
      startups = model::MaxStartups{*begin, *rate, *full};
    }
  }

  // The last line counts with 9.2, the first with 10.0: where they differ, nobody can say.
  void take_per_source(const std::string& word) {
    const auto limit = base::parse_integer<int>(word);
    auto& value = settings_.config.per_source_max_startups;
    value = per_source_seen_ && value != limit ? std::nullopt : limit;
    per_source_seen_ = true;
  }

  void take_host_key(const std::string& path) {
    host_key_seen_ = true;
    if (lower_case(path) == "none") return;
    // sshd puts its working directory and a slash before it.
    auto absolute = path.starts_with('/') ? path : "//" + path;
    auto& keys = settings_.host_keys;
    if (keys.size() < kHostKeyLimit && std::find(keys.begin(), keys.end(), absolute) == keys.end())
      keys.push_back(std::move(absolute));
  }

  void default_host_keys() {
    settings_.host_keys_by_default = true;
    for (const auto* type : {"rsa", "ecdsa", "ed25519"}) {
      settings_.host_keys.push_back("/etc/ssh/ssh_host_" + std::string(type) + "_key");
    }
  }

  void add(const base::IpAddress& address, std::uint16_t port) {
    const auto& family = settings_.config.address_family;
    // sshd refuses a file that asks for an address of the other family.
    if (family_unknown_ || (family == "inet" && !address.is_v4()) ||
        (family == "inet6" && address.is_v4())) {
      return note("ListenAddress " + address.to_string());
    }
    auto& listen = settings_.config.listen;
    const auto add_one = [&](std::uint16_t one) {
      const Endpoint endpoint{address, one};
      if (listen.size() < kListenLimit &&
          std::find(listen.begin(), listen.end(), endpoint) == listen.end())
        listen.push_back(endpoint);
    };
    if (port != 0) return add_one(port);
    for (const auto each : settings_.config.ports) add_one(each);
  }

  void finish_listen() {
    auto& config = settings_.config;
    if (config.ports.empty() && !port_unknown_) config.ports.push_back(22);
    for (const auto& listen : listen_) {
      if (auto address = parse_address(listen.host)) {
        add(*address, listen.port);
      } else {
        note("ListenAddress " + listen.host);
      }
    }
    if (listen_seen_ || family_unknown_) return;
    if (config.address_family != "inet6") add(*base::IpAddress::parse("0.0.0.0"), 0);
    if (config.address_family != "inet") add(*base::IpAddress::parse("::"), 0);
  }

  const ServicePort& service_;
  SshdSettings settings_;
  std::vector<Listen> listen_;
  // Whether the list comes from a Match block.
  bool allow_users_ = false;
  bool deny_users_ = false;
  bool allow_groups_ = false;
  bool deny_groups_ = false;
  bool port_unknown_ = false;
  bool family_seen_ = false;
  bool family_unknown_ = false;
  bool listen_seen_ = false;
  bool grace_seen_ = false;
  bool startups_seen_ = false;
  bool per_source_seen_ = false;
  bool agent_seen_ = false;
  bool host_key_seen_ = false;
};

}  // namespace

std::vector<ConfigLine> effective_lines(std::string_view output) {
  std::vector<ConfigLine> lines;
  for (int number = 1; !output.empty() && lines.size() < kConfigLineLimit; ++number) {
    const auto text = base::take_line(output);
    const auto space = text.find(' ');
    if (space == std::string_view::npos || space + 1 == text.size()) continue;
    ConfigLine line;
    line.keyword = text.substr(0, space);
    line.arguments.emplace_back(text.substr(space + 1));
    line.line = number;
    // A routing domain follows in words of its own.
    auto& value = line.arguments[0];
    if (line.keyword == "listenaddress") value.resize(std::min(value.find(' '), value.size()));
    lines.push_back(std::move(line));
  }
  return lines;
}

std::optional<std::uint16_t> find_service(std::string_view services, std::string_view name) {
  while (!services.empty()) {
    auto line = base::take_line(services);
    line = line.substr(0, line.find('#'));
    std::vector<std::string_view> words;
    while (!line.empty()) {
      const auto begin = line.find_first_not_of(" \t\r");
      if (begin == std::string_view::npos) break;
      line.remove_prefix(begin);
      const auto length = std::min(line.find_first_of(" \t\r"), line.size());
      words.push_back(line.substr(0, length));
      line.remove_prefix(length);
    }
    if (words.size() < 2 || !words[1].ends_with("/tcp")) continue;
    const auto number = words[1];
    std::swap(words[1], words[0]);
    if (std::find(words.begin() + 1, words.end(), name) == words.end()) continue;
    return base::parse_integer<std::uint16_t>(number.substr(0, number.size() - 4));
  }
  return std::nullopt;
}

std::optional<base::Duration> parse_sshd_time(std::string_view text) {
  // Longer than any grace time, and far from an overflow.
  constexpr std::int64_t kLongest = std::numeric_limits<std::int32_t>::max();
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto end = std::min(text.find_first_not_of("0123456789", i), text.size());
    const auto number = base::parse_integer<std::int64_t>(text.substr(i, end - i));
    if (!number || *number > kLongest) return std::nullopt;
    std::int64_t unit = 1;
    if (end < text.size()) {
      switch (text[end]) {
        case 's':
        case 'S':
          break;
        case 'm':
        case 'M':
          unit = 60;
          break;
        case 'h':
        case 'H':
          unit = 60 * 60;
          break;
        case 'd':
        case 'D':
          unit = 24 * 60 * 60;
          break;
        case 'w':
        case 'W':
          unit = 7 * 24 * 60 * 60;
          break;
        default:
          return std::nullopt;
      }
    }
    total += *number * unit;
    if (total > kLongest) return std::nullopt;
    i = end + 1;
  }
  return std::chrono::seconds(total);
}

SshdSettings interpret_settings(const std::vector<ConfigLine>& lines, const ServicePort& service) {
  return Interpreter(service).interpret(lines);
}

}  // namespace local
