#include "config/web_config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "base/text.h"
#include "config/document.h"
#include "config/file_text.h"
#include "config/option.h"

namespace config {

namespace {

using model::ClientAuth;
using model::TlsVersion;

constexpr std::array<std::string_view, 3> kSections{"tls_server_config", "basic_auth_users",
                                                    "http_server_config"};
constexpr std::array<std::string_view, 7> kTlsKeys{
    "cert_file",   "key_file",    "client_ca_file", "client_auth_type",
    "min_version", "max_version", "cipher_suites"};
constexpr std::array<std::string_view, 2> kHttpKeys{"http2", "headers"};
// exporter-toolkit allows these and no others.
constexpr std::array<std::string_view, 5> kHeaders{
    "Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options",
    "X-Frame-Options", "X-XSS-Protection"};

constexpr std::array<std::pair<std::string_view, ClientAuth>, 5> kClientAuths{
    {{"NoClientCert", ClientAuth::none},
     {"RequestClientCert", ClientAuth::request},
     {"RequireAnyClientCert", ClientAuth::require_any},
     {"VerifyClientCertIfGiven", ClientAuth::verify_if_given},
     {"RequireAndVerifyClientCert", ClientAuth::require_and_verify}}};
constexpr std::array<std::pair<std::string_view, TlsVersion>, 2> kVersions{
    {{"TLS12", TlsVersion::tls12}, {"TLS13", TlsVersion::tls13}}};

// The text of an optional scalar.
void read_text_value(const Node& map, std::string_view key, std::string& value,
                     Problems& problems) {
  const auto* node = map.find(key);
  if (node == nullptr) return;
  if (node->kind != Node::Kind::scalar || node->text.empty()) {
    return problems.add(node->mark, std::string(key) + " needs a text");
  }
  value = node->text;
}

template <typename Names, typename Enum>
void read_choice(const Node& map, std::string_view key, const Names& names, Enum& value,
                 Problems& problems) {
  const auto* node = map.find(key);
  if (node == nullptr) return;
  std::string known;
  for (const auto& [name, enumerator] : names) {
    if (node->kind == Node::Kind::scalar && node->text == name) {
      value = enumerator;
      return;
    }
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  problems.add(node->mark,
               std::string(key) + " must be one of " + known + ", not " + quote(node->text));
}

class TlsReader {
 public:
  TlsReader(const std::filesystem::path& directory, Problems& problems)
      : directory_(directory), problems_(problems) {}

  std::optional<model::TlsConfig> read(const Node& node) {
    if (!check_map(node, "tls_server_config", kTlsKeys, problems_)) return std::nullopt;
    model::TlsConfig tls;
    read_path(node, "cert_file", tls.cert_file);
    read_path(node, "key_file", tls.key_file);
    read_path(node, "client_ca_file", tls.client_ca_file);
    read_choice(node, "client_auth_type", kClientAuths, tls.client_auth, problems_);
    read_choice(node, "min_version", kVersions, tls.min_version, problems_);
    read_choice(node, "max_version", kVersions, tls.max_version, problems_);
    read_suites(node, tls.cipher_suites);
    check(node, tls);
    return tls;
  }

 private:
  void read_path(const Node& node, std::string_view key, std::string& value) {
    read_text_value(node, key, value, problems_);
    if (!value.empty()) value = (directory_ / value).string();
  }

  void read_suites(const Node& node, std::vector<std::string>& suites) {
    const auto* list = node.find("cipher_suites");
    if (list == nullptr) return;
    if (list->kind != Node::Kind::list) {
      return problems_.add(list->mark, "cipher_suites needs a list of names");
    }
    for (const auto& suite : list->children) suites.push_back(suite.text);
  }

  void check(const Node& node, const model::TlsConfig& tls) {
    bool verifies = tls.client_auth == ClientAuth::verify_if_given ||
                    tls.client_auth == ClientAuth::require_and_verify;
    if (tls.cert_file.empty() || tls.key_file.empty()) {
      problems_.add(node.mark, "tls_server_config needs both cert_file and key_file");
    } else if (verifies && tls.client_ca_file.empty()) {
      problems_.add(node.mark, "this client_auth_type needs client_ca_file");
    } else if (!verifies && !tls.client_ca_file.empty()) {
      problems_.add(node.mark,
                    "client_ca_file is of no use without client_auth_type "
                    "RequireAndVerifyClientCert or VerifyClientCertIfGiven");
    } else if (tls.min_version > tls.max_version) {
      problems_.add(node.mark, "min_version is above max_version");
    }
  }

  const std::filesystem::path& directory_;
  Problems& problems_;
};

// crypt(5): $2b$, cost, 22 characters of salt and 31 of hash.
bool is_bcrypt(std::string_view hash) {
  constexpr std::size_t kLength = 60;
  constexpr std::string_view kAlphabet =
      "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  if (hash.size() != kLength || !hash.starts_with("$2") || hash[3] != '$' || hash[6] != '$' ||
      std::string_view("aby").find(hash[2]) == std::string_view::npos) {
    return false;
  }
  auto cost = base::parse_integer<int>(hash.substr(hash[4] == '0' ? 5 : 4, hash[4] == '0' ? 1 : 2));
  return cost && *cost >= 4 && *cost <= 31 &&
         hash.substr(7).find_first_not_of(kAlphabet) == std::string_view::npos;
}

void read_users(const Node& node, model::WebConfig& into, Problems& problems) {
  if (node.kind == Node::Kind::null) return;
  if (node.kind != Node::Kind::map) {
    return problems.add(node.mark, "basic_auth_users needs a map of names and bcrypt hashes");
  }
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const auto& name = node.children[i];
    const auto& hash = node.children[i + 1];
    if (name.text.empty() || name.text.find(':') != std::string::npos) {
      return problems.add(name.mark, "a user's name is neither empty nor has it a colon");
    }
    if (!is_bcrypt(hash.text)) {
      return problems.add(hash.mark, "the password of " + quote(name.text) +
                                         " is not a bcrypt hash; make one with `htpasswd -nB " +
                                         "NAME`");
    }
    into.users.emplace_back(name.text, hash.text);
  }
}

void read_http(const Node& node, model::WebConfig& into, Problems& problems) {
  if (!check_map(node, "http_server_config", kHttpKeys, problems)) return;
  if (const auto* http2 = node.find("http2"); http2 != nullptr && http2->text != "false") {
    problems.add(http2->mark, "this server does not speak HTTP/2; write http2: false, or nothing");
  }
  const auto* headers = node.find("headers");
  if (headers == nullptr || !check_map(*headers, "headers", kHeaders, problems)) return;
  for (std::size_t i = 0; i + 1 < headers->children.size(); i += 2) {
    const auto& value = headers->children[i + 1];
    bool printable = std::all_of(value.text.begin(), value.text.end(),
                                 [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
    if (value.kind != Node::Kind::scalar || !printable) {
      return problems.add(value.mark, "a header's value is one line of plain text");
    }
    into.headers.emplace_back(headers->children[i].text, value.text);
  }
}

}  // namespace

base::Result<model::WebConfig> load_web_config(const std::filesystem::path& file) {
  auto text = read_text(file);
  if (!text) return base::Error{text.error()};
  return parse_web_config(*text, file.string(), file.parent_path());
}

base::Result<model::WebConfig> parse_web_config(const std::string& yaml, const std::string& name,
                                                const std::filesystem::path& directory) {
  Problems problems(name);
  model::WebConfig config;
  const auto document = read_document(yaml, problems);
  if (!problems.none()) return problems.error();
  if (document.kind == Node::Kind::null) return config;
  if (!check_map(document, "the web configuration", kSections, problems)) return problems.error();
  if (const auto* tls = document.find("tls_server_config")) {
    config.tls = TlsReader(directory, problems).read(*tls);
  }
  if (const auto* users = document.find("basic_auth_users")) read_users(*users, config, problems);
  if (const auto* http = document.find("http_server_config")) read_http(*http, config, problems);
  if (!problems.none()) return problems.error();
  return config;
}

}  // namespace config
