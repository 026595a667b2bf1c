// Who may enter: HTTP basic authentication against bcrypt hashes. Called from all workers at once.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace web {

class BasicAuth {
 public:
  // Names and hashes; without any, everybody may enter.
  explicit BasicAuth(std::vector<std::pair<std::string, std::string>> users);

  // `authorization` is the header's value, null if there is none.
  bool allows(const std::string* authorization);

 private:
  bool verify(const std::string& user, const std::string& password);
  [[nodiscard]] std::string digest_of(std::string_view user, std::string_view password) const;

  const std::vector<std::pair<std::string, std::string>> users_;
  std::string key_;  // random, of this process
  std::mutex cache_mutex_;
  std::set<std::string> known_good_;  // digests, guarded by cache_mutex_
  std::mutex bcrypt_mutex_;
};

}  // namespace web
